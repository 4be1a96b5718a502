// What stands in for a connection's codec until its first bytes say which protocol it speaks.
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { ServerCodec } from '../../../http/codec.ts';
import type { CodecKind, CodecKinds } from './codec-kinds.ts';

/**
 * What HTTP/2's connection preface (RFC 9113 §3.4) begins with: enough to tell it from every request
 * of HTTP/1.1. Envoy compares as much.
 */
const PREFACE_START = Buffer.from('PRI * HTTP/2', 'latin1');
/**
 * How long bytes that may become the preface are waited for, in ms; then they are HTTP/1.1, as they
 * are for Envoy at once. Less would refuse a preface whose second segment was lost and sent again.
 */
export const PREFACE_WAIT_MS = 1000;

/** The connection that waits for its codec. */
export interface CodecOwner {
  /** From now on the connection's events go to the codec that comes back. */
  onCodecKind(kind: CodecKind): ServerCodec;
  /** The connection is over before it began. */
  onSilentEnd(): void;
  nowMs(): number;
}

/** How a connection manager tells its connections' protocols. */
export interface CodecChoice {
  readonly kinds: CodecKinds;
  /** HttpConnectionManager.codec_type. */
  readonly codecType: 'auto' | 'http1' | 'http2';
  readonly timers: TimerWheel;
}

/** Takes a connection's calls until it has a codec. */
export class PendingCodec implements ServerCodec, TimerTarget {
  readonly protocol = 'HTTP/1.1';
  readonly activeStreams = 0;
  readonly droppedHeadersWithUnderscores = 0;
  readonly #choice: CodecChoice;
  readonly #owner: CodecOwner;
  /** Null when the first bytes are to decide. */
  readonly #decided: CodecKind | null;
  /** So many octets of the preface came, and nothing else. */
  #seen = 0;
  #timer: Timer | null = null;

  /** `alpn`: what TLS negotiated; '' for nothing, as in clear text. */
  constructor(choice: CodecChoice, alpn: string, owner: CodecOwner) {
    this.#choice = choice;
    this.#owner = owner;
    this.#decided = decidedKind(choice, alpn);
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    const kind = this.#decided ?? this.#judge(buffer, start, end);
    if (kind !== null) this.#begin(kind).onBytes(buffer, start, end);
  }

  onEnd(): void {
    // Whoever ends inside the preface did not speak HTTP/2.
    if (this.#seen > 0) this.#begin(this.#choice.kinds.http1).onEnd();
    else this.#owner.onSilentEnd();
  }

  onClose(): void {
    this.#stopWaiting();
  }

  onDrain(): void {
    // Nothing was written.
  }

  announceDrain(): void {
    // There is nobody to tell; the connection tells its codec when it has one.
  }

  drain(): void {
    this.#stopWaiting();
    this.#owner.onSilentEnd();
  }

  onTimer(): void {
    this.#begin(this.#choice.kinds.http1);
  }

  /** Null: it may be the preface, but more of it is needed. */
  #judge(buffer: Buffer, start: number, end: number): CodecKind | null {
    const { kinds } = this.#choice;
    const length = Math.min(end - start, PREFACE_START.length - this.#seen);
    const expected = PREFACE_START.compare(
      buffer,
      start,
      start + length,
      this.#seen,
      this.#seen + length,
    );
    if (expected !== 0) return kinds.http1;
    if (this.#seen + length === PREFACE_START.length) return kinds.http2;
    this.#seen += length;
    this.#wait();
    return null;
  }

  /** Makes the codec and gives it what came so far. */
  #begin(kind: CodecKind): ServerCodec {
    this.#stopWaiting();
    const codec = this.#owner.onCodecKind(kind);
    // What was seen is known without being kept.
    if (this.#seen > 0) codec.onBytes(PREFACE_START, 0, this.#seen);
    return codec;
  }

  #wait(): void {
    if (this.#timer !== null) return;
    this.#timer = new Timer(this);
    this.#choice.timers.arm(this.#timer, this.#owner.nowMs(), PREFACE_WAIT_MS);
  }

  #stopWaiting(): void {
    if (this.#timer !== null) this.#choice.timers.cancel(this.#timer);
  }
}

/** ALPN beats the first bytes (Envoy: HttpConnectionManagerUtility). */
function decidedKind({ kinds, codecType }: CodecChoice, alpn: string): CodecKind | null {
  if (codecType !== 'auto') return kinds[codecType];
  if (alpn === '') return null;
  return alpn === 'h2' ? kinds.http2 : kinds.http1;
}
