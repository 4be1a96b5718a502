// Compiled values that follow the runtime: read where they are used, computed anew only after the
// runtime has changed. Under a runtime that never changes they are plain values.
import type { Fraction } from '../../base/random.ts';
import type { Live, RuntimeValues } from '../../model/runtime.ts';

/** See the file's head. */
class LiveValue<T> implements Live<T> {
  readonly #runtime: RuntimeValues;
  readonly #read: () => T;
  #version: number | undefined;
  #value: T;

  constructor(runtime: RuntimeValues, read: () => T) {
    this.#runtime = runtime;
    this.#read = read;
    this.#version = runtime.version;
    this.#value = read();
  }

  get value(): T {
    if (this.#runtime.version !== this.#version) {
      this.#version = this.#runtime.version;
      this.#value = this.#read();
    }
    return this.#value;
  }
}

/** A fraction to be read at use. */
class LiveFraction implements Fraction {
  readonly #live: Live<Fraction>;

  constructor(live: Live<Fraction>) {
    this.#live = live;
  }

  get numerator(): number {
    return this.#live.value.numerator;
  }

  get denominator(): number {
    return this.#live.value.denominator;
  }
}

/** What `read` gives at the time of use; `read` finds nothing but `runtime` changed. */
export function liveValue<T>(runtime: RuntimeValues, read: () => T): Live<T> {
  return runtime.version === undefined
    ? Object.freeze({ value: read() })
    : new LiveValue(runtime, read);
}

/** A fraction that `read` gives at the time of use. */
export function liveFraction(runtime: RuntimeValues, read: () => Fraction): Fraction {
  return runtime.version === undefined ? read() : new LiveFraction(new LiveValue(runtime, read));
}

/**
 * A record whose members are what `read` gives at the time of use. Who copies a member or spreads
 * the record has what was true then.
 */
export function liveRecord<T extends object>(runtime: RuntimeValues, read: () => T): T {
  if (runtime.version === undefined) return read();
  const live = new LiveValue(runtime, read);
  const record = {};
  for (const name of Object.keys(live.value) as (keyof T)[]) {
    Object.defineProperty(record, name, { enumerable: true, get: () => live.value[name] });
  }
  return record as T;
}

/** `record` with one more member, which is what `read` gives at the time of use. */
export function withLive<T extends object, K extends string, V>(
  record: T,
  runtime: RuntimeValues,
  [name, read]: readonly [K, () => V],
): T & Readonly<Record<K, V>> {
  const live = runtime.version === undefined ? null : new LiveValue(runtime, read);
  const descriptor = live === null ? { value: read() } : { get: () => live.value };
  return Object.defineProperty(record, name, { enumerable: true, ...descriptor }) as T &
    Readonly<Record<K, V>>;
}
