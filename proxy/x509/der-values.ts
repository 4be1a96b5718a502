// Primitive values of DER: each reads the next element of a reader and checks what X.690 §8 and
// §11 and RFC 5280 §4.1.2 demand of its octets.
import { DER, type DerReader } from './der-reader.ts';

/** Octets of the longest object identifier that is taken. */
const MAX_OID_BYTES = 64;
const SMALL_INTEGER_BYTES = 4;

/** BOOLEAN; X.690 §11.1 knows two values. */
export function readBoolean(reader: DerReader): boolean {
  const { content } = reader.read(DER.boolean);
  const isBoolean = content.length === 1 && (content[0] === 0 || content[0] === 0xff);
  if (!isBoolean) reader.fail('no boolean');
  return content[0] === 0xff;
}

/** The octets of an INTEGER: two's complement, at least one octet. */
export function readInteger(reader: DerReader): Buffer {
  const { content } = reader.read(DER.integer);
  if (!isMinimalInteger(content)) reader.fail('integer is not minimal');
  return content;
}

/** An INTEGER of 0 … 2^31-1. */
export function readSmallInteger(reader: DerReader): number {
  const content = readInteger(reader);
  const isSmall = content.length <= SMALL_INTEGER_BYTES && (content[0] ?? 0) < 0x80;
  if (!isSmall) reader.fail('integer out of range');
  return isSmall && content.length > 0 ? content.readUIntBE(0, content.length) : 0;
}

/** X.690 §8.3.2 */
export function isMinimalInteger(content: Buffer): boolean {
  const [first = 0, second = 0] = content;
  if (content.length < 2) return content.length === 1;
  return !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80);
}

/** OBJECT IDENTIFIER in dotted form. */
export function readOid(reader: DerReader): string {
  const { content } = reader.read(DER.oid);
  const text = oidText(content);
  if (text === '') reader.fail('no object identifier');
  return text;
}

/** X.690 §8.19; '' when the octets are no identifier. */
export function oidText(content: Buffer): string {
  const last = content[content.length - 1];
  if (last === undefined || last >= 0x80 || content.length > MAX_OID_BYTES) return '';
  const arcs: bigint[] = [];
  let arc = 0n;
  let isFirstOctet = true;
  for (const octet of content) {
    if (isFirstOctet && octet === 0x80) return '';
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    isFirstOctet = octet < 0x80;
    if (!isFirstOctet) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [joint = 0n, ...rest] = arcs;
  const first = joint < 80n ? joint / 40n : 2n;
  return [first, joint - first * 40n, ...rest].join('.');
}

/** A BIT STRING of whole octets, such as a signature. */
export function readOctetBits(reader: DerReader): Buffer {
  const { content } = reader.read(DER.bitString);
  if (content[0] !== 0) reader.fail('bit string is not of whole octets');
  return content.subarray(1);
}

/** A named-bit list (X.690 §11.2.2) of at most 31 bits: bit n of the list is bit n of the number. */
export function readNamedBits(reader: DerReader): number {
  const { content } = reader.read(DER.bitString);
  const unused = content[0] ?? 8;
  const last = content[content.length - 1] ?? 0;
  const isEmpty = content.length === 1;
  if (unused > 7 || (isEmpty && unused !== 0) || content.length > 4) reader.fail('no bit list');
  if (!isEmpty && (last & ((1 << unused) - 1)) !== 0) reader.fail('unused bits are set');
  let bits = 0;
  for (let bit = 0; bit < (content.length - 1) * 8 && bit < 31; bit += 1) {
    const octet = content[1 + (bit >> 3)] ?? 0;
    if ((octet & (0x80 >> (bit & 7))) !== 0) bits |= 1 << bit;
  }
  return bits;
}

const UTC_TIME = /^\d{12}Z$/;
const GENERALIZED_TIME = /^\d{14}Z$/;

/** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 has them: seconds, no fraction, `Z`. Unix ms. */
export function readTime(reader: DerReader): number {
  const isUtc = reader.nextTag === DER.utcTime;
  const text = reader.read(isUtc ? DER.utcTime : DER.generalizedTime).content.toString('latin1');
  const ms = isUtc ? utcTimeMs(text) : generalizedTimeMs(text);
  if (Number.isNaN(ms)) reader.fail('no time');
  return ms;
}

function utcTimeMs(text: string): number {
  if (!UTC_TIME.test(text)) return Number.NaN;
  return generalizedTimeMs((text < '5' ? '20' : '19') + text);
}

function generalizedTimeMs(text: string): number {
  if (!GENERALIZED_TIME.test(text)) return Number.NaN;
  const iso = text.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const ms = Date.parse(iso);
  // Date.parse takes 24:00:00, and 30 February in some versions: what it made of them differs.
  return !Number.isNaN(ms) && new Date(ms).toISOString() === iso ? ms : Number.NaN;
}
