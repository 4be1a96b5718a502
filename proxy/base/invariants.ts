// Relations between the fields of a state machine, checked in tests and simulations only. A broken
// one is our own bug: it throws. What a peer may send is never asserted.

/** The global that a test run sets before the first module of the proxy is loaded. */
const SWITCH = 'OUTRIGGER_INVARIANTS';

/**
 * Whether machines check themselves. Read once, so that the check costs production one predictable
 * branch: `if (INVARIANTS) this.checkInvariants();`. `build/run-tests.mjs` switches it on.
 */
export const INVARIANTS: boolean = Reflect.get(globalThis, SWITCH) === true;

/** The states that each state may turn to; a state that stays as it is needs no edge. */
export type Edges<S extends string> = Readonly<Record<S, readonly S[]>>;

/** Throws unless a relation holds; `relation` names the machine and says what should be. */
export function invariant(holds: boolean, relation: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${relation}`);
}

/** Throws unless `machine` may turn from one state to the other. */
export function checkEdge<S extends string>(
  machine: string,
  edges: Edges<S>,
  from: S,
  to: S,
): void {
  if (from === to || edges[from].includes(to)) return;
  throw new Error(`invariant broken: ${machine}: no edge from ${from} to ${to}`);
}
