// Who serves connections to an address, bound or not: what use_original_dst hands connections on by.
// Built anew when listeners come and go; a look-up costs the same for one and for thousands.
import type { SocketAddress } from '../base/address.ts';
import type { ListenerConfig } from '../model/listener.ts';

/** A listener as far as addresses go. */
export interface AddressedListener {
  readonly config: Pick<ListenerConfig, 'addresses'>;
}

/** Listeners by every address of theirs. */
export class ListenersByAddress<T extends AddressedListener> {
  readonly #exact = new Map<string, T>();
  /** Those on every address, by port. */
  readonly #anyV4 = new Map<number, T>();
  readonly #anyV6 = new Map<number, T>();

  constructor(listeners: Iterable<T>) {
    for (const listener of listeners) {
      for (const { ip, port, text } of listener.config.addresses) {
        this.#exact.set(text, listener);
        if (ip === '0.0.0.0') this.#anyV4.set(port, listener);
        if (ip === '::') this.#anyV6.set(port, listener);
      }
    }
  }

  /** The listener of the address itself, else the one of its port on any address; null: neither. */
  find({ ip, port, text }: SocketAddress): T | null {
    const exact = this.#exact.get(text);
    if (exact !== undefined) return exact;
    const any = ip.includes(':') ? this.#anyV6 : this.#anyV4;
    return any.get(port) ?? null;
  }
}
