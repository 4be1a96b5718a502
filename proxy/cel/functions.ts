// Operators and functions of CEL over values. None throws; what does not fit is an error value.
import {
  CelError,
  type CelMap,
  CelTime,
  CelUint,
  type CelValue,
  compare,
  equals,
  kindOf,
  noOverload,
  numberOf,
} from './values.ts';

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n - 1n;
const NANOS_PER_S = 1_000_000_000n;
const UNIT_NANOS: Readonly<Record<string, number>> = {
  h: 3_600_000_000_000,
  m: 60_000_000_000,
  s: 1_000_000_000,
  ms: 1_000_000,
  us: 1000,
  µs: 1000,
  ns: 1,
};

/** `<`, `<=`, `>`, `>=` */
export function relate(
  sign: '<' | '<=' | '>' | '>=',
  left: CelValue,
  right: CelValue,
): boolean | CelError {
  const [first, second] = [numberOf(left), numberOf(right)];
  // Nothing is before or behind NaN.
  if (Number.isNaN(first) || Number.isNaN(second)) return false;
  const order = compare(left, right);
  if (order === null) return noOverload(`_${sign}_`, left, right);
  if (sign === '<') return order < 0;
  if (sign === '<=') return order <= 0;
  return sign === '>' ? order > 0 : order >= 0;
}

/** `in` */
export function isIn(item: CelValue, whole: CelValue): boolean | CelError {
  if (item instanceof CelError) return item;
  if (Array.isArray(whole)) {
    return whole.some((each: CelValue) => equals(item, each) === true);
  }
  if (kindOf(whole) !== 'map') return noOverload('@in', item, whole);
  return (whole as CelMap).get(item) !== undefined;
}

/** `+`, `-`, `*`, `/`, `%` of numbers of one type. */
export function calculate(
  sign: '+' | '-' | '*' | '/' | '%',
  left: CelValue,
  right: CelValue,
): CelValue {
  const name = `_${sign}_`;
  if (typeof left === 'bigint' && typeof right === 'bigint') {
    return ofInts(integral(sign, left, right));
  }
  if (left instanceof CelUint && right instanceof CelUint) {
    return ofUints(integral(sign, left.value, right.value));
  }
  if (typeof left === 'number' && typeof right === 'number' && sign !== '%') {
    return floating(sign, left, right);
  }
  return noOverload(name, left, right);
}

function integral(sign: string, left: bigint, right: bigint): bigint | CelError {
  switch (sign) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    default:
      if (right === 0n) return new CelError(sign === '/' ? 'divide by zero' : 'modulus by zero');
      return sign === '/' ? left / right : left % right;
  }
}

function ofInts(result: bigint | CelError): CelValue {
  if (typeof result !== 'bigint') return result;
  return result > MAX_INT || result < MIN_INT ? new CelError('integer overflow') : result;
}

function ofUints(result: bigint | CelError): CelValue {
  if (typeof result !== 'bigint') return result;
  const isUint = result >= 0n && result <= MAX_UINT;
  return isUint ? new CelUint(result) : new CelError('unsigned integer overflow');
}

function floating(sign: '+' | '-' | '*' | '/', left: number, right: number): number {
  if (sign === '+') return left + right;
  if (sign === '-') return left - right;
  return sign === '*' ? left * right : left / right;
}

/** Unary `-`. */
export function negate(value: CelValue): CelValue {
  if (typeof value === 'bigint') return ofInts(-value);
  return typeof value === 'number' ? -value : noOverload('-_', value);
}

/** `size()`: of text in code points. */
export function sizeOf(value: CelValue): CelValue {
  if (typeof value === 'string') return BigInt([...value].length);
  if (value instanceof Uint8Array || Array.isArray(value)) return BigInt(value.length);
  return kindOf(value) === 'map' ? BigInt((value as CelMap).size) : noOverload('size', value);
}

/** The methods of text that take a text. */
export const TEXT_METHODS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

/** `a[b]` and `a.b`. */
export function elementOf(whole: CelValue, key: CelValue): CelValue {
  if (whole instanceof CelError) return whole;
  if (key instanceof CelError) return key;
  if (Array.isArray(whole)) return itemOf(whole, key);
  if (kindOf(whole) !== 'map') return noOverload('_[_]', whole, key);
  return (whole as CelMap).get(key) ?? new CelError('no such key');
}

function itemOf(list: readonly CelValue[], key: CelValue): CelValue {
  const index = numberOf(key);
  if (index === null) return noOverload('_[_]', list, key);
  if (typeof index === 'number' && !Number.isInteger(index)) return noOverload('_[_]', list, key);
  return list[Number(index)] ?? new CelError('index out of bounds');
}

/** `duration('1m30s')` */
export function parseDuration(text: string): CelTime | null {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:h|ms|m|s|us|µs|ns))+|0)$/.exec(text);
  if (match === null) return null;
  let nanos = 0;
  for (const [, amount, unit] of (match[2] ?? '').matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g)) {
    nanos += Number(amount) * (UNIT_NANOS[unit ?? ''] ?? 0);
  }
  const whole = BigInt(Math.round(nanos));
  return new CelTime('duration', match[1] === '-' ? -whole : whole);
}

/** `timestamp('2026-01-31T12:00:00Z')` */
export function parseTimestamp(text: string): CelTime | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return null;
  const ms = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(ms)) return null;
  const fraction = BigInt((match[2] ?? '').padEnd(9, '0'));
  return new CelTime('timestamp', BigInt(ms / 1000) * NANOS_PER_S + fraction);
}
