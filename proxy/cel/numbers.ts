// Conversions between CEL's types of numbers.
import { CelError, CelTime, CelUint, type CelValue, noOverload, numberOf } from './values.ts';

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n - 1n;
const NANOS_PER_S = 1_000_000_000n;

/** Functions of one argument, which is no error, by their names. */
export const CONVERSIONS: Readonly<Record<string, (value: CelValue) => CelValue>> = {
  int: toInt,
  uint: toUint,
  double: toDouble,
  dyn: (value) => value,
};

function toInt(value: CelValue): CelValue {
  if (value instanceof CelTime && value.kind === 'timestamp') return value.nanos / NANOS_PER_S;
  if (typeof value === 'string') {
    return /^[+-]?\d{1,20}$/.test(value) ? bounded(BigInt(value.replace('+', ''))) : noInt(value);
  }
  const number = numberOf(value);
  return number === null ? noOverload('int', value) : bounded(wholeOf(number));
}

function bounded(value: bigint | null): CelValue {
  const isInt = value !== null && value <= MAX_INT && value >= MIN_INT;
  return isInt ? value : new CelError('integer out of range');
}

function toUint(value: CelValue): CelValue {
  if (typeof value === 'string' && !/^\d{1,20}$/.test(value)) return noInt(value);
  const number = typeof value === 'string' ? BigInt(value) : numberOf(value);
  if (number === null) return noOverload('uint', value);
  const whole = wholeOf(number);
  const isUint = whole !== null && whole >= 0n && whole <= MAX_UINT;
  return isUint ? new CelUint(whole) : new CelError('unsigned integer out of range');
}

function toDouble(value: CelValue): CelValue {
  if (typeof value === 'string') {
    const number = value.trim() === value && value !== '' ? Number(value) : Number.NaN;
    return Number.isNaN(number) ? noInt(value) : number;
  }
  const number = numberOf(value);
  return number === null ? noOverload('double', value) : Number(number);
}

/** null: it has no whole part. */
function wholeOf(number: bigint | number): bigint | null {
  if (typeof number === 'bigint') return number;
  return Number.isFinite(number) ? BigInt(Math.trunc(number)) : null;
}

function noInt(text: string): CelError {
  return new CelError(`'${text.slice(0, 40)}' is no number`);
}
