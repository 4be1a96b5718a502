// Which faults are injected into which requests, compiled from extensions.filters.http.fault.v3.
import type { Fraction } from '../../../base/random.ts';
import type { HeaderMatchConfig } from '../../../model/route-match.ts';

/** HTTPFault, complete. */
export interface FaultConfig {
  /** Only requests that go there; '': wherever they go. */
  readonly upstreamCluster: string;
  /** Only requests of these nodes; null: whoever asks. */
  readonly downstreamNodes: ReadonlySet<string> | null;
  /** All have to match. */
  readonly headers: readonly HeaderMatchConfig[];
  readonly delay: DelayConfig | null;
  readonly abort: AbortConfig | null;
  readonly responseRateLimit: RateLimitConfig | null;
  /** Of the whole process, over all configurations of the connection manager; Infinity: no limit. */
  readonly maxActiveFaults: number;
  /** Injections are counted by the cluster that a request says it comes from, too. */
  readonly countsDownstreamClusters: boolean;
  /** By that cluster; those that runtime says nothing about are absent. */
  readonly byDownstreamCluster: ReadonlyMap<string, ClusterFaultRuntime>;
  /** Left in dynamic metadata when a delay or an abort is injected. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** How often a fault is injected. */
export interface FaultShare {
  /** As configured. */
  readonly own: Fraction;
  /** What runtime says instead, whatever the request says; null: nothing. */
  readonly runtime: Fraction | null;
}

/** FaultDelay. */
export interface DelayConfig {
  readonly share: FaultShare;
  /** null: as the request says. */
  readonly fixedMs: number | null;
  /** Replaces both, where there is one of them; null: nothing does. */
  readonly runtimeMs: number | null;
}

/** FaultAbort. */
export interface AbortConfig {
  readonly share: FaultShare;
  readonly kind: 'http' | 'grpc' | 'header';
  /** As configured; 0 for `header`. */
  readonly status: number;
  /** Replace what is configured or asked for; null: nothing does. */
  readonly runtimeHttpStatus: number | null;
  readonly runtimeGrpcStatus: number | null;
}

/** FaultRateLimit. */
export interface RateLimitConfig {
  readonly share: FaultShare;
  /** KiB a second; null: as the request says. */
  readonly fixedKbps: number | null;
}

/** Runtime values for the requests of one downstream cluster; null: runtime has none. */
export interface ClusterFaultRuntime {
  readonly delayShare: Fraction | null;
  readonly delayMs: number | null;
  readonly abortShare: Fraction | null;
  readonly httpStatus: number | null;
  readonly grpcStatus: number | null;
}

/** True when a configuration injects something into some request. */
export function injectsFaults({ delay, abort, responseRateLimit }: FaultConfig): boolean {
  return delay !== null || abort !== null || responseRateLimit !== null;
}
