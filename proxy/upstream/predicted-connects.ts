// Connections to the hosts that are likely to be picked next, made before a request wants them
// (predictive_preconnect_ratio).
import type { LoadBalancerContext } from './cluster-manager.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { OwnedPool } from './conn-pool.ts';
import type { Host } from './host.ts';
import type { HttpPoolProtocol } from './pool/pool-setup.ts';

/** As Envoy: no more connections at once for one request. */
const MAX_CONNECTS_AT_ONCE = 3;

/** Who knows which host is next. */
export interface HostPicks {
  /** The host that some later request will be given; null: nobody knows. */
  peekHost(context: LoadBalancerContext): Host | null;
}

/** The pools of the cluster. */
interface Pools {
  httpOf(
    host: Host,
    protocol: HttpPoolProtocol,
    request: LoadBalancerContext | null,
  ): OwnedPool | null;
  tunnelOf(host: Host, request: LoadBalancerContext | null): OwnedPool;
  spareStreams(most: number): number;
}

/** What they are made with. */
export interface PredictionParts {
  readonly stats: Pick<ClusterStats, 'rqActive' | 'rqPendingActive'>;
  readonly pools: Pools;
  readonly owner: HostPicks;
}

/** Of one cluster. */
export class PredictedConnects {
  readonly #ratio: number;
  readonly #parts: PredictionParts;

  constructor(ratio: number, parts: PredictionParts) {
    this.#ratio = ratio;
    this.#parts = parts;
  }

  /** A request is about to be given to its host's pool: sees to those behind it. */
  prepare(request: LoadBalancerContext, protocol: HttpPoolProtocol | 'tunnel'): void {
    const { owner, pools } = this.#parts;
    for (let count = 0; count < MAX_CONNECTS_AT_ONCE && this.#isShort(); count += 1) {
      const host = owner.peekHost(request);
      if (host === null) return;
      const pool =
        protocol === 'tunnel'
          ? pools.tunnelOf(host, request)
          : pools.httpOf(host, protocol, request);
      if (pool === null || !pool.preconnect(this.#ratio)) return;
    }
  }

  #isShort(): boolean {
    const { stats, pools } = this.#parts;
    const active = stats.rqActive.value;
    const wanted = (stats.rqPendingActive.value + active + 1) * this.#ratio - active;
    return wanted > pools.spareStreams(wanted);
  }
}
