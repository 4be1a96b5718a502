// The owner of all that resources refer to by name: it knows who refers to what, has each supplied
// once by whoever its reference names, and says when it can be used or will not come in time.
import type { Logger } from '../base/log.ts';

/** A reference; those with equal keys are one need. */
export interface Need {
  readonly key: string;
  /** What the author calls it. */
  readonly name: string;
}

/** Supplies one need until it is closed. */
export interface Supply {
  /** The version in use is of no use after all; absent: nobody needs to hear of it. */
  refuse?(reason: string): void;
  close(): void;
  /** Somebody else refers to it as well, maybe with other demands; absent: that is all the same. */
  join?(need: Need): void;
}

/** What a supply tells. */
export interface SupplySink<V> {
  /** A version; answers why it is refused, '' for a good one. The last good one stays in use. */
  onValue(value: V, version: string): string;
  /** It will not come in time: whoever waits goes on without it. */
  onGivenUp(reason: string): void;
}

/** For supplies whose needs can lose the value that they had. */
export interface KeeperSink<V> extends SupplySink<V> {
  /** It is no more: nobody is to go on using it. */
  onWithdrawn(): void;
}

/** What a keeper works with. */
export interface NeedKeeperParts<N extends Need, V> {
  /** For the log: `secret`, `route table`. */
  readonly noun: string;
  /** What became of a version: '' when it is in use, else why it is refused. */
  readonly use: (need: N, value: V, version: string) => string;
  /** Nobody refers to it any more. */
  readonly drop: (need: N) => void;
  /** Takes away what is in use of it; absent: what was once supplied stays. */
  readonly withdraw?: (need: N) => void;
  /** Begins to supply it; the sink may be told inside this call. null: nobody has to. */
  readonly open: (need: N, sink: KeeperSink<V>) => Supply | null;
  /** It is there from the start, whoever supplies it later. */
  readonly isKnown: (need: N) => boolean;
  /** One became usable, or was given up, for the first time: these users refer to it. */
  readonly onSettled: (users: Iterable<string>) => void;
  readonly log: Logger;
}

interface Kept<N> {
  readonly need: N;
  /** As each of them refers to it. */
  readonly users: Map<string, readonly N[]>;
  supply: Supply | null;
  /** It has a value, or nobody waits for one any more. */
  isSettled: boolean;
}

/** One per process and sort of need. */
export class NeedKeeper<N extends Need, V> {
  readonly #parts: NeedKeeperParts<N, V>;
  readonly #kept = new Map<string, Kept<N>>();
  /** Keys by user. */
  readonly #wanted = new Map<string, ReadonlySet<string>>();

  constructor(parts: NeedKeeperParts<N, V>) {
    this.#parts = parts;
  }

  /** `user` refers to these from now on, and to no others. */
  retain(user: string, needs: readonly N[]): void {
    const before = this.#wanted.get(user);
    const wanted = new Set(needs.map(({ key }) => key));
    if (wanted.size === 0) this.#wanted.delete(user);
    else this.#wanted.set(user, wanted);
    for (const key of wanted) this.#kept.get(key)?.users.delete(user);
    for (const need of needs) this.#admit(need, user);
    for (const key of before ?? []) if (!wanted.has(key)) this.#dismiss(key, user);
  }

  /** `user` is gone. */
  release(user: string): void {
    this.retain(user, []);
  }

  /** What was supplied is of no use after all: whoever supplied it hears why. */
  refuse(key: string, reason: string): void {
    this.#kept.get(key)?.supply?.refuse?.(reason);
  }

  /** True when whoever refers to it need not wait. */
  isSettled(key: string): boolean {
    return this.#kept.get(key)?.isSettled ?? true;
  }

  /** Those that somebody waits for. */
  unsettled(): readonly N[] {
    return [...this.#kept.values()].filter(({ isSettled }) => !isSettled).map(({ need }) => need);
  }

  /** How it is referred to, by all who do. */
  refsOf(key: string): readonly N[] {
    return [...(this.#kept.get(key)?.users.values() ?? [])].flat();
  }

  /** Who refers to it. */
  usersOf(key: string): Iterable<string> {
    return this.#kept.get(key)?.users.keys() ?? [];
  }

  /** Everything that is referred to. */
  refs(): readonly N[] {
    return [...this.#kept.values()].map(({ need }) => need);
  }

  stop(): void {
    for (const { supply } of this.#kept.values()) supply?.close();
    this.#kept.clear();
    this.#wanted.clear();
  }

  #admit(need: N, user: string): void {
    const known = this.#kept.get(need.key);
    if (known !== undefined) {
      known.users.set(user, [...(known.users.get(user) ?? []), need]);
      known.supply?.join?.(need);
      return;
    }
    const users = new Map([[user, [need]]]);
    const kept: Kept<N> = { need, users, supply: null, isSettled: false };
    this.#kept.set(need.key, kept);
    const supply = this.#parts.open(need, this.#sink(kept));
    kept.supply = supply;
    if (supply === null || this.#parts.isKnown(need)) kept.isSettled = true;
  }

  #sink(kept: Kept<N>): KeeperSink<V> {
    const { use, withdraw, noun, log } = this.#parts;
    return {
      onValue: (value, version) => {
        const refusal = use(kept.need, value, version);
        if (refusal === '') this.#settle(kept);
        return refusal;
      },
      onGivenUp: (reason) => {
        if (kept.isSettled) return;
        log.log('warning', `${noun} '${kept.need.name}' is not there: ${reason}`);
        this.#settle(kept);
      },
      onWithdrawn: () => {
        withdraw?.(kept.need);
        this.#settle(kept);
      },
    };
  }

  #settle(kept: Kept<N>): void {
    if (kept.isSettled) return;
    kept.isSettled = true;
    this.#parts.onSettled(this.usersOf(kept.need.key));
  }

  #dismiss(key: string, user: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    kept.users.delete(user);
    if (kept.users.size > 0) return;
    this.#kept.delete(key);
    kept.supply?.close();
    this.#parts.drop(kept.need);
  }
}
