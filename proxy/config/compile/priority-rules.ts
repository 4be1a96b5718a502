// How a cluster shares traffic between its priorities: overprovisioning and panic.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { PriorityRulesConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { withLive } from './live-value.ts';
import { runtimeInteger } from './runtime-values.ts';

/** Envoy cluster.v3.Cluster.CommonLbConfig.healthy_panic_threshold. */
export const DEFAULT_PANIC_THRESHOLD_PERCENT = 50;
/** Envoy endpoint.v3.ClusterLoadAssignment.Policy.overprovisioning_factor. */
export const DEFAULT_OVERPROVISIONING_PERCENT = 140;

const PANIC_KEY = 'upstream.healthy_panic_threshold';

/** Compiles the fields of both messages; the runtime's threshold wins, as in Envoy. */
export function compilePriorityRules(
  message: Cluster,
  context: CompileContext,
): PriorityRulesConfig {
  const written = message.commonLbConfig?.healthyPanicThreshold?.value;
  const threshold = Math.floor(written ?? DEFAULT_PANIC_THRESHOLD_PERCENT);
  const { runtime } = context.environment;
  const rules = {
    overprovisioningPercent:
      message.loadAssignment?.policy?.overprovisioningFactor ?? DEFAULT_OVERPROVISIONING_PERCENT,
    isHealthWeighted: message.loadAssignment?.policy?.weightedPriorityHealth ?? false,
    ignoresUncheckedHosts: message.commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false,
  };
  const percent = (): number => Math.min(100, runtimeInteger(runtime, PANIC_KEY, threshold));
  return withLive(rules, runtime, ['panicThresholdPercent', percent]);
}
