// A tunnel that the configuration allows, from its admission to the end of its stream.
import type { HcmStats } from './hcm-stats.ts';

/**
 * Envoy's idle_timeout of plain TCP: how long a tunnel may be silent that one side has left, where no
 * other timeout bounds it. A peer that never looks at its connection would hold it for ever.
 */
export const HALF_OPEN_IDLE_MS = 3_600_000;

/** The stream of a tunnel. */
export interface TunnelStream {
  /** 0: off. */
  readonly idleTimeoutMs: number;
  setIdleTimeout(timeoutMs: number): void;
}

/** Counted while it lasts. */
export class AdmittedTunnel {
  readonly #stats: HcmStats;

  constructor(stats: HcmStats) {
    this.#stats = stats;
    stats.cxUpgradesTotal.inc();
    stats.cxUpgradesActive.inc();
  }

  /** One of its sides has ended. */
  onSideEnded(stream: TunnelStream): void {
    if (stream.idleTimeoutMs === 0) stream.setIdleTimeout(HALF_OPEN_IDLE_MS);
  }

  /** Its stream is over; once. */
  end(): void {
    this.#stats.cxUpgradesActive.dec();
  }
}
