// The listener as one of its filter chains sees it: a chain that an update took away drains alone.
import type { ListenerFacts, OverloadState } from '../filters/network-filter.ts';
import type { StatsScope } from '../stats/metrics.ts';

/** One per built chain. */
export class ChainFacts implements ListenerFacts {
  readonly scope: StatsScope;
  readonly bufferLimitBytes: number;
  /** Its connections end with their next response: as in Envoy, whatever the drain strategy. */
  isDraining = false;
  /** Ms for its idle connections to end by themselves; null: they need not yet. */
  drainLingerMs: number | null = null;
  readonly #listener: ListenerFacts;

  constructor(listener: ListenerFacts) {
    this.scope = listener.scope;
    this.bufferLimitBytes = listener.bufferLimitBytes;
    this.#listener = listener;
  }

  get overload(): OverloadState {
    return this.#listener.overload;
  }

  shouldDrainClose(): boolean {
    return this.isDraining || this.#listener.shouldDrainClose();
  }

  isHealthCheckFailed(): boolean {
    return this.#listener.isHealthCheckFailed();
  }
}
