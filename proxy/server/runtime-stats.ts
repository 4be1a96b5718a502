// `runtime.*`: what the layers of the runtime hold.
import type { Counter, Gauge, StatsScope } from '../stats/metrics.ts';
import type { RuntimeStore } from './runtime-store.ts';

/** Cells that Envoy has and that stay 0 here: scrapers and dashboards look for them. */
const ZERO_COUNTERS = ['deprecated_feature_use'];
const ZERO_GAUGES = ['deprecated_feature_seen_since_process_start'];

/** What is counted of a runtime. */
type LoadedRuntime = Pick<
  RuntimeStore,
  'diskLayerCount' | 'failures' | 'hasOverrides' | 'keyCount' | 'layerCount'
>;

/** One per process. */
export class RuntimeStats {
  readonly #loadSuccess: Counter;
  readonly #loadError: Counter;
  readonly #overrideDirExists: Counter;
  readonly #overrideDirNotExists: Counter;
  readonly #overridesActive: Gauge;
  readonly #numKeys: Gauge;
  readonly #numLayers: Gauge;

  constructor(root: StatsScope) {
    const scope = root.scope('runtime');
    for (const name of ZERO_COUNTERS) scope.counter(name);
    for (const name of ZERO_GAUGES) scope.gauge(name);
    this.#loadSuccess = scope.counter('load_success');
    this.#loadError = scope.counter('load_error');
    this.#overrideDirExists = scope.counter('override_dir_exists');
    this.#overrideDirNotExists = scope.counter('override_dir_not_exists');
    this.#overridesActive = scope.gauge('admin_overrides_active');
    this.#numKeys = scope.gauge('num_keys');
    this.#numLayers = scope.gauge('num_layers');
  }

  /** The runtime was read, or read again. */
  onLoad(store: LoadedRuntime): void {
    (store.failures.length === 0 ? this.#loadSuccess : this.#loadError).inc();
    // As Envoy: the directory of a service cluster overrides that of all.
    (store.diskLayerCount > 1 ? this.#overrideDirExists : this.#overrideDirNotExists).inc();
    this.#overridesActive.set(store.hasOverrides ? 1 : 0);
    this.#numKeys.set(store.keyCount);
    this.#numLayers.set(store.layerCount);
  }
}
