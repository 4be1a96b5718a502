// A tunnel that the configuration allows, from its admission to the end of its stream.
import type { ResponseHead } from '../../../http/message.ts';
import { agreesToTunnel, type TunnelKind } from '../../../http/tunnel.ts';
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
  readonly #kind: TunnelKind;

  constructor(stats: HcmStats, kind: TunnelKind) {
    this.#stats = stats;
    this.#kind = kind;
    stats.cxUpgradesTotal.inc();
    stats.cxUpgradesActive.inc();
  }

  /** This response opens it: what the client sends from now on is no request to wait for. */
  isOpenedBy(response: ResponseHead): boolean {
    return agreesToTunnel(this.#kind, response.status);
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
