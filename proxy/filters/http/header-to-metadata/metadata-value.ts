// Makes a metadata value of the octets of a field.
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import type { MetadataTarget } from './compile-rule.ts';

/** Envoy: values this long are not taken. */
const MAX_VALUE_BYTES = 8 * 1024;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|0x[0-9a-f]+)$/i;

/** Why there is no value. */
export type ValueFailure = 'too-long' | 'not-base64' | 'other';

/** The value, or why there is none; `octets` is a byte string with at least one. */
export function metadataValue(
  octets: string,
  { type, isBase64 }: MetadataTarget,
): { readonly value: unknown } | { readonly failure: ValueFailure } {
  if (octets.length >= MAX_VALUE_BYTES) return { failure: 'too-long' };
  const bytes = isBase64 ? decodeBase64(octets) : octets;
  if (bytes === '') return { failure: 'not-base64' };
  if (type === 'text') return { value: bytes };
  const value = type === 'number' ? decodeNumber(bytes) : decodeValue(bytes);
  return value === undefined ? { failure: 'other' } : { value };
}

/** With or without padding; '' for what is none. */
function decodeBase64(text: string): string {
  const bare = text.replace(/=+$/, '');
  if (!BASE64.test(text) || bare.length % 4 === 1) return '';
  const bytes = Buffer.from(bare, 'base64');
  // Bits behind the last octet must be 0, or two texts would mean the same.
  return bytes.toString('base64').replace(/=+$/, '') === bare ? bytes.toString('latin1') : '';
}

function decodeNumber(text: string): number | undefined {
  const trimmed = text.trim();
  return NUMBER.test(trimmed) ? Number(trimmed) : undefined;
}

/** A serialized google.protobuf.Value. */
function decodeValue(bytes: string): unknown {
  try {
    return toJson(ValueSchema, fromBinary(ValueSchema, Buffer.from(bytes, 'latin1')));
  } catch {
    // The library says by throwing that octets are no message: the client's mistake.
    return undefined;
  }
}
