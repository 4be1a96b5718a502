// Envoy's runtime: flat keys to values that operators change while the proxy runs.
import type { ConfigSourceConfig } from './config-source.ts';

/** What a key has. A fraction is two keys: `<key>.numerator` and `<key>.denominator`. */
export type RuntimeValue = string | number | boolean;

/** A value to be read at use: runtime may change it. */
export interface Live<T> {
  readonly value: T;
}

/** The values of all layers together, as they are now. A plain map is one that never changes. */
export interface RuntimeValues {
  get(key: string): RuntimeValue | undefined;
  keys(): Iterable<string>;
  /** Grows with each change; absent: nothing ever changes. */
  readonly version?: number;
}

/** The runtime of a process; who reads it again when `version` has grown sees every change. */
export class LiveRuntime implements RuntimeValues {
  #values: ReadonlyMap<string, RuntimeValue>;
  #version = 0;

  constructor(values: ReadonlyMap<string, RuntimeValue>) {
    this.#values = values;
  }

  get version(): number {
    return this.#version;
  }

  get(key: string): RuntimeValue | undefined {
    return this.#values.get(key);
  }

  keys(): Iterable<string> {
    return this.#values.keys();
  }

  /** Takes the place of all values there are. */
  replace(values: ReadonlyMap<string, RuntimeValue>): void {
    this.#values = values;
    this.#version += 1;
  }
}

/** One value of one layer. */
export interface RuntimeEntry {
  /** As it was written. */
  readonly text: string;
  readonly value: RuntimeValue | { readonly numerator: number; readonly denominator: string };
}

/** config.bootstrap.v3.RuntimeLayer */
export interface RuntimeLayerConfig {
  readonly name: string;
  /** What operators set through the admin interface goes here. */
  readonly isAdmin: boolean;
  /** Empty where they are read from a disk, or asked of a server. */
  readonly entries: ReadonlyMap<string, RuntimeEntry>;
  /** Absent: its values are no files. */
  readonly disk?: DiskLayerConfig;
  /** Absent: no server tells its values. */
  readonly rtds?: RtdsLayerConfig;
}

/** RuntimeLayer.RtdsLayer */
export interface RtdsLayerConfig {
  /** What the server knows it by. */
  readonly name: string;
  readonly source: ConfigSourceConfig;
}

/** RuntimeLayer.DiskLayer */
export interface DiskLayerConfig {
  /** The link that is swapped when values change. */
  readonly symlinkRoot: string;
  /** Where the values are, below that link. */
  readonly directory: string;
}
