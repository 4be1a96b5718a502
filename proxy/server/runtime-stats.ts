// `runtime.*`: what the bootstrap's static layers hold. They are read once.
import type { StatsScope } from '../stats/metrics.ts';

/** Cells that Envoy has and that stay 0 here: scrapers and dashboards look for them. */
const ZERO_COUNTERS = ['deprecated_feature_use', 'load_error', 'override_dir_exists'];
const ZERO_GAUGES = ['admin_overrides_active', 'deprecated_feature_seen_since_process_start'];

/** Declares and sets the cells, when the process starts. */
export function countRuntime(
  root: StatsScope,
  held: { readonly keys: number; readonly layers: number },
): void {
  const scope = root.scope('runtime');
  for (const name of ZERO_COUNTERS) scope.counter(name);
  for (const name of ZERO_GAUGES) scope.gauge(name);
  scope.counter('load_success').inc();
  scope.counter('override_dir_not_exists').inc();
  scope.gauge('num_keys').set(held.keys);
  scope.gauge('num_layers').set(held.layers);
}
