// Writes Huffman-coded strings (RFC 7541 §5.2).
import { CODE_BITS, CODES } from './huffman-code.ts';

/** Most bits that join what is still pending in 32 bits. */
const WHOLE_BITS = 24;

/** Octets of the text's code; characters are latin1. */
export function huffmanOctets(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at += 1) bits += CODE_BITS[text.charCodeAt(at) & 0xff]!;
  return (bits + 7) >>> 3;
}

/** Writes the text's code at `offset`; returns the offset behind it. The buffer must have room. */
export function huffmanWrite(buffer: Buffer, text: string, offset: number): number {
  let to = offset;
  let pending = 0;
  let bits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const symbol = text.charCodeAt(at) & 0xff;
    let code = CODES[symbol]!;
    let count = CODE_BITS[symbol]!;
    if (count > WHOLE_BITS) {
      // Eight of its bits first: fewer than eight are pending.
      count -= 8;
      pending = (pending << 8) | (code >>> count);
      buffer[to] = pending >>> bits;
      to += 1;
      code &= (1 << count) - 1;
    }
    pending = (pending << count) | code;
    bits += count;
    while (bits >= 8) {
      bits -= 8;
      buffer[to] = pending >>> bits;
      to += 1;
    }
  }
  if (bits > 0) {
    const missing = 8 - bits;
    buffer[to] = (pending << missing) | ((1 << missing) - 1);
    to += 1;
  }
  return to;
}
