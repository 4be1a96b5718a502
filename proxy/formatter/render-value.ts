// Operator values as text and as JSON.
import { asByteString, escapeJson, MAX_LOGGED_VALUE_BYTES, utf8Bytes } from './byte-text.ts';
import type { JsonValue } from './format-options.ts';
import type { OperatorValue } from './operator.ts';
import { TypedText } from './typed-text.ts';

/** A value that is not null as a byte string, cut to `maxBytes` octets (-1: not cut). */
export function valueText(value: NonNullable<OperatorValue>, maxBytes: number): string {
  const text = typeof value === 'string' ? value : plainText(value);
  return maxBytes >= 0 && text.length > maxBytes ? text.slice(0, maxBytes) : text;
}

/**
 * A value as JSON; only strings are cut to `maxBytes` octets (-1: not cut). What is longer than
 * `limitBytes` is cut in any case, and becomes a string if it was none.
 */
export function valueJson(
  value: OperatorValue,
  maxBytes: number,
  limitBytes = MAX_LOGGED_VALUE_BYTES,
): string {
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null';
  if (typeof value === 'string') {
    const limit = maxBytes < 0 ? limitBytes : Math.min(maxBytes, limitBytes);
    return `"${escapeJson(value.length > limit ? value.slice(0, limit) : value)}"`;
  }
  if (value instanceof TypedText) return valueJson(value.text, maxBytes, limitBytes);
  const text = sortedJson(value);
  return text.length <= limitBytes ? text : `"${escapeJson(text.slice(0, limitBytes))}"`;
}

function plainText(value: Exclude<NonNullable<OperatorValue>, string>): string {
  if (value instanceof TypedText) return quoted(value.text);
  return typeof value === 'object' ? sortedJson(value) : `${value}`;
}

/** JSON as a byte string, with the keys of every object in order; integer-like keys included. */
function sortedJson(value: JsonValue): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (isList(value)) return `[${value.map(sortedJson).join(',')}]`;
  const members = Object.keys(value)
    .sort(compareUtf8)
    .map((key) => `${quoted(key)}:${sortedJson(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

/** Texts are octets already, but for what filters took from a configuration. */
function quoted(text: string): string {
  return `"${escapeJson(asByteString(text))}"`;
}

/** Array.isArray that also narrows readonly arrays. */
export function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Order of the keys' UTF-8 octets, which is the order of their code points. */
export function compareUtf8(left: string, right: string): number {
  const a = utf8Bytes(left);
  const b = utf8Bytes(right);
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
