// What a library of compression is to the filters: how its content coding and statistics are
// called, and how to make one body's worth of work.
import type { Transform } from 'node:stream';

/** One algorithm with its options; shared by all streams. */
export interface CodingLibrary {
  /** As in Content-Encoding: `gzip`. */
  readonly coding: string;
  /** As in statistics: `gzip`, `brotli`. */
  readonly statName: string;
  /** For a body that comes in pieces; each piece leaves as soon as it came. */
  open(): Transform;
  /** A whole body at once, on this thread: for small ones. Throws what the stream would emit. */
  codeNow(data: Buffer): Buffer;
}

/** What decompresses also knows when it has had enough. */
export interface DecompressionLibrary extends CodingLibrary {
  /** Octets out for one octet in, above which content is a bomb. */
  readonly maxInflateRatio: number;
  /** Statistics of what went wrong, by node:zlib's codes; `defaultError` counts all others. */
  readonly errors: Readonly<Record<string, string>>;
  readonly defaultError: string;
}

/**
 * Bodies up to this many octets are compressed at once: up to here a stream costs 1.7 (16 KiB) to 7
 * times (256 octets) as much, and this thread is busy for about 0.1 ms.
 */
export const MAX_BYTES_AT_ONCE = 16 * 1024;
