// The runtime as the primary keeps it: the bootstrap's layers, and what operators change in one of
// them while the proxy runs.
import type { RuntimeStatus } from '../admin/backend.ts';
import { mergeRuntimeLayers, textEntry } from '../config/compile/runtime-layers.ts';
import {
  LiveRuntime,
  type RuntimeEntry,
  type RuntimeLayerConfig,
  type RuntimeValue,
  type RuntimeValues,
} from '../model/runtime.ts';

/** What a worker has to know of the runtime. */
export interface RuntimeSettings {
  readonly values: readonly (readonly [string, RuntimeValue])[];
  /** False: the values stay what they are. */
  readonly isLive: boolean;
}

/** The values for compilers: they can change only where a layer can. */
export function runtimeOf({ values, isLive }: RuntimeSettings): RuntimeValues {
  const map = new Map(values);
  return isLive ? new LiveRuntime(map) : map;
}

/** One per process that has a primary. */
export class RuntimeStore {
  /** What this process compiles with. */
  readonly values: RuntimeValues;
  readonly #layers: readonly RuntimeLayerConfig[];
  /** What the admin layer has; null: there is no such layer. */
  readonly #overrides: Map<string, RuntimeEntry> | null;

  constructor(layers: readonly RuntimeLayerConfig[]) {
    this.#overrides = layers.some(({ isAdmin }) => isAdmin) ? new Map() : null;
    const overrides = this.#overrides;
    this.#layers = layers.map((layer) =>
      layer.isAdmin && overrides !== null ? { ...layer, entries: overrides } : layer,
    );
    this.values = runtimeOf(this.settings());
  }

  get layerCount(): number {
    return this.#layers.length;
  }

  /** Keys of all layers together. */
  get keyCount(): number {
    return this.#keys().size;
  }

  get hasOverrides(): boolean {
    return this.#overrides !== null && this.#overrides.size > 0;
  }

  /** Sets keys of the admin layer; those with empty texts are removed. False: there is no such layer. */
  modify(changes: readonly (readonly [key: string, text: string])[]): boolean {
    const overrides = this.#overrides;
    if (overrides === null) return false;
    for (const [key, text] of changes) {
      if (text === '') overrides.delete(key);
      else overrides.set(key, textEntry(text));
    }
    if (this.values instanceof LiveRuntime) this.values.replace(mergeRuntimeLayers(this.#layers));
    return true;
  }

  settings(): RuntimeSettings {
    return {
      values: [...mergeRuntimeLayers(this.#layers)],
      isLive: this.#overrides !== null,
    };
  }

  /** What `/runtime` shows. */
  status(): RuntimeStatus {
    const entries: Record<string, RuntimeStatus['entries'][string]> = Object.create(null);
    for (const key of this.#keys()) {
      const layerValues = this.#layers.map((layer) => layer.entries.get(key)?.text ?? '');
      const finalValue = layerValues.findLast((value) => value !== '') ?? '';
      entries[key] = { finalValue, layerValues };
    }
    return { layers: this.#layers.map(({ name }) => name), entries };
  }

  #keys(): ReadonlySet<string> {
    return new Set(this.#layers.flatMap(({ entries }) => [...entries.keys()]));
  }
}
