// Takes a message's content out of the bytes on the wire: a number of octets, chunks with their
// trailers, or all until the connection ends. Content of one read comes out as one run: chunks are
// moved together in the borrowed buffer, so that tiny chunks cost one event per read, not each.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import { CR, LF } from '../char-tables.ts';
import type { HeaderList } from '../header-list.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { ChunkLine } from './chunk-scanner.ts';
import { H1_ERROR } from './errors.ts';
import type { HeadReader } from './head-reader.ts';
import type { BodyKind } from './message-framing.ts';
import { takeTrailers } from './trailers.ts';

type Phase = 'content' | 'chunk-line' | 'chunk-cr' | 'chunk-lf' | 'trailers' | 'complete';

/** Decodes one body after the other. */
export class BodyDecoder {
  error: ProtocolError | null = null;
  /** The run of content that the last call found: `buffer[dataStart, dataEnd)`. */
  dataStart = 0;
  dataEnd = 0;
  readonly #trailers: HeadReader;
  readonly #line = new ChunkLine();
  #kind: BodyKind = 'none';
  #phase: Phase = 'complete';
  /** Octets of content up to the end of the body or chunk. */
  #remaining = 0;

  constructor(trailers: HeadReader) {
    this.#trailers = trailers;
  }

  get isComplete(): boolean {
    return this.#phase === 'complete';
  }

  /** True for a body whose end is the connection's end. */
  get endsWithConnection(): boolean {
    return this.#kind === 'until-close';
  }

  /** Prepares for a body; `length` counts only for the kind `length`. */
  start(kind: BodyKind, length: number): void {
    this.error = null;
    this.#kind = kind;
    this.#remaining = 0;
    this.#phase = 'content';
    if (kind === 'none' || (kind === 'length' && length === 0)) this.#phase = 'complete';
    else if (kind === 'length') this.#remaining = length;
    else if (kind === 'until-close') this.#remaining = Number.POSITIVE_INFINITY;
    else this.#startChunks();
    if (INVARIANTS) this.checkInvariants();
  }

  /** Decodes `buffer[from, end)` up to the message's end; returns the offset behind what it took. */
  decode(buffer: Buffer, from: number, end: number): number {
    this.dataStart = from;
    this.dataEnd = from;
    let at = from;
    while (at < end && this.#phase !== 'complete' && this.error === null) {
      at =
        this.#phase === 'content'
          ? this.#content(buffer, at, end)
          : this.#chunking(buffer, at, end);
    }
    if (INVARIANTS) this.checkInvariants();
    return at;
  }

  checkInvariants(): void {
    const kind = this.#kind;
    const phase = this.#phase;
    const isSimple = phase === 'content' || phase === 'complete';
    invariant(this.dataStart <= this.dataEnd, 'body decoder: content is a run of octets');
    invariant(kind === 'chunked' || isSimple, 'body decoder: only chunks have lines');
    invariant(kind !== 'none' || this.isComplete, 'body decoder: no body is always complete');
    invariant(
      !this.endsWithConnection || !this.isComplete,
      'body decoder: only FIN ends this body',
    );
    const hasRest = phase === 'content';
    invariant(
      this.#remaining > 0 === hasRest,
      'body decoder: octets are missing inside content only',
    );
  }

  /** Octets of the trailers, as ByteMeter counts what is received. */
  get trailerOctets(): number {
    return this.#trailers.fieldOctets;
  }

  /** The trailers of the body that is complete; null when it has none. Call at most once. */
  takeTrailers(): HeaderList | null {
    if (this.#kind !== 'chunked') return null;
    const trailers = takeTrailers(this.#trailers);
    this.#trailers.release();
    return trailers;
  }

  #startChunks(): void {
    this.#phase = 'chunk-line';
    this.#line.reset();
    this.#trailers.reset();
  }

  #content(buffer: Buffer, from: number, end: number): number {
    const at = Math.min(end, from + this.#remaining);
    if (this.dataEnd === this.dataStart) {
      this.dataStart = from;
      this.dataEnd = at;
    } else {
      buffer.copyWithin(this.dataEnd, from, at);
      this.dataEnd += at - from;
    }
    this.#remaining -= at - from;
    if (this.#remaining === 0) this.#phase = this.#kind === 'chunked' ? 'chunk-cr' : 'complete';
    return at;
  }

  #chunking(buffer: Buffer, from: number, end: number): number {
    switch (this.#phase) {
      case 'chunk-line':
        return this.#chunkLine(buffer, from, end);
      case 'trailers':
        return this.#trailerSection(buffer, from, end);
      default:
        if (buffer[from] !== (this.#phase === 'chunk-cr' ? CR : LF)) this.error = H1_ERROR.chunkEnd;
        this.#phase = this.#phase === 'chunk-cr' ? 'chunk-lf' : 'chunk-line';
        return from + 1;
    }
  }

  #chunkLine(buffer: Buffer, from: number, end: number): number {
    const line = this.#line;
    const at = line.scan(buffer, from, end);
    this.error = line.error;
    if (!line.isComplete) return at;
    this.#remaining = line.size;
    this.#phase = line.size === 0 ? 'trailers' : 'content';
    line.next();
    return at;
  }

  #trailerSection(buffer: Buffer, from: number, end: number): number {
    const at = this.#trailers.read(buffer, from, end);
    this.error = this.#trailers.error;
    if (this.#trailers.isComplete) this.#phase = 'complete';
    return at;
  }
}
