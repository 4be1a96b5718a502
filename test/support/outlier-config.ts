// Outlier detection as Envoy's defaults have it, but for how many hosts may be ejected.
import type { OutlierConfig } from '../../proxy/model/outlier.ts';

const DEFAULTS: OutlierConfig = {
  ...{ consecutive5xx: 5, consecutiveGatewayFailure: 5, consecutiveLocalOriginFailure: 5 },
  ...{ intervalMs: 10_000, baseEjectionTimeMs: 30_000, maxEjectionTimeMs: 300_000 },
  ...{ maxEjectionTimeJitterMs: 0, maxEjectionPercent: 100, alwaysEjectOneHost: false },
  ...{ successRateMinimumHosts: 5, successRateRequestVolume: 100, successRateStdevFactor: 1900 },
  ...{ failurePercentageThreshold: 85, failurePercentageMinimumHosts: 5 },
  ...{ failurePercentageRequestVolume: 50, splitsLocalOrigin: false },
  ...{ successfulCheckUnejects: true, detectsDegraded: false },
  enforcing: {
    ...{ CONSECUTIVE_5XX: 100, CONSECUTIVE_GATEWAY_FAILURE: 0, SUCCESS_RATE: 100 },
    ...{ CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 100, SUCCESS_RATE_LOCAL_ORIGIN: 100 },
    ...{ FAILURE_PERCENTAGE: 0, FAILURE_PERCENTAGE_LOCAL_ORIGIN: 0 },
  },
};

/** A detection, some members replaced. */
export function outlierConfig(members: Partial<OutlierConfig> = {}): OutlierConfig {
  return { ...DEFAULTS, ...members };
}
