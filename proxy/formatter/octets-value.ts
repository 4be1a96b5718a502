// Values of a configuration as formats print them, and as filters leave them for formats.
import { utf8Bytes } from './byte-text.ts';
import type { JsonValue } from './format-options.ts';
import { isList } from './render-value.ts';

/** The texts of a configuration hold characters: they become their octets, those of keys too. */
export function inOctets(value: JsonValue): JsonValue {
  if (typeof value === 'string') return utf8Bytes(value);
  if (typeof value !== 'object' || value === null) return value;
  return isList(value) ? value.map(inOctets) : membersInOctets(value);
}

/** The same of an object. */
export function membersInOctets(
  object: Readonly<Record<string, JsonValue>>,
): Record<string, JsonValue> {
  const members = Object.entries(object);
  return Object.fromEntries(members.map(([key, each]) => [utf8Bytes(key), inOctets(each)]));
}
