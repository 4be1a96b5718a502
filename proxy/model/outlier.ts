// Outlier detection of a cluster, compiled from config.cluster.v3.OutlierDetection.

/** What a host can be found guilty of, as Envoy's event log names it. */
export type OutlierType =
  | 'CONSECUTIVE_5XX'
  | 'CONSECUTIVE_GATEWAY_FAILURE'
  | 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE'
  | 'SUCCESS_RATE'
  | 'SUCCESS_RATE_LOCAL_ORIGIN'
  | 'FAILURE_PERCENTAGE'
  | 'FAILURE_PERCENTAGE_LOCAL_ORIGIN';

/** What the event log tells of; a degraded host is told of like an ejected one. */
export type OutlierEventType = OutlierType | 'DEGRADED';

/** Durations are ms, percentages 0 to 100. Defaults are Envoy's. */
export interface OutlierConfig {
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  readonly maxEjectionTimeMs: number;
  readonly maxEjectionTimeJitterMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOneHost: boolean;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  /** success_rate_stdev_factor: thousandths of a standard deviation. */
  readonly successRateStdevFactor: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  /** What the proxy itself saw counts apart from what hosts answered. */
  readonly splitsLocalOrigin: boolean;
  /** enforcing_*: the chance in percent that a guilty host is ejected. */
  readonly enforcing: Readonly<Record<OutlierType, number>>;
  readonly successfulCheckUnejects: boolean;
  readonly detectsDegraded: boolean;
}
