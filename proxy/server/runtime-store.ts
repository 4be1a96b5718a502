// The runtime as the primary keeps it: the bootstrap's layers, what operators change in one of them
// while the proxy runs, and what files and servers say.
import type { RuntimeStatus } from '../admin/backend.ts';
import type { Logger } from '../base/log.ts';
import { mergeRuntimeLayers, textEntry } from '../config/compile/runtime-layers.ts';
import {
  LiveRuntime,
  type RuntimeEntry,
  type RuntimeLayerConfig,
  type RuntimeValue,
  type RuntimeValues,
} from '../model/runtime.ts';
import { type DiskLayerContent, DiskLayerWatch, readDiskLayer } from './disk-layer.ts';

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
  /** Why layers of the disk cannot be used; empty: all can, or are not there. */
  failures: readonly string[] = [];
  readonly #configured: readonly RuntimeLayerConfig[];
  /** Those that there are: a layer whose directory is missing or unusable is none. */
  #layers: readonly RuntimeLayerConfig[] = [];
  /** What the admin layer has; null: there is no such layer. */
  readonly #overrides: Map<string, RuntimeEntry> | null;
  /** What servers said, by the name of the layer. */
  readonly #discovered = new Map<string, ReadonlyMap<string, RuntimeEntry>>();

  constructor(layers: readonly RuntimeLayerConfig[]) {
    this.#overrides = layers.some(({ isAdmin }) => isAdmin) ? new Map() : null;
    const overrides = this.#overrides;
    this.#configured = layers.map((layer) =>
      layer.isAdmin && overrides !== null ? { ...layer, entries: overrides } : layer,
    );
    this.#readLayers();
    this.values = runtimeOf(this.settings());
  }

  /** How many layers the disk has now. */
  get diskLayerCount(): number {
    return this.#layers.filter(({ disk }) => disk !== undefined).length;
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
    this.#renew();
    return true;
  }

  /** A server says all that its layer has. */
  setDiscovered(layer: string, entries: ReadonlyMap<string, RuntimeEntry>): void {
    this.#discovered.set(layer, entries);
    this.reload();
  }

  /** Reads the layers of the disk again; the others stay what they are. */
  reload(): void {
    this.#readLayers();
    this.#renew();
  }

  /** Calls `onSwap` when a layer of the disk was swapped; close what it returns. */
  watch(log: Logger, onSwap: () => void): readonly DiskLayerWatch[] {
    const roots = new Set(this.#configured.flatMap(({ disk }) => disk?.symlinkRoot ?? []));
    return [...roots].map((root) => new DiskLayerWatch(root, log, onSwap));
  }

  settings(): RuntimeSettings {
    return {
      values: [...mergeRuntimeLayers(this.#layers)],
      isLive:
        this.#overrides !== null ||
        this.#configured.some(({ disk, rtds }) => disk !== undefined || rtds !== undefined),
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

  #readLayers(): void {
    const failures: string[] = [];
    this.#layers = this.#configured.flatMap((layer) => {
      const discovered = this.#discovered.get(layer.name);
      if (discovered !== undefined) return [{ ...layer, entries: discovered }];
      if (layer.disk === undefined) return [layer];
      const content: DiskLayerContent = readDiskLayer(layer.disk.directory);
      if (typeof content === 'string') failures.push(`runtime layer ${layer.name}: ${content}`);
      return content === null || typeof content === 'string'
        ? []
        : [{ ...layer, entries: content }];
    });
    this.failures = failures;
  }

  #renew(): void {
    if (this.values instanceof LiveRuntime) this.values.replace(mergeRuntimeLayers(this.#layers));
  }

  #keys(): ReadonlySet<string> {
    return new Set(this.#layers.flatMap(({ entries }) => [...entries.keys()]));
  }
}
