// Envoy's runtime, as far as static layers set it: flat keys, fixed for the life of the process.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type {
  RuntimeFeatureFlag,
  RuntimeFractionalPercent,
} from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  FractionalPercent_DenominatorType as Denominator,
  type FractionalPercent,
} from '../../api/gen/envoy/type/v3/percent_pb.js';
import type { CompileContext } from '../../model/extension.ts';

/** Runtime keys to values; a fraction is kept as `<key>.numerator` and `<key>.denominator`. */
export type RuntimeValues = ReadonlyMap<string, string | number | boolean>;

const PARTS_PER_MILLION = 1_000_000;
const DENOMINATORS: Readonly<Record<Denominator, number>> = {
  [Denominator.HUNDRED]: 100,
  [Denominator.TEN_THOUSAND]: 10_000,
  [Denominator.MILLION]: PARTS_PER_MILLION,
};

/** Adds the values of one static layer, nested objects as dotted keys. Later layers win. */
export function addLayer(
  into: Map<string, string | number | boolean>,
  layer: JsonObject,
  context: CompileContext,
): void {
  addMembers(into, { prefix: '', value: layer }, context);
}

function addMembers(
  into: Map<string, string | number | boolean>,
  node: { readonly prefix: string; readonly value: JsonObject },
  context: CompileContext,
): void {
  for (const [name, value] of Object.entries(node.value)) {
    const key = node.prefix + name;
    if (isScalar(value)) into.set(key, value);
    else if (isObject(value)) addMembers(into, { prefix: `${key}.`, value }, context);
    else context.reject('', `Invalid runtime entry value for ${key}: use text, number or boolean`);
  }
}

function isScalar(value: JsonValue): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The non-negative integer that runtime holds for a key; `absent` when it holds none. */
export function runtimeInteger<T>(runtime: RuntimeValues, key: string, absent: T): number | T {
  const value = runtime.get(key);
  if (value === undefined || typeof value === 'boolean' || value === '') return absent;
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 ? number : absent;
}

/** Whether a RuntimeFeatureFlag is on; an absent one is. */
export function runtimeFlag(runtime: RuntimeValues, flag: RuntimeFeatureFlag | undefined): boolean {
  const value = runtime.get(flag?.runtimeKey ?? '');
  if (typeof value === 'boolean') return value;
  return flag?.defaultValue ?? true;
}

/** The non-negative number that runtime holds for a key, fractions included; else `absent`. */
export function runtimeNumber<T>(runtime: RuntimeValues, key: string, absent: T): number | T {
  const value = runtime.get(key);
  if (value === undefined || typeof value === 'boolean' || value === '') return absent;
  const number = Number(value);
  return Number.isFinite(number) && number >= 0 ? number : absent;
}

/** A share of all exchanges: those whose random number modulo `denominator` is below `numerator`. */
export interface RuntimeFraction {
  readonly numerator: number;
  /** 100, 10 000 or 1 000 000. */
  readonly denominator: number;
}

/** A fraction, as runtime or else the configuration has it; absent: none. */
export function runtimeFraction(
  runtime: RuntimeValues,
  key: string,
  fallback: FractionalPercent | undefined,
): RuntimeFraction {
  const share = key === '' ? null : runtimeShare(runtime, key);
  if (share !== null) return share;
  const { numerator: own = 0, denominator = Denominator.HUNDRED } = fallback ?? {};
  return { numerator: own, denominator: DENOMINATORS[denominator] };
}

/** The fraction that runtime has for a key; null: none. */
export function runtimeShare(runtime: RuntimeValues, key: string): RuntimeFraction | null {
  const percent = runtimeInteger(runtime, key, null);
  if (percent !== null) return { numerator: percent, denominator: 100 };
  const numerator = runtimeInteger(runtime, `${key}.numerator`, null);
  if (numerator === null) return null;
  const name = runtime.get(`${key}.denominator`) ?? 'HUNDRED';
  const denominator = Denominator[name as keyof typeof Denominator] ?? Denominator.HUNDRED;
  return { numerator, denominator: DENOMINATORS[denominator] };
}

/** A RuntimeFractionalPercent; null when it is not set. */
export function compileRuntimeFraction(
  message: RuntimeFractionalPercent | undefined,
  { environment }: CompileContext,
): RuntimeFraction | null {
  if (message === undefined) return null;
  return runtimeFraction(environment.runtime, message.runtimeKey, message.defaultValue);
}

/** The same in parts per million; at most all. */
export function runtimeFractionPpm(
  runtime: RuntimeValues,
  key: string,
  fallback: FractionalPercent | undefined,
): number {
  const { numerator, denominator } = runtimeFraction(runtime, key, fallback);
  return Math.min(PARTS_PER_MILLION, numerator * (PARTS_PER_MILLION / denominator));
}
