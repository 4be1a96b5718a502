// One attempt at one host: waits for a connection, sends the request, tells its owner of the
// response. A retry is another UpstreamRequest.
import { INVARIANTS, invariant } from '../../../base/invariants.ts';
import type { Timer, TimerTarget } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { RequestSender, ResetReason } from '../../../http/stream.ts';
import { agreesToTunnel, tunnelKind } from '../../../http/tunnel.ts';
import type { Cluster } from '../../../upstream/cluster-manager.ts';
import type {
  ConnectionPool,
  StreamWaiter,
  UpstreamConnectionInfo,
} from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';
import {
  ATTEMPT_EDGES,
  type Attempt,
  noteConnection,
  type UpstreamRequestOwner,
  type UpstreamRequestState,
} from './attempt.ts';
import { AttemptTimers } from './attempt-timers.ts';
import type { Verdict } from './host-verdict.ts';
import type { RequestBuffer } from './request-buffer.ts';
import { RequestContent } from './request-content.ts';

const IMMEDIATE_FAIL = HEADER_ID['x-envoy-immediate-health-check-fail'];

/**
 * How often one request is put on another connection. A server that goes away may send GOAWAY on
 * several connections before we read the first.
 */
const MAX_REPLAYS = 3;

/** Where a request goes. */
export interface UpstreamTarget {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly head: RequestHead;
  readonly pool: ConnectionPool;
  /** What the stream keeps of the content for attempts after this one; null: nothing. */
  readonly retained: RequestBuffer | null;
  /** From the complete request to the response, and between any two parts of it; 0: no limit. */
  readonly tryMs: number;
  readonly tryIdleMs: number;
}

/** See the file's head. */
export class UpstreamRequest implements Attempt, StreamWaiter, TimerTarget {
  readonly host: Host;
  /** It got a connection. */
  hasBegun = false;
  /** Its response began. */
  hasStarted = false;
  /** Another attempt is under way for its sake. */
  isRetried = false;
  /** Whether its host is known to have answered well. */
  verdict: Verdict = 'given';
  hasReported = false;
  readonly #owner: UpstreamRequestOwner;
  readonly #target: UpstreamTarget;
  readonly #cluster: Cluster;
  readonly #head: RequestHead;
  readonly #pool: ConnectionPool;
  readonly #content: RequestContent;
  #state: UpstreamRequestState = 'waiting';
  #sender: RequestSender | null = null;
  #connection: UpstreamConnectionInfo | null = null;
  /** Its connection had not said yet how many streams it takes. */
  #isProbe = false;
  #replays = 0;
  /** null: it has no time limits. */
  readonly #timers: AttemptTimers | null;
  #startMs = 0;
  #requestEnded: boolean;
  #isReadingPaused = false;
  #isTunnel = false;
  #hasTimedOut = false;

  constructor(owner: UpstreamRequestOwner, target: UpstreamTarget, endStream: boolean) {
    this.host = target.host;
    this.#owner = owner;
    this.#target = target;
    this.#cluster = target.cluster;
    this.#head = target.head;
    this.#pool = target.pool;
    this.#content = new RequestContent(target.head.asksForTunnel, target.retained);
    this.#requestEnded = endStream;
    const { maxStreamDurationMs } = target.cluster.config.http;
    const isTimed = maxStreamDurationMs + target.tryMs + target.tryIdleMs > 0;
    this.#timers = isTimed ? new AttemptTimers(owner.timers, this) : null;
  }

  get state(): UpstreamRequestState {
    return this.#state;
  }

  /** The upstream agreed to the tunnel that the client asked for. */
  get isTunnel(): boolean {
    return this.#isTunnel;
  }

  /** 0: it has none. */
  get connectionId(): number {
    return this.#connection?.id ?? 0;
  }

  /** It answers although another one was sent after it. */
  noteAnswer(): void {
    const { info } = this.#owner;
    info.upstreamHost = this.host;
    if (this.#connection !== null && this.#sender !== null) {
      noteConnection(info, this.#connection, this.#sender);
    }
  }

  /** Asks for a connection; everything else follows by events, some of them inside this call. */
  start(): void {
    this.#startMs = this.#owner.nowMs();
    this.#pool.acquire(this);
  }

  /** Content of the request; `data` is borrowed. */
  sendData(data: Buffer, endStream: boolean): void {
    this.#requestEnded = endStream;
    if (this.#state === 'done') return;
    const isWritable = this.#content.send(this.#sender, data, endStream);
    if (endStream) this.#onRequestSent();
    if (!isWritable && !endStream) this.#owner.onUpstreamSlow();
    if (INVARIANTS) this.checkInvariants();
  }

  /** Trailers of the request. */
  sendTrailers(trailers: HeaderList): void {
    this.#requestEnded = true;
    if (this.#state === 'done') return;
    this.#content.sendTrailers(this.#sender, trailers);
    this.#onRequestSent();
    if (INVARIANTS) this.checkInvariants();
  }

  noteTimeout(): void {
    // As Envoy: a host without a connection, or with a response, is not to blame.
    const isBlamed = this.hasBegun && !this.hasStarted && !this.#hasTimedOut;
    this.#hasTimedOut = true;
    if (isBlamed) this.host.monitor?.onLocalOrigin('timed-out');
  }

  /** Gives it up; the owner hears nothing more of it. Harmless when it is done. */
  abort(): void {
    if (this.#state === 'waiting') {
      this.#enter('done');
      this.#pool.cancel(this);
    } else if (this.#state !== 'done') {
      this.#enter('done');
      this.#sender?.reset('local-reset');
    }
    this.#sender = null;
    if (INVARIANTS) this.checkInvariants();
  }

  /** The client takes data again. */
  resumeReading(): void {
    if (!this.#isReadingPaused) return;
    this.#isReadingPaused = false;
    this.#cluster.stats.flowResumed.inc();
    this.#sender?.resumeReading();
  }

  onPoolReady(sender: RequestSender, connection: UpstreamConnectionInfo): void {
    const info = this.#owner.info;
    this.#sender = sender;
    this.#connection = connection;
    this.#isProbe = !connection.isLimitKnown;
    this.#enter('sending');
    this.hasBegun = true;
    this.#noteWait();
    noteConnection(info, connection, sender);
    info.firstUpstreamTxByteMs = this.#owner.nowMs();
    if (this.#replays === 0) this.#owner.onUpstreamReady(this);
    this.host.monitor?.onLocalOrigin('connect-succeeded');
    this.#timers?.watchDuration(this.#owner.nowMs(), this.#cluster.config.http.maxStreamDurationMs);
    const { isAwaiting, isKeptBack } = this.#content;
    sender.sendRequestHead(this.#head, this.#requestEnded && !isAwaiting && !isKeptBack);
    if (!isAwaiting) this.#releaseContent(sender);
    if (INVARIANTS) this.checkInvariants();
  }

  onPoolFailure(reason: ResetReason, detail: string): void {
    this.#noteWait();
    this.#owner.info.upstreamTransportFailureReason = detail;
    this.#end(reason, detail);
  }

  onInformational(head: ResponseHead): void {
    if (this.#state !== 'sending') return;
    this.#timers?.touch(this.#owner.nowMs());
    this.#owner.onUpstreamInformational(head);
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    if (this.#state !== 'sending') return;
    // What ends in plain TCP is answered at once, in front of content that waited for the connection.
    if (!this.#content.isAwaiting && this.#sender !== null)
      this.#content.release(this.#sender, this.#requestEnded);
    this.hasStarted = true;
    this.#timers?.touch(this.#owner.nowMs());
    if (head.headers.mayHave(IMMEDIATE_FAIL)) this.host.checks?.onImmediateFailure(this.host);
    this.#isTunnel = agreesToTunnel(tunnelKind(this.#head), head.status);
    if (endStream) this.#completeResponse();
    else this.#enter('responding');
    this.#owner.onUpstreamHead(this, head, endStream);
    if (this.#content.isAwaiting) this.#decideTunnel();
    if (INVARIANTS) this.checkInvariants();
  }

  onData(data: Buffer, endStream: boolean): void {
    if (this.#state !== 'responding') return;
    this.#timers?.touch(this.#owner.nowMs());
    if (endStream) this.#completeResponse();
    const isWritable = this.#owner.onUpstreamData(data, endStream);
    if (isWritable || endStream || this.#isReadingPaused || this.#sender === null) return;
    this.#isReadingPaused = true;
    this.#cluster.stats.flowPaused.inc();
    this.#sender.pauseReading();
    if (INVARIANTS) this.checkInvariants();
  }

  onTrailers(trailers: HeaderList): void {
    if (this.#state !== 'responding') return;
    this.#completeResponse();
    this.#owner.onUpstreamTrailers(trailers);
    if (INVARIANTS) this.checkInvariants();
  }

  /** Why the connection ended is in the debug log: Envoy's details name only failed connects. */
  onReset(reason: ResetReason, _detail: string): void {
    if (this.#state === 'done') return;
    if (reason === 'remote-refused' && this.#wasRefusedUnseen()) this.#replay();
    else this.#end(reason, '');
  }

  onWritable(): void {
    if (this.#state !== 'done') this.#owner.onUpstreamWritable();
  }

  onTimer(timer: Timer): void {
    const limit = this.#timers?.limitOf(timer) ?? 'duration';
    if (limit !== 'duration') {
      this.#owner.onUpstreamTryTimeout(this, limit);
      return;
    }
    this.#cluster.stats.rqMaxDurationReached.inc();
    this.abort();
    this.#owner.onUpstreamMaxDuration(this);
  }

  checkInvariants(): void {
    const state = this.#state;
    const isOnConnection = state !== 'waiting' && state !== 'done';
    const isWaiting = state === 'waiting';
    invariant(!isWaiting || this.#sender === null, 'upstream request: who waits has no connection');
    invariant(!isOnConnection || this.#sender !== null, 'upstream request: it is sent somewhere');
    const mayKeep = !isOnConnection || this.#content.isAwaiting;
    invariant(mayKeep || !this.#content.isKeptBack, 'upstream request: nothing is kept back');
    invariant(state !== 'answered' || this.#isTunnel, 'upstream request: only tunnels go on');
    const mayPause = this.hasStarted || state === 'done';
    invariant(!this.#isReadingPaused || mayPause, 'upstream request: only content is held back');
    const isTimed = this.#timers?.isArmed === true;
    invariant(!isTimed || state !== 'done', 'upstream request: the end of it is not awaited twice');
  }

  #enter(next: UpstreamRequestState): void {
    if (INVARIANTS) ATTEMPT_EDGES.check(this.#state, next);
    this.#state = next;
    if (next === 'done') this.#timers?.cancel();
  }

  /**
   * The peer refused it for where we put it, not for what it is: it goes away, or we did not know
   * its limit yet. (RFC 9113 §8.7: then nothing of it was processed.) And we still have all of it.
   */
  #wasRefusedUnseen(): boolean {
    if (this.#state !== 'sending' || !this.#content.isRepeatable) return false;
    const isOurFault = this.#isProbe || this.#connection?.isGoingAway === true;
    return isOurFault && this.#replays < MAX_REPLAYS;
  }

  /** Unlike a retry this is one attempt still: the client and its policies see nothing of it. */
  #replay(): void {
    this.#replays += 1;
    this.#content.rewind();
    this.#sender = null;
    this.#connection = null;
    this.#enter('waiting');
    this.#pool.acquire(this);
  }

  /** What was kept back leaves. */
  #releaseContent(sender: RequestSender): void {
    const isWritable = this.#content.release(sender, this.#requestEnded);
    if (this.#requestEnded) this.#onRequestSent();
    if (isWritable) this.#owner.onUpstreamWritable();
  }

  /** The upstream gave its answer to a request for a tunnel. */
  #decideTunnel(): void {
    this.#content.decide(this.#isTunnel);
    if (this.#sender !== null) this.#releaseContent(this.#sender);
  }

  /** Nothing more comes from the upstream. Each side of a tunnel ends on its own. */
  #completeResponse(): void {
    this.#enter(this.#isTunnel && !this.#requestEnded ? 'answered' : 'done');
  }

  /** Nothing more comes from the client. */
  #onRequestSent(): void {
    this.#noteSent();
    if (this.#state === 'answered') this.#enter('done');
  }

  #end(reason: ResetReason, detail: string): void {
    this.#enter('done');
    this.#sender = null;
    this.#owner.onUpstreamReset(this, reason, detail);
    if (INVARIANTS) this.checkInvariants();
  }

  #noteWait(): void {
    this.#owner.info.upstreamPoolReadyDurationMs = this.#owner.nowMs() - this.#startMs;
  }

  /** The request is complete, and written if there is a connection. */
  #noteSent(): void {
    if (this.#sender === null) return;
    const nowMs = this.#owner.nowMs();
    this.#owner.info.lastUpstreamTxByteMs = nowMs;
    if (this.hasStarted) return;
    this.#timers?.watchTry(nowMs, this.#target.tryMs, this.#target.tryIdleMs);
  }
}
