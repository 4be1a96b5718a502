// What a worker's listeners refer to by name and servers tell: route tables, configurations of HTTP
// filters. The primary says what they are; a new version is seen by all at the same moment.
import type { DiscoveredRef } from '../model/config-source.ts';
import type { ToldFilter } from '../model/extension.ts';
import type { RouteTableConfig } from '../model/route.ts';
import type { ScopeSetConfig } from '../model/scoped-routes.ts';

/** What a reference stands for. */
export type DiscoveredConfig = RouteTableConfig | ScopeSetConfig | ToldFilter;

/** A reference in use; closed once, by whoever opened it. */
export interface DiscoveredSlot<C extends DiscoveredConfig = DiscoveredConfig> {
  /** null: it was not supplied yet, or withdrawn. */
  readonly value: C | null;
  close(): void;
}

/** Where a worker finds them. */
export interface DiscoveredConfigs {
  /** `onChange`: it has another value. */
  open<C extends DiscoveredConfig>(ref: DiscoveredRef, onChange: () => void): DiscoveredSlot<C>;
}

interface Shared {
  value: DiscoveredConfig | null;
  readonly users: Set<() => void>;
}

/** See the file's head. */
export class DiscoveredHub implements DiscoveredConfigs {
  readonly #shared = new Map<string, Shared>();

  open<C extends DiscoveredConfig>(
    { kind, key }: DiscoveredRef,
    onChange: () => void,
  ): DiscoveredSlot<C> {
    const shared = this.#find(`${kind}/${key}`);
    // Two users may hand in the same function.
    const user = (): void => onChange();
    shared.users.add(user);
    return {
      get value(): C | null {
        return shared.value as C | null;
      },
      close: () => {
        shared.users.delete(user);
      },
    };
  }

  /** A new version, which every user hears of at once; null: it was withdrawn. */
  set(kind: DiscoveredRef['kind'], key: string, value: DiscoveredConfig | null): void {
    const shared = this.#find(`${kind}/${key}`);
    shared.value = value;
    for (const user of [...shared.users]) user();
  }

  /**
   * Nobody refers to it any more. Who drains keeps what it has; who refers to it later begins with
   * nothing, and not with what was true then.
   */
  remove(kind: DiscoveredRef['kind'], key: string): void {
    this.#shared.delete(`${kind}/${key}`);
  }

  #find(at: string): Shared {
    let shared = this.#shared.get(at);
    if (shared === undefined) {
      shared = { value: null, users: new Set() };
      this.#shared.set(at, shared);
    }
    return shared;
  }
}
