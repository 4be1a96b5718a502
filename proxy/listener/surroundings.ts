// What surrounds a listener.
import type { SocketAddress } from '../base/address.ts';
import type { OverloadState } from '../filters/network-filter.ts';
import type { Candidate } from './candidate.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import type { ServerDrains } from './drain-sequence.ts';

/** What the process decides for all listeners. */
export interface ProcessHealth {
  /** `/healthcheck/fail` was called. */
  readonly isFailed: boolean;
  readonly overload: OverloadState;
}

/** A listener that takes connections of another one over. */
export interface Adopter {
  adopt(candidate: Candidate): void;
}

/** What a listener shares with the others of its worker. */
export interface ListenerSurroundings {
  readonly budget: ConnectionBudget;
  readonly health: ProcessHealth;
  readonly drains: ServerDrains;
  readonly workerIndex: number;
  /** Who serves connections to this address by hand-off; null: nobody else. */
  findByAddress(address: SocketAddress): Adopter | null;
}
