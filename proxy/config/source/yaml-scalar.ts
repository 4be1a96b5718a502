// What a plain YAML scalar means. Envoy's reader decides this, not the YAML specification: it tries
// boolean, then integer, and leaves everything else, fractions included, as text.

const TRUE = new Set(['y', 'yes', 'true', 'on']);
const FALSE = new Set(['n', 'no', 'false', 'off']);
const NULL = new Set(['', '~', 'null', 'Null', 'NULL']);
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/;
const INT64_MAX = 2n ** 63n - 1n;
const INT32_MAX = 2n ** 31n - 1n;

/** The value of an unquoted scalar. */
export function plainScalar(text: string): string | number | boolean | null {
  if (NULL.has(text)) return null;
  const lower = text.toLowerCase();
  if (TRUE.has(lower)) return true;
  if (FALSE.has(lower)) return false;
  if (!INTEGER.test(text)) return text;
  const value = integer(text);
  if (value > INT64_MAX || value < -INT64_MAX - 1n) return text;
  // Beyond 32 bits it stays text, which 64-bit fields accept and doubles cannot harm.
  return value > INT32_MAX || value < -INT32_MAX - 1n ? value.toString() : Number(value);
}

/** Leading zero means octal, as in C; BigInt wants `0o`. */
function integer(text: string): bigint {
  const negative = text.startsWith('-');
  const digits = text.replace(/^[-+]/, '');
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return negative ? -value : value;
}
