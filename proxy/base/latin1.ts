// Text of message heads is latin1: one octet a character. Node's direct methods cost half of
// `toString('latin1')` and `write(…, 'latin1')`; they exist on every line but are not in its types.

interface Latin1Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}

/** The octets `[start, end)` as text. */
export function latin1Slice(buffer: Buffer, start: number, end: number): string {
  return (buffer as unknown as Latin1Buffer).latin1Slice(start, end);
}

/** Writes `text` at `offset`; the buffer must have room. Gives the number of octets. */
export function latin1Write(buffer: Buffer, text: string, offset: number): number {
  return (buffer as unknown as Latin1Buffer).latin1Write(text, offset, text.length);
}
