// One exchange on an HTTP/2 connection: the sender that a filter chain or the router writes
// through, with all that the session remembers about it. The same class serves both sides, so that
// queues and windows know one shape. When the exchange is over, every call is without effect.

import { Edges, INVARIANTS, invariant } from '../../base/invariants.ts';
import type { Timer, TimerTarget } from '../../base/timer-wheel.ts';
import type { HeaderList } from '../header-list.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import type { RequestSender, ResetReason, ResponseSender, StreamReceiver } from '../stream.ts';
import type { ByteQueue } from './byte-queue.ts';

/** RFC 9113 §5.1, as it is on the wire: what waits in queues has not been sent. */
export type StreamState = 'idle' | 'open' | 'half-closed-local' | 'half-closed-remote' | 'closed';

const EDGES = new Edges<StreamState>('h2 stream', {
  idle: ['open', 'half-closed-local', 'half-closed-remote', 'closed'],
  open: ['half-closed-local', 'half-closed-remote', 'closed'],
  'half-closed-local': ['closed'],
  'half-closed-remote': ['closed'],
  closed: [],
});

/** Where streams wait for their turn. */
export interface StreamRingLike {
  remove(stream: H2Stream): void;
}

/** What a stream needs of its session. */
export interface StreamOwner {
  sendInformational(stream: H2Stream, head: ResponseHead): void;
  sendResponseHead(stream: H2Stream, head: ResponseHead, endStream: boolean): void;
  sendRequestHead(stream: H2Stream, head: RequestHead, endStream: boolean): void;
  sendData(stream: H2Stream, data: Buffer, endStream: boolean): boolean;
  sendTrailers(stream: H2Stream, trailers: HeaderList): void;
  resetStream(stream: H2Stream, reason: ResetReason): void;
  /** `isPaused` changed. */
  onPauseChange(stream: H2Stream): void;
  /** A complete message made no progress for too long. */
  onFlushTimeout(stream: H2Stream): void;
}

/** See the file's head. */
export class H2Stream implements ResponseSender, RequestSender, TimerTarget {
  /** Null once the exchange is over. */
  owner: StreamOwner | null;
  receiver: StreamReceiver | null;
  /** 0 until a client sent its head. */
  id = 0;
  state: StreamState = 'idle';
  readonly openedMs: number;
  /** Our message: the head was given, and the end was. */
  isHeadSent = false;
  isEnded = false;
  /** Our message has no content, whatever is given: an answer to HEAD, 204, 304. */
  isContentless = false;
  /** Octets of content that our head promises and that were not given yet; -1: no promise. */
  lengthToSend = -1;
  /** The peer's final head came. */
  isHeadReceived = false;
  informationalCount = 0;
  /** The receiver heard the end of the peer's message. */
  isEndDelivered = false;
  /** Octets of content that the peer's head promises and that have not come; -1: no promise. */
  lengthToCome = -1;
  /** The request asks for a tunnel, and the protocol that it asks for ('' for CONNECT). */
  asksForTunnel = false;
  upgrade = '';
  /** The key of a WebSocket handshake; '' for none. */
  websocketKey = '';
  /** The response agreed: both sides end on their own. */
  isTunnel = false;
  isHeadRequest = false;
  /** Octets that the peer lets us send; below 0 after its SETTINGS took some back. */
  sendWindow: number;
  /** Content that waits for windows or for the sink; null until some does. */
  output: ByteQueue | null = null;
  /** Trailers that wait behind `output`. */
  outputTrailers: HeaderList | null = null;
  /** The ring that the stream stands in, and its neighbours there. */
  ring: StreamRingLike | null = null;
  next: H2Stream | null = null;
  previous: H2Stream | null = null;
  /** Octets that we let the peer send. */
  receiveWindow: number;
  /** Octets taken in that the peer was not given back yet. */
  uncredited = 0;
  /** Of what came while the receiver was paused: not to be given back before it goes on. */
  withheld = 0;
  isPaused = false;
  /** Content that came while the receiver was paused; null until some does. */
  input: ByteQueue | null = null;
  inputTrailers: HeaderList | null = null;
  isDeliveryDue = false;
  /** Over on the wire, and yet open because its receiver paused. */
  isDeferred = false;
  flushTimer: Timer | null = null;
  wireBytesSent = 0;
  wireBytesReceived = 0;
  headerBytesSent = 0;
  headerBytesReceived = 0;

  constructor(owner: StreamOwner, receiver: StreamReceiver | null, start: StreamStart) {
    this.owner = owner;
    this.receiver = receiver;
    this.openedMs = start.nowMs;
    this.sendWindow = start.sendWindow;
    this.receiveWindow = start.receiveWindow;
  }

  /** The peer may send nothing more on this stream. */
  get isRemoteClosed(): boolean {
    return this.state === 'half-closed-remote' || this.state === 'closed';
  }

  /** Our END_STREAM is written. */
  get isLocalClosed(): boolean {
    return this.state === 'half-closed-local' || this.state === 'closed';
  }

  /** Octets that wait to be sent. */
  get pendingBytes(): number {
    return this.output === null ? 0 : this.output.length;
  }

  enter(next: StreamState): void {
    if (INVARIANTS) EDGES.check(this.state, next);
    this.state = next;
  }

  /** END_STREAM was written. */
  closeLocal(): void {
    this.enter(this.state === 'half-closed-remote' ? 'closed' : 'half-closed-local');
  }

  /** END_STREAM came. */
  closeRemote(): void {
    this.enter(this.state === 'half-closed-local' ? 'closed' : 'half-closed-remote');
  }

  sendInformational(head: ResponseHead): void {
    if (!this.isHeadSent) this.owner?.sendInformational(this, head);
  }

  sendResponseHead(head: ResponseHead, endStream: boolean): void {
    const { owner } = this;
    if (owner === null || this.isHeadSent) return;
    this.isHeadSent = true;
    this.isEnded = endStream;
    owner.sendResponseHead(this, head, endStream);
  }

  sendRequestHead(head: RequestHead, endStream: boolean): void {
    const { owner } = this;
    if (owner === null || this.isHeadSent) return;
    this.isHeadSent = true;
    this.isEnded = endStream;
    owner.sendRequestHead(this, head, endStream);
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    const { owner } = this;
    if (owner === null || !this.isHeadSent || this.isEnded) return true;
    this.isEnded = endStream;
    return owner.sendData(this, data, endStream);
  }

  sendTrailers(trailers: HeaderList): void {
    const { owner } = this;
    if (owner === null || !this.isHeadSent || this.isEnded) return;
    this.isEnded = true;
    owner.sendTrailers(this, trailers);
  }

  reset(reason: ResetReason): void {
    this.owner?.resetStream(this, reason);
  }

  pauseReading(): void {
    this.#setPaused(true);
  }

  resumeReading(): void {
    this.#setPaused(false);
  }

  handOver(receiver: StreamReceiver): void {
    this.receiver = receiver;
  }

  closeAfterResponse(): void {
    // Other streams go on: the connection ends by GOAWAY, which the connection manager asks for.
  }

  onTimer(): void {
    this.owner?.onFlushTimeout(this);
  }

  checkInvariants(): void {
    const waits = this.pendingBytes > 0 || this.outputTrailers !== null;
    invariant(!waits || !this.isLocalClosed, 'h2 stream: nothing waits behind END_STREAM');
    invariant(!waits || this.isHeadSent, 'h2 stream: content waits behind a head');
    invariant(this.withheld >= 0 && this.uncredited >= 0, 'h2 stream: no credit is given twice');
    invariant(
      !this.isEndDelivered || this.isRemoteClosed,
      'h2 stream: an end came before it is told',
    );
    const isTimed = this.flushTimer?.armed === true;
    invariant(!isTimed || (this.isEnded && waits), 'h2 stream: only an end that waits is timed');
    invariant((this.ring === null) === (this.next === null), 'h2 stream: a ring has neighbours');
  }

  #setPaused(isPaused: boolean): void {
    if (this.owner === null || this.isPaused === isPaused) return;
    this.isPaused = isPaused;
    this.owner.onPauseChange(this);
  }
}

/** What a stream begins with. */
export interface StreamStart {
  readonly nowMs: number;
  readonly sendWindow: number;
  readonly receiveWindow: number;
}
