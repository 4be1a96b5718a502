// Who serves connections to an address, bound or not: what use_original_dst hands connections on by.
// Built anew when listeners come and go; a look-up costs the same for one and for thousands.
import type { SocketAddress } from '../base/address.ts';
import type { ActiveListener } from './active-listener.ts';

/** Listeners by every address of theirs. */
export class ListenersByAddress {
  readonly #exact = new Map<string, ActiveListener>();
  /** Those on every address, by port. */
  readonly #anyV4 = new Map<number, ActiveListener>();
  readonly #anyV6 = new Map<number, ActiveListener>();

  constructor(listeners: Iterable<ActiveListener>) {
    for (const listener of listeners) {
      for (const { ip, port, text } of listener.config.addresses) {
        this.#exact.set(text, listener);
        if (ip === '0.0.0.0') this.#anyV4.set(port, listener);
        if (ip === '::') this.#anyV6.set(port, listener);
      }
    }
  }

  /** The listener of the address itself, else the one of its port on any address; null: neither. */
  find({ ip, port, text }: SocketAddress): ActiveListener | null {
    const exact = this.#exact.get(text);
    if (exact !== undefined) return exact;
    const any = ip.includes(':') ? this.#anyV6 : this.#anyV4;
    return any.get(port) ?? null;
  }
}
