// Relations between the fields of a state machine, checked in tests and simulations only. A broken
// one is our own bug: it throws. What a peer may send is never asserted.

/** The global that a test run sets before the first module of the proxy is loaded. */
const SWITCH = 'OUTRIGGER_INVARIANTS';

/**
 * Whether machines check themselves. Read once, so that the check costs production one predictable
 * branch: `if (INVARIANTS) this.checkInvariants();`. `build/run-tests.mjs` switches it on.
 */
export const INVARIANTS: boolean = Reflect.get(globalThis, SWITCH) === true;

/** Throws unless a relation holds; `relation` names the machine and says what should be. */
export function invariant(holds: boolean, relation: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${relation}`);
}

/** The legal changes of a machine's state. */
export class Edges<S extends string> {
  readonly #machine: string;
  readonly #table: Readonly<Record<S, readonly S[]>>;

  /** `table` names the states that each state may turn to; to stay needs no edge. */
  constructor(machine: string, table: Readonly<Record<S, readonly S[]>>) {
    this.#machine = machine;
    this.#table = table;
  }

  /** Throws unless `from` may turn to `to`. */
  check(from: S, to: S): void {
    const isLegal = from === to || this.#table[from].includes(to);
    invariant(isLegal, `${this.#machine}: no edge from ${from} to ${to}`);
  }
}
