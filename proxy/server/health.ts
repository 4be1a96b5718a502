// The state of the process as `/ready` and the load balancer in front see it.
import type { ServerState } from '../admin/backend.ts';

/** Initialisation moves forward only; the health check may be failed and mended at any time. */
export class Health {
  #phase: 'PRE_INITIALIZING' | 'INITIALIZING' | 'LIVE' = 'PRE_INITIALIZING';
  #isFailed = false;
  #isShuttingDown = false;

  /** True after `/healthcheck/fail` or a signal to end. */
  get isFailed(): boolean {
    return this.#isFailed || this.#isShuttingDown;
  }

  get isShuttingDown(): boolean {
    return this.#isShuttingDown;
  }

  state(): ServerState {
    if (this.#phase === 'LIVE' && this.isFailed) return 'DRAINING';
    return this.#phase;
  }

  /** Configuration is accepted: clusters are being resolved, workers start. */
  beginInitializing(): void {
    if (this.#phase === 'PRE_INITIALIZING') this.#phase = 'INITIALIZING';
  }

  /** Every worker accepts. */
  becomeLive(): void {
    this.#phase = 'LIVE';
  }

  /** `/healthcheck/fail` and `/healthcheck/ok`. */
  setFailed(failed: boolean): void {
    this.#isFailed = failed;
  }

  /** From now on for good. */
  beginShutdown(): void {
    this.#isShuttingDown = true;
  }
}
