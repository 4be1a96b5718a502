// How Envoy reads its runtime: flat keys to numbers, switches and fractions.
import type {
  RuntimeFeatureFlag,
  RuntimeFractionalPercent,
} from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  FractionalPercent_DenominatorType as Denominator,
  type FractionalPercent,
} from '../../api/gen/envoy/type/v3/percent_pb.js';
import type { Fraction } from '../../base/random.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { Live, RuntimeValues } from '../../model/runtime.ts';
import { liveFraction, liveValue } from './live-value.ts';

const PARTS_PER_MILLION = 1_000_000;
const DENOMINATORS: Readonly<Record<Denominator, number>> = {
  [Denominator.HUNDRED]: 100,
  [Denominator.TEN_THOUSAND]: 10_000,
  [Denominator.MILLION]: PARTS_PER_MILLION,
};

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

/** A RuntimeFeatureFlag, to be read at use. */
export function compileRuntimeFlag(
  flag: RuntimeFeatureFlag | undefined,
  { environment }: CompileContext,
): Live<boolean> {
  const { runtime } = environment;
  if ((flag?.runtimeKey ?? '') === '') return { value: flag?.defaultValue ?? true };
  return liveValue(runtime, () => runtimeFlag(runtime, flag));
}

/** The non-negative number that runtime holds for a key, fractions included; else `absent`. */
export function runtimeNumber<T>(runtime: RuntimeValues, key: string, absent: T): number | T {
  const value = runtime.get(key);
  if (value === undefined || typeof value === 'boolean' || value === '') return absent;
  const number = Number(value);
  return Number.isFinite(number) && number >= 0 ? number : absent;
}

/** A fraction, as runtime or else the configuration has it; absent: none. */
export function runtimeFraction(
  runtime: RuntimeValues,
  key: string,
  fallback: FractionalPercent | undefined,
): Fraction {
  const share = key === '' ? null : runtimeShare(runtime, key);
  if (share !== null) return share;
  const { numerator: own = 0, denominator = Denominator.HUNDRED } = fallback ?? {};
  return { numerator: own, denominator: DENOMINATORS[denominator] };
}

/** The fraction that runtime has for a key; null: none. */
export function runtimeShare(runtime: RuntimeValues, key: string): Fraction | null {
  const percent = runtimeInteger(runtime, key, null);
  if (percent !== null) return { numerator: percent, denominator: 100 };
  const numerator = runtimeInteger(runtime, `${key}.numerator`, null);
  if (numerator === null) return null;
  const name = runtime.get(`${key}.denominator`) ?? 'HUNDRED';
  const denominator = Denominator[name as keyof typeof Denominator] ?? Denominator.HUNDRED;
  return { numerator, denominator: DENOMINATORS[denominator] };
}

/** A RuntimeFractionalPercent, to be read at use; null when it is not set. */
export function compileRuntimeFraction(
  message: RuntimeFractionalPercent | undefined,
  { environment }: CompileContext,
): Fraction | null {
  if (message === undefined) return null;
  const { runtime } = environment;
  const { runtimeKey: key, defaultValue } = message;
  if (key === '') return runtimeFraction(runtime, key, defaultValue);
  return liveFraction(runtime, () => runtimeFraction(runtime, key, defaultValue));
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
