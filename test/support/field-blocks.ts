// Field blocks by hand, independent of the proxy's own encoder, and a sink that notes what a
// decoder finds in them.
import type { FieldSink } from '../../proxy/http/hpack/hpack-decoder.ts';
import type { TableEntry } from '../../proxy/http/hpack/table-entry.ts';

/** Octets from hex digits; blanks are for the reader. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replace(/\s/g, ''), 'hex');
}

/** An integer behind a prefix of `bits` bits, under `flags` (RFC 7541 §5.1). */
export function integer(value: number, bits: number, flags: number): number[] {
  const most = 2 ** bits - 1;
  if (value < most) return [flags | value];
  const octets = [flags | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 0x80);
  octets.push(rest);
  return octets;
}

/** A string without Huffman code. */
export function plainString(text: string): number[] {
  return [...integer(text.length, 7, 0), ...Buffer.from(text, 'latin1')];
}

/** Fields as literals that enter no table; `flags` 0x40 puts them into it. */
export function literalBlock(pairs: readonly (readonly [string, string])[], flags = 0): Buffer {
  const octets: number[] = [];
  for (const [name, value] of pairs) {
    // One by one: a long value would not fit on the stack as arguments.
    octets.push(flags);
    for (const octet of plainString(name)) octets.push(octet);
    for (const octet of plainString(value)) octets.push(octet);
  }
  return Buffer.from(octets);
}

/** Notes `name: value` of every field. */
export class FieldRecorder implements FieldSink<readonly string[]> {
  readonly fields: string[] = [];
  /** Runs that came as such. */
  runs = 0;
  #runStart = 0;

  onField(entry: TableEntry): void {
    this.fields.push(`${entry.name.text}: ${entry.value}`);
  }

  beginRun(): void {
    this.#runStart = this.fields.length;
  }

  endRun(): readonly string[] {
    return this.fields.slice(this.#runStart);
  }

  onRun(run: readonly string[]): void {
    this.runs += 1;
    this.fields.push(...run);
  }

  /** What was noted since the last call. */
  take(): string[] {
    return this.fields.splice(0);
  }
}
