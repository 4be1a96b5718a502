// `runtime.*`: what the layers of the runtime hold.
import type { Counter, Gauge, StatsScope } from '../stats/metrics.ts';
import type { RuntimeStore } from './runtime-store.ts';

/** Cells that Envoy has and that stay 0 here: scrapers and dashboards look for them. */
const ZERO_COUNTERS = ['deprecated_feature_use', 'load_error', 'override_dir_exists'];
const ZERO_GAUGES = ['deprecated_feature_seen_since_process_start'];

/** One per process. */
export class RuntimeStats {
  readonly #loadSuccess: Counter;
  readonly #overrideDirNotExists: Counter;
  readonly #overridesActive: Gauge;
  readonly #numKeys: Gauge;
  readonly #numLayers: Gauge;

  constructor(root: StatsScope) {
    const scope = root.scope('runtime');
    for (const name of ZERO_COUNTERS) scope.counter(name);
    for (const name of ZERO_GAUGES) scope.gauge(name);
    this.#loadSuccess = scope.counter('load_success');
    this.#overrideDirNotExists = scope.counter('override_dir_not_exists');
    this.#overridesActive = scope.gauge('admin_overrides_active');
    this.#numKeys = scope.gauge('num_keys');
    this.#numLayers = scope.gauge('num_layers');
  }

  /** The runtime was read, or read again. */
  onLoad(store: Pick<RuntimeStore, 'hasOverrides' | 'keyCount' | 'layerCount'>): void {
    this.#loadSuccess.inc();
    this.#overrideDirNotExists.inc();
    this.#overridesActive.set(store.hasOverrides ? 1 : 0);
    this.#numKeys.set(store.keyCount);
    this.#numLayers.set(store.layerCount);
  }
}
