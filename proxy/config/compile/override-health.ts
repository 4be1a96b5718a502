// Which health a host may have that a request's session asks for.
import {
  HealthStatus,
  type HealthStatusSet,
} from '../../api/gen/envoy/config/core/v3/health_check_pb.js';
import type { ClusterConfig } from '../../model/cluster.ts';

const CLASSES: Readonly<Record<HealthStatus, ClusterConfig['overrideHostHealth'][number]>> = {
  [HealthStatus.UNKNOWN]: 'healthy',
  [HealthStatus.HEALTHY]: 'healthy',
  [HealthStatus.DEGRADED]: 'degraded',
  [HealthStatus.UNHEALTHY]: 'unhealthy',
  [HealthStatus.DRAINING]: 'unhealthy',
  [HealthStatus.TIMEOUT]: 'unhealthy',
};
/** Envoy: HEALTHY, DEGRADED and UNKNOWN. */
const DEFAULT_HEALTH: ClusterConfig['overrideHostHealth'] = ['healthy', 'degraded'];

/** CommonLbConfig.override_host_status; an empty set allows none. */
export function compileOverrideHealth(
  message: HealthStatusSet | undefined,
): ClusterConfig['overrideHostHealth'] {
  if (message === undefined) return DEFAULT_HEALTH;
  return [...new Set(message.statuses.map((status) => CLASSES[status]))];
}
