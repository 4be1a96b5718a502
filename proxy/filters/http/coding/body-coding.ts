// The content of one message on its way through a library: small ones at once, others in a stream
// of node:zlib, in order, with whoever sends held back while too much waits.
import { HeaderList } from '../../../http/header-list.ts';
import type { Counter } from '../../../stats/metrics.ts';
import { CONTINUE, DROP, type FilterStatus, STOP } from '../../http-filter.ts';
import type { CodingLibrary } from './coding-library.ts';
import { type CodingOwner, CodingStream } from './coding-stream.ts';
import type { FilterSite, MessageSide } from './message-side.ts';

const NOTHING = Buffer.alloc(0);

/** What a filter counts, and hears of its bodies. */
export interface CodingPlan {
  readonly library: CodingLibrary;
  readonly side: MessageSide;
  /** A whole body of at most this many octets is not worth a stream. */
  readonly maxBytesAtOnce: number;
  /** Octets out for one in, above which content is not what it seems; 0: as many as come. */
  readonly maxRatio: number;
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  /** Adds what the message's trailers say, or makes them where it has none; null: nothing. */
  readonly trailers: ((coding: BodyCoding, trailers: HeaderList) => void) | null;
  /** The content cannot be coded; nothing more comes of it. */
  failed(coding: BodyCoding, error: NodeJS.ErrnoException): void;
}

/** Content that grew too much: a code such as zlib's own errors have. */
export const TOO_LARGE = 'ERR_BUFFER_TOO_LARGE';

/** One message. */
export class BodyCoding implements CodingOwner {
  readonly site: FilterSite;
  readonly plan: CodingPlan;
  totalIn = 0;
  totalOut = 0;
  #stream: CodingStream | null = null;
  #isHeld = false;
  /** Trailers wait behind the content; null: it ends the message. */
  #trailers: HeaderList | null = null;
  #isDone = false;

  constructor(site: FilterSite, plan: CodingPlan) {
    this.site = site;
    this.plan = plan;
  }

  onData(data: Buffer, endStream: boolean): FilterStatus {
    if (this.#isDone) return DROP;
    this.#countIn(data);
    if (endStream && this.#stream === null && data.length <= this.plan.maxBytesAtOnce) {
      this.#codeNow(data);
      return DROP;
    }
    const stream = this.#open();
    stream.push(data);
    if (endStream) stream.end();
    else if (stream.isFull && !this.#isHeld) {
      this.#isHeld = true;
      this.plan.side.hold(this.site);
    }
    return DROP;
  }

  /** They wait until all content is out. */
  onTrailers(trailers: HeaderList): FilterStatus {
    if (this.#isDone) return DROP;
    this.#trailers = trailers;
    if (this.#stream === null) {
      const isCoded = this.#codeNow(NOTHING);
      return isCoded ? CONTINUE : DROP;
    }
    this.#stream.end();
    return STOP;
  }

  /** Whoever takes the octets takes them again. */
  onWritable(): void {
    this.#stream?.resume();
  }

  /** The stream is over: nothing of it is needed any more. */
  close(): void {
    this.#isDone = true;
    this.#stream?.close();
  }

  onCoded(data: Buffer): void {
    const { maxRatio } = this.plan;
    if (maxRatio > 0 && (this.#stream as CodingStream).ratio > maxRatio) {
      this.#fail(Object.assign(new Error('too large'), { code: TOO_LARGE }));
      return;
    }
    this.#countOut(data);
    if (!this.plan.side.inject(this.site, data, false)) this.#stream?.pause();
  }

  onCodingEnd(): void {
    this.#finish(NOTHING);
  }

  onCodingError(error: NodeJS.ErrnoException): void {
    this.#fail(error);
  }

  onCodingReady(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.plan.side.take(this.site);
  }

  #open(): CodingStream {
    this.#stream ??= new CodingStream(this.plan.library.open(), this);
    return this.#stream;
  }

  /** False: it failed. */
  #codeNow(data: Buffer): boolean {
    let coded: Buffer;
    try {
      coded = this.plan.library.codeNow(data);
    } catch (error) {
      // Content is the peer's; what zlib throws is its verdict on it.
      this.#fail(error as NodeJS.ErrnoException);
      return false;
    }
    this.#countOut(coded);
    this.#finish(coded);
    return true;
  }

  /** The last octets go, and what follows them. */
  #finish(data: Buffer): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const { side, trailers } = this.plan;
    const own = this.#trailers;
    if (own !== null) {
      trailers?.(this, own);
      if (data.length > 0) side.inject(this.site, data, false);
      side.release(this.site);
      return;
    }
    if (trailers === null) {
      side.inject(this.site, data, true);
      return;
    }
    if (data.length > 0) side.inject(this.site, data, false);
    const made = HeaderList.empty();
    trailers(this, made);
    side.injectTrailers(this.site, made);
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isDone) return;
    this.close();
    this.plan.failed(this, error);
  }

  #countIn(data: Buffer): void {
    this.totalIn += data.length;
    this.plan.bytesIn.add(data.length);
  }

  #countOut(data: Buffer): void {
    this.totalOut += data.length;
    this.plan.bytesOut.add(data.length);
  }
}
