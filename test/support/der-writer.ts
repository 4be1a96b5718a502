// Writes DER, right or wrong: the tests' half of ASN.1 (X.690). Text is written octet by octet
// (latin1), so that a test may put any octet anywhere.

/** Tags of X.690 that tests use. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  t61: 0x14,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visible: 0x1a,
  universal: 0x1c,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element with a minimal length. */
export function tlv(tag: number, ...content: readonly (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(
    content.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(body.length)]), body]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

/** A SEQUENCE. */
export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(TAG.sequence, ...parts);
}

/** A SET with its members in DER's order. */
export function setOf(...parts: readonly Buffer[]): Buffer {
  return tlv(TAG.set, ...[...parts].sort(Buffer.compare));
}

/** `[number] EXPLICIT` around `parts`. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return tlv(0xa0 | number, ...parts);
}

/** An OBJECT IDENTIFIER in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const octets = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128));
  }
  return octets;
}

/** A non-negative INTEGER. */
export function integer(value: number | bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return tlv(TAG.integer, ...((octets[0] ?? 0) >= 0x80 ? [Buffer.from([0]), octets] : [octets]));
}

/** BOOLEAN TRUE. */
export const TRUE = tlv(TAG.boolean, Buffer.from([0xff]));

/** A BIT STRING of whole octets. */
export function bitString(octets: Uint8Array): Buffer {
  return tlv(TAG.bitString, Buffer.from([0]), octets);
}

/** A named-bit list: bit 0 is the most significant one. */
export function namedBits(bits: readonly number[]): Buffer {
  if (bits.length === 0) return tlv(TAG.bitString, Buffer.from([0]));
  const last = Math.max(...bits);
  const octets = Buffer.alloc((last >> 3) + 1);
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return tlv(TAG.bitString, Buffer.from([7 - (last & 7)]), octets);
}

/** Time as RFC 5280 §4.1.2.5 wants it: UTCTime through 2049, then GeneralizedTime. */
export function time(ms: number): Buffer {
  const text = new Date(ms)
    .toISOString()
    .replace(/[-:T]/g, '')
    .replace(/\.\d+Z/, 'Z');
  const year = Number(text.slice(0, 4));
  if (year >= 1950 && year < 2050) return tlv(TAG.utcTime, text.slice(2));
  return tlv(TAG.generalizedTime, text);
}

/** PEM with lines of 64. */
export function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
