// One attempt at one host: waits for a connection, sends the request, tells its owner of the
// response. A retry is another UpstreamRequest.
import { Edges, INVARIANTS, invariant } from '../../../base/invariants.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { RequestSender, ResetReason } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import { agreesToTunnel, tunnelKind } from '../../../http/tunnel.ts';
import type { Cluster } from '../../../upstream/cluster-manager.ts';
import type {
  ConnectionPool,
  StreamWaiter,
  UpstreamConnectionInfo,
} from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';
import type { Verdict } from './host-verdict.ts';
import type { RequestBuffer } from './request-buffer.ts';
import { RequestContent } from './request-content.ts';

/**
 * - `waiting`: queued in a pool. `sending`: on a connection, no response head yet.
 * - `responding`: the response began. `answered`: it is complete, and the client's side of a tunnel
 *   is not. `done`: complete, failed or given up.
 *
 * From `sending` it waits again when the upstream surely did nothing with it: see `#replay`.
 */
export type UpstreamRequestState = 'waiting' | 'sending' | 'responding' | 'answered' | 'done';

const EDGES = new Edges<UpstreamRequestState>('upstream request', {
  waiting: ['sending', 'done'],
  sending: ['waiting', 'responding', 'answered', 'done'],
  responding: ['answered', 'done'],
  answered: ['done'],
  done: [],
});

/**
 * How often one request is put on another connection. A server that goes away may send GOAWAY on
 * several connections before we read the first.
 */
const MAX_REPLAYS = 3;

/** The router of a stream. */
export interface UpstreamRequestOwner {
  readonly info: StreamInfo;
  readonly timers: TimerWheel;
  nowMs(): number;
  /** It has a connection: the request is about to be sent. */
  onUpstreamReady(attempt: UpstreamRequest): void;
  onUpstreamInformational(head: ResponseHead): void;
  onUpstreamHead(attempt: UpstreamRequest, head: ResponseHead, endStream: boolean): void;
  /** False: the client is slow; the upstream is held back until `resumeReading`. */
  onUpstreamData(data: Buffer, endStream: boolean): boolean;
  onUpstreamTrailers(trailers: HeaderList): void;
  /** It failed. `detail`: why the connect did. `started`: its response head had come. */
  /** `attempt.hasStarted`: inside its response. */
  onUpstreamReset(attempt: UpstreamRequest, reason: ResetReason, detail: string): void;
  /** It lasted longer than its cluster lets it, and was given up. */
  onUpstreamMaxDuration(attempt: UpstreamRequest): void;
  /** The upstream is slow, or takes data again. */
  onUpstreamSlow(): void;
  onUpstreamWritable(): void;
}

/** Where a request goes. */
export interface UpstreamTarget {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly head: RequestHead;
  readonly pool: ConnectionPool;
  /** What the stream keeps of the content for attempts after this one; null: nothing. */
  readonly retained: RequestBuffer | null;
}

/** See the file's head. */
export class UpstreamRequest implements StreamWaiter, TimerTarget {
  readonly host: Host;
  /** Its response began. */
  hasStarted = false;
  /** Whether its host is known to have answered well. */
  verdict: Verdict = 'given';
  readonly #owner: UpstreamRequestOwner;
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
  /** max_stream_duration; null: none. */
  #durationTimer: Timer | null = null;
  #startMs = 0;
  #requestEnded: boolean;
  #isReadingPaused = false;
  #isTunnel = false;

  constructor(owner: UpstreamRequestOwner, target: UpstreamTarget, endStream: boolean) {
    this.host = target.host;
    this.#owner = owner;
    this.#cluster = target.cluster;
    this.#head = target.head;
    this.#pool = target.pool;
    this.#content = new RequestContent(target.head.asksForTunnel, target.retained);
    this.#requestEnded = endStream;
  }

  get state(): UpstreamRequestState {
    return this.#state;
  }

  /** The upstream agreed to the tunnel that the client asked for. */
  get isTunnel(): boolean {
    return this.#isTunnel;
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
    info.upstreamMeter = sender;
    info.upstreamConnectStartMs = connection.connectStartMs;
    info.upstreamConnectEndMs = connection.connectEndMs;
    this.#noteWait();
    info.upstreamConnectionId = connection.id;
    info.upstreamLocalAddress = connection.localAddress;
    info.upstreamProtocol = connection.protocol;
    info.firstUpstreamTxByteMs = this.#owner.nowMs();
    if (this.#replays === 0) this.#owner.onUpstreamReady(this);
    this.#watchDuration();
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
    if (this.#state === 'sending') this.#owner.onUpstreamInformational(head);
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    if (this.#state !== 'sending') return;
    // What ends in plain TCP is answered at once, in front of content that waited for the connection.
    if (!this.#content.isAwaiting && this.#sender !== null)
      this.#content.release(this.#sender, this.#requestEnded);
    this.hasStarted = true;
    this.#isTunnel = agreesToTunnel(tunnelKind(this.#head), head.status);
    if (endStream) this.#completeResponse();
    else this.#enter('responding');
    this.#owner.onUpstreamHead(this, head, endStream);
    if (this.#content.isAwaiting) this.#decideTunnel();
    if (INVARIANTS) this.checkInvariants();
  }

  onData(data: Buffer, endStream: boolean): void {
    if (this.#state !== 'responding') return;
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

  /** max_stream_duration is over. */
  onTimer(): void {
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
    const isTimed = this.#durationTimer?.armed === true;
    invariant(!isTimed || state !== 'done', 'upstream request: the end of it is not awaited twice');
  }

  #enter(next: UpstreamRequestState): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
    if (next === 'done' && this.#durationTimer !== null) {
      this.#owner.timers.cancel(this.#durationTimer);
    }
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

  #watchDuration(): void {
    const { maxStreamDurationMs } = this.#cluster.config.http;
    if (maxStreamDurationMs === 0) return;
    this.#durationTimer ??= new Timer(this);
    this.#owner.timers.arm(this.#durationTimer, this.#owner.nowMs(), maxStreamDurationMs);
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
    if (this.#sender !== null) this.#owner.info.lastUpstreamTxByteMs = this.#owner.nowMs();
  }
}
