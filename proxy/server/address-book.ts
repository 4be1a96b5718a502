// Which listener is bound to which address: asked for with each listener that comes, of thousands.
import type { ListenerConfig } from '../model/listener.ts';

/** An address that somebody has, as text. */
export interface TakenAddress {
  readonly address: string;
  readonly listener: string;
}

/** Of the listeners in use. */
export class AddressBook {
  /** What each listener binds. */
  readonly #addresses = new Map<string, readonly string[]>();
  /** Who binds an address; never an empty set. */
  readonly #holders = new Map<string, Set<string>>();

  /** This is the one of that name from now on; null: there is none. */
  set(name: string, config: ListenerConfig | null): void {
    for (const address of this.#addresses.get(name) ?? []) this.#leave(address, name);
    this.#addresses.delete(name);
    const addresses = config === null ? [] : fixedAddresses(config);
    if (addresses.length === 0) return;
    this.#addresses.set(name, addresses);
    for (const address of addresses) this.#enter(address, name);
  }

  /** What it wants to bind and another one has; null: nothing. */
  conflictOf(name: string, config: ListenerConfig): TakenAddress | null {
    for (const address of fixedAddresses(config)) {
      for (const listener of this.#holders.get(address) ?? []) {
        if (listener !== name) return { address, listener };
      }
    }
    return null;
  }

  #enter(address: string, name: string): void {
    const holders = this.#holders.get(address);
    if (holders === undefined) this.#holders.set(address, new Set([name]));
    else holders.add(name);
  }

  #leave(address: string, name: string): void {
    const holders = this.#holders.get(address);
    if (holders === undefined || !holders.delete(name) || holders.size > 0) return;
    this.#holders.delete(address);
  }
}

/** What it binds; port 0 is another port each time. */
function fixedAddresses({ addresses, bindToPort, isInternal }: ListenerConfig): readonly string[] {
  if (!bindToPort || isInternal) return [];
  return addresses.filter(({ port }) => port !== 0).map(({ text }) => text);
}
