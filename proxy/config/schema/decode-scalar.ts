// Scalars and enum values from JSON, as lenient as Envoy's reader: numbers and booleans may be
// text, enum names in any case. A failure is a sentence that says what was expected.
import { type DescEnum, ScalarType } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { suggest } from './suggest.ts';

/** What a scalar becomes. */
export type Scalar = string | number | bigint | boolean | Uint8Array;

/** A value, or why there is none. */
export type Decoded<T> = { readonly value: T } | { readonly error: string };

interface IntegerRange {
  readonly name: string;
  readonly min: bigint;
  readonly max: bigint;
  readonly isLong: boolean;
}

const INT32 = { name: 'int32', min: -(2n ** 31n), max: 2n ** 31n - 1n, isLong: false };
const UINT32 = { name: 'uint32', min: 0n, max: 2n ** 32n - 1n, isLong: false };
const INT64 = { name: 'int64', min: -(2n ** 63n), max: 2n ** 63n - 1n, isLong: true };
const UINT64 = { name: 'uint64', min: 0n, max: 2n ** 64n - 1n, isLong: true };
const FLOAT_MAX = 3.4028234663852886e38;

const INTEGERS: ReadonlyMap<ScalarType, IntegerRange> = new Map([
  [ScalarType.INT32, INT32],
  [ScalarType.SINT32, INT32],
  [ScalarType.SFIXED32, INT32],
  [ScalarType.UINT32, UINT32],
  [ScalarType.FIXED32, UINT32],
  [ScalarType.INT64, INT64],
  [ScalarType.SINT64, INT64],
  [ScalarType.SFIXED64, INT64],
  [ScalarType.UINT64, UINT64],
  [ScalarType.FIXED64, UINT64],
]);

const NUMBER = /^[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)$/;
/** A YAML escape can write one; UTF-8, and so protobuf, cannot. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const TRUE = new Set(['true', 't', 'yes', 'y', '1']);
const FALSE = new Set(['false', 'f', 'no', 'n', '0']);

/** Decodes a value of a scalar type; `json` is not null. */
export function decodeScalar(type: ScalarType, json: unknown): Decoded<Scalar> {
  const range = INTEGERS.get(type);
  if (range !== undefined) return decodeInteger(range, json);
  switch (type) {
    case ScalarType.BOOL:
      return decodeBool(json);
    case ScalarType.BYTES:
      return decodeBytes(json);
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return decodeFloat(type, json);
    default:
      return decodeText(json);
  }
}

/** Names a JSON value for a message: its kind, and the value where it is short. */
export function describe(json: unknown): string {
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'a list';
  if (typeof json === 'object') return 'an object';
  if (typeof json !== 'string') return `the ${typeof json} ${String(json)}`;
  return json.length <= 40 ? `'${json}'` : `'${json.slice(0, 37)}…'`;
}

function decodeText(json: unknown): Decoded<string> {
  if (typeof json === 'string') {
    return LONE_SURROGATE.test(json)
      ? { error: 'half of a surrogate pair is no character' }
      : { value: json };
  }
  const isPlain = typeof json === 'number' || typeof json === 'boolean';
  return { error: `expected text, found ${describe(json)}${isPlain ? '; put it in quotes' : ''}` };
}

function decodeBool(json: unknown): Decoded<boolean> {
  if (typeof json === 'boolean') return { value: json };
  const word = typeof json === 'string' ? json.toLowerCase() : '';
  if (TRUE.has(word)) return { value: true };
  if (FALSE.has(word)) return { value: false };
  return { error: `expected true or false, found ${describe(json)}` };
}

function decodeBytes(json: unknown): Decoded<Uint8Array> {
  if (typeof json !== 'string') return { error: `expected base64 text, found ${describe(json)}` };
  try {
    return { value: base64Decode(json) };
  } catch {
    // The decoder throws for any character outside of the alphabet.
    return { error: `expected base64 text, found ${describe(json)}` };
  }
}

function decodeFloat(type: ScalarType, json: unknown): Decoded<number> {
  const name = type === ScalarType.FLOAT ? 'float' : 'double';
  const value = floatValue(json);
  if (value === null) return { error: `expected a number (${name}), found ${describe(json)}` };
  const tooLarge = type === ScalarType.FLOAT && Math.abs(value) > FLOAT_MAX;
  if (tooLarge && Number.isFinite(value)) return { error: `${value} does not fit a float` };
  return { value };
}

function floatValue(json: unknown): number | null {
  if (typeof json === 'number') return json;
  if (json === 'NaN') return Number.NaN;
  if (json === 'Infinity') return Number.POSITIVE_INFINITY;
  if (json === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (typeof json !== 'string' || !NUMBER.test(json)) return null;
  return numberOf(json);
}

/** Number() knows no sign before a hexadecimal number. */
function numberOf(text: string): number {
  const digits = Number(text.replace(/^[-+]/, ''));
  return text.startsWith('-') ? -digits : digits;
}

function decodeInteger(range: IntegerRange, json: unknown): Decoded<number | bigint> {
  const value = integerValue(json);
  if (value === null) {
    return { error: `expected an integer (${range.name}), found ${describe(json)}` };
  }
  if (value < range.min || value > range.max) {
    return { error: `${value} is outside of ${range.name}: ${range.min} to ${range.max}` };
  }
  return { value: range.isLong ? value : Number(value) };
}

function integerValue(json: unknown): bigint | null {
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : null;
  if (typeof json !== 'string' || !NUMBER.test(json)) return null;
  if (/^[-+]?\d+$/.test(json)) return BigInt(json.replace(/^\+/, ''));
  const value = numberOf(json);
  return Number.isInteger(value) ? BigInt(value) : null;
}

/** Decodes an enum value by name or number. Numbers without a name pass, as in Envoy. */
export function decodeEnum(desc: DescEnum, json: unknown): Decoded<number> {
  if (typeof json === 'number') {
    const fits = Number.isInteger(json) && Math.abs(json) < 2 ** 31;
    return fits ? { value: json } : { error: `${json} is no value of ${desc.typeName}` };
  }
  if (typeof json !== 'string') {
    return { error: `expected one of ${nameList(desc)}, found ${describe(json)}` };
  }
  const upper = json.toUpperCase();
  const found = desc.values.find((value) => value.name.toUpperCase() === upper);
  if (found !== undefined) return { value: found.number };
  if (/^-?\d{1,9}$/.test(json)) return { value: Number(json) };
  const near = suggest(
    json,
    desc.values.map((value) => value.name),
  );
  const hint = near === null ? '' : `; did you mean '${near}'?`;
  return { error: `'${json}' is not one of ${nameList(desc)}${hint}` };
}

function nameList(desc: DescEnum): string {
  return desc.values.map((value) => value.name).join(', ');
}
