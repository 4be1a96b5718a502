// Byte classes as tables of 256: one load both checks a byte and says what becomes of it.

/** SP, HTAB, CR, LF and the punctuation that the grammar is made of. */
export const SP = 0x20;
export const HTAB = 0x09;
export const CR = 0x0d;
export const LF = 0x0a;
export const COLON = 0x3a;

function fill(accepts: (byte: number) => boolean, value: (byte: number) => number): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte += 1) if (accepts(byte)) table[byte] = value(byte);
  return table;
}

const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
const isLower = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isOneOf = (text: string, byte: number): boolean => text.includes(String.fromCharCode(byte));
const isAlphanumeric = (byte: number): boolean => isUpper(byte) || isLower(byte) || isDigit(byte);
const isToken = (byte: number): boolean =>
  byte < 0x80 && (isAlphanumeric(byte) || isOneOf("!#$%&'*+-.^_`|~", byte));

/** The lower-case byte of a token character (RFC 9110 §5.6.2), 0 for every other byte. */
export const TOKEN_LOWER: Uint8Array = fill(isToken, (byte) =>
  isUpper(byte) ? byte | 0x20 : byte,
);

/** 1 for a byte that a field value may hold: HTAB, SP, visible ASCII, obs-text. */
export const FIELD_VALUE: Uint8Array = fill(
  (byte) => byte === HTAB || (byte >= SP && byte !== 0x7f),
  () => 1,
);

/**
 * 1 for a byte that a request target is read with: visible ASCII. A fragment is for the connection
 * manager to refuse.
 */
export const TARGET: Uint8Array = fill(
  (byte) => byte > SP && byte < 0x7f,
  () => 1,
);

/** 1 for a byte of a reg-name (RFC 3986 §3.2.2) except `%`. */
export const REG_NAME: Uint8Array = fill(
  (byte) => byte < 0x80 && (isAlphanumeric(byte) || isOneOf("-._~!$&'()*+,;=", byte)),
  () => 1,
);

/** Value of a hexadecimal digit plus 1; 0 for every other byte. */
export const HEX: Uint8Array = fill(
  (byte) => isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66),
  (byte) => (isDigit(byte) ? byte - 0x30 : (byte | 0x20) - 0x61 + 10) + 1,
);
