// content-length (RFC 9110 §8.6): digits only, and a number that is exact.

/** The number that a content-length says, at most 2^53 - 1; -1 for everything else. */
export function parseContentLength(value: string): number {
  const length = value.length;
  if (length === 0) return -1;
  let number = 0;
  for (let at = 0; at < length; at += 1) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
    if (number > Number.MAX_SAFE_INTEGER) return -1;
  }
  return number;
}
