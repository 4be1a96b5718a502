// A second server to fall back to, which Envoy has behind a guard of its runtime.
import type { LayeredRuntime } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';

/** Envoy's guard; off where nothing is said. */
export const FAILOVER_KEY = 'envoy.restart_features.xds_failover_support';

/** What a bootstrap's own layers say of it, before there is a runtime. */
export function hasFallback(message: LayeredRuntime | undefined): boolean {
  const said = message?.layers.flatMap(({ layerSpecifier: { case: kind, value } }) => {
    const own = kind === 'staticLayer' ? value[FAILOVER_KEY] : undefined;
    return own === undefined ? [] : [own];
  });
  return said?.at(-1) === true;
}
