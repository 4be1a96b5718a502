// What makes a host healthy, degraded or unhealthy: flags that several owners set, as Envoy has and
// prints them. Endpoints say theirs; active checks and outlier detection, in the primary, say theirs.
import type { EndpointConfig } from '../model/cluster.ts';

/** One bit for each reason (Envoy Host::HealthFlag). */
export const HEALTH_FLAG = Object.freeze({
  failedActiveCheck: 1,
  failedOutlierCheck: 2,
  failedEds: 4,
  degradedActiveCheck: 8,
  degradedEds: 16,
  pendingDynamicRemoval: 32,
  pendingActiveCheck: 64,
  excludedByImmediateFailure: 128,
  activeCheckTimeout: 256,
  edsDraining: 512,
  degradedOutlierDetection: 1024,
});

/** A class of hosts for load balancing. */
export type HostHealth = 'healthy' | 'degraded' | 'unhealthy';

/** Flags that the primary sets for all workers; the others come with the endpoints. */
export const PRIMARY_FLAGS =
  HEALTH_FLAG.failedActiveCheck |
  HEALTH_FLAG.failedOutlierCheck |
  HEALTH_FLAG.degradedActiveCheck |
  HEALTH_FLAG.pendingDynamicRemoval |
  HEALTH_FLAG.pendingActiveCheck |
  HEALTH_FLAG.excludedByImmediateFailure |
  HEALTH_FLAG.activeCheckTimeout |
  HEALTH_FLAG.degradedOutlierDetection;

/** Those of them that active health checks set. */
export const CHECK_FLAGS =
  PRIMARY_FLAGS & ~(HEALTH_FLAG.failedOutlierCheck | HEALTH_FLAG.degradedOutlierDetection);

const UNHEALTHY =
  HEALTH_FLAG.failedActiveCheck |
  HEALTH_FLAG.failedOutlierCheck |
  HEALTH_FLAG.failedEds |
  HEALTH_FLAG.edsDraining;
const DEGRADED =
  HEALTH_FLAG.degradedActiveCheck | HEALTH_FLAG.degradedEds | HEALTH_FLAG.degradedOutlierDetection;

const EXCLUDED = HEALTH_FLAG.excludedByImmediateFailure | HEALTH_FLAG.edsDraining;

/** As the line of `/clusters` names them, in its order. */
const PRINTED: readonly (readonly [number, string])[] = [
  [HEALTH_FLAG.failedActiveCheck, '/failed_active_hc'],
  [HEALTH_FLAG.failedOutlierCheck, '/failed_outlier_check'],
  [HEALTH_FLAG.failedEds, '/failed_eds_health'],
  [HEALTH_FLAG.degradedActiveCheck, '/degraded_active_hc'],
  [HEALTH_FLAG.degradedEds, '/degraded_eds_health'],
  [HEALTH_FLAG.pendingDynamicRemoval, '/pending_dynamic_removal'],
  [HEALTH_FLAG.pendingActiveCheck, '/pending_active_hc'],
  [HEALTH_FLAG.excludedByImmediateFailure, '/excluded_via_immediate_hc_fail'],
  [HEALTH_FLAG.activeCheckTimeout, '/active_hc_timeout'],
  [HEALTH_FLAG.edsDraining, '/eds_status_draining'],
  [HEALTH_FLAG.degradedOutlierDetection, '/degraded_outlier_detection'],
];

/** Flags that the health status of an endpoint means. */
export function endpointFlags(status: EndpointConfig['healthStatus']): number {
  if (status === 'unhealthy') return HEALTH_FLAG.failedEds;
  if (status === 'draining') return HEALTH_FLAG.edsDraining;
  return status === 'degraded' ? HEALTH_FLAG.degradedEds : 0;
}

/** The class that flags put a host in. */
export function healthOf(flags: number): HostHealth {
  if ((flags & UNHEALTHY) !== 0) return 'unhealthy';
  return (flags & DEGRADED) === 0 ? 'healthy' : 'degraded';
}

/** Out of every denominator: leaving, told to go at once, or unchecked where that is asked for. */
export function isExcluded(flags: number, ignoresUnchecked: boolean): boolean {
  if ((flags & EXCLUDED) !== 0) return true;
  return ignoresUnchecked && (flags & HEALTH_FLAG.pendingActiveCheck) !== 0;
}

/** `healthy`, or every flag as `/clusters` prints it. */
export function printFlags(flags: number): string {
  const text = PRINTED.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
  return text.length === 0 ? 'healthy' : text.join('');
}
