// What envoy.filters.http.adaptive_concurrency was configured with.
import type { Live } from '../../../model/runtime.ts';

/** extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency, complete. */
export interface AdaptiveConfig {
  /** Names its cells: the same in every worker, and another for every message there is. */
  readonly place: string;
  readonly enabled: Live<boolean>;
  /** Of a request that is refused; at least 400. */
  readonly status: number;
  /** min_rtt_calc_params.fixed_value in µs; null: measured. */
  readonly fixedMinRttUs: number | null;
  readonly gradient: Live<GradientSettings>;
}

/** How the limit is found, as the runtime has it now. */
export interface GradientSettings {
  /** How often the limit is calculated anew. */
  readonly updateIntervalMs: number;
  /** How often the smallest round-trip time is measured anew; not valid with a fixed one. */
  readonly measureIntervalMs: number;
  /** Of that interval: how much longer it may be by chance. */
  readonly jitter: number;
  /** So many requests make a measurement. */
  readonly measuredRequests: number;
  /** The limit while it measures; at least 1. */
  readonly measuringLimit: number;
  /** Bounds of every other limit; at least 1. */
  readonly minLimit: number;
  readonly maxLimit: number;
  /** What stands for all samples: 0 to 1. */
  readonly percentile: number;
  /** How much slower than at their best requests may be: a share of the smallest time. */
  readonly buffer: number;
}
