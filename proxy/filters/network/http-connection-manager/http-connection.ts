// One downstream HTTP connection: its codec, its open streams, and the timers that end it. A timer
// of its own a stream would cost more than the rest of the bookkeeping, so one sweep serves all.
import { Edges, INVARIANTS, invariant } from '../../../base/invariants.ts';
import { Timer, type TimerTarget } from '../../../base/timer-wheel.ts';
import type { CodecDone, ServerCodec, ServerCodecHandler } from '../../../http/codec.ts';
import type { ProtocolError } from '../../../http/protocol-error.ts';
import type { RequestReceiver, ResponseSender } from '../../../http/stream.ts';
import type { DownstreamConnectionInfo } from '../../../http/stream-info.ts';
import type { CloseMode, CloseReason, Connection } from '../../../net/connection.ts';
import type { DownstreamConnection } from '../../network-filter.ts';
import { ActiveStream } from './active-stream.ts';
import type { CodecKind } from './codec-kinds.ts';
import type { HcmRuntime } from './hcm-runtime.ts';
import { type CodecOwner, PendingCodec } from './pending-codec.ts';
import type { OwnedStream, Predecessor, StreamOwner } from './stream-owner.ts';

/**
 * - `open`: takes requests.
 * - `draining`: the client knows, or learns with its next response; drain_timeout is its time to
 *   finish. What comes in until then is still served where the protocol allows it.
 * - `closing`: the codec or we asked for the end.
 */
type ConnectionState = 'open' | 'draining' | 'closing';

const EDGES = new Edges<ConnectionState>('http connection', {
  open: ['draining', 'closing'],
  draining: ['closing'],
  closing: [],
});

const CLOSE_MODES: Readonly<Record<CodecDone['kind'], CloseMode>> = {
  'message-end': 'flush-and-delay',
  'peer-closed': 'flush',
  reset: 'reset',
  'protocol-error': 'flush-and-delay',
};

/** See DownstreamConnection. */
export class HttpConnection
  implements DownstreamConnection, ServerCodecHandler, StreamOwner, CodecOwner, TimerTarget
{
  readonly runtime: HcmRuntime;
  readonly info: DownstreamConnectionInfo;
  readonly #connection: Connection;
  #codec: ServerCodec;
  /** Null until the first bytes. */
  #kind: CodecKind | null = null;
  readonly #openedMs: number;
  readonly #sweepTimer: Timer;
  #sweepDueMs = Number.POSITIVE_INFINITY;
  #drainTimer: Timer | null = null;
  #durationTimer: Timer | null = null;
  readonly #streams: OwnedStream[] = [];
  #requests = 0;
  #txBytesCounted = 0;
  #droppedFieldsCounted = 0;
  #lastActiveMs: number;
  #state: ConnectionState = 'open';
  #closedByUs = false;
  /** `downstream_cx_drain_close` counts connections. */
  #isDrainCounted = false;
  /** The client ended its side before we did, which cut requests or not. */
  #endedByPeer = false;
  #endCutRequests = false;
  /** Exchanges that the codec gave up, unanswered, for what the client sent last. */
  #brokenInCall = 0;

  constructor(runtime: HcmRuntime, connection: Connection, info: DownstreamConnectionInfo) {
    this.runtime = runtime;
    runtime.connections.add(connection);
    this.info = info;
    this.#connection = connection;
    const clock = runtime.services.clock;
    this.#openedMs = clock.nowMs();
    this.#lastActiveMs = this.#openedMs;
    this.#codec = new PendingCodec(runtime.codecs, info.tls?.applicationProtocol ?? '', this);
    this.#sweepTimer = new Timer(this);
    connection.delayedCloseMs = runtime.config.delayedCloseTimeoutMs;
    connection.onDelayedCloseTimeout = () => runtime.stats.cxDelayedCloseTimeout.inc();
    runtime.stats.opened(info.tls !== null);
    this.#planSweep(runtime.idleTimeoutMs);
    if (runtime.config.maxConnectionDurationMs > 0) {
      this.#durationTimer = this.#armed(runtime.config.maxConnectionDurationMs);
    }
  }

  /** Monotonic ms of this turn. */
  nowMs(): number {
    return this.runtime.services.clock.nowMs();
  }

  onResponseBegin(): boolean {
    const { listener } = this.runtime;
    // Drawn once for each response: the overload manager may end a share of the connections.
    const { endsConnections } = listener.overload;
    if ((endsConnections || listener.shouldDrainClose()) && !this.#isDrainCounted) {
      this.#isDrainCounted = true;
      this.runtime.stats.cxDrainClose.inc();
      if (endsConnections) this.runtime.stats.cxOverloadDisableKeepalive.inc();
      this.#startDrain(this.runtime.config.drainTimeoutMs);
    }
    return this.#state !== 'open';
  }

  onConnected(): void {
    // Accepted connections are connected from the start.
  }

  onBytes(buffer: Buffer, length: number): void {
    this.runtime.stats.cxRxBytesTotal.add(length);
    this.#brokenInCall = 0;
    this.#codec.onBytes(buffer, 0, length);
    if (INVARIANTS) this.checkInvariants();
  }

  onEnd(): void {
    this.#endedByPeer = !this.#closedByUs;
    this.#endCutRequests = this.#streams.length > 0;
    this.#codec.onEnd();
    if (INVARIANTS) this.checkInvariants();
  }

  onDrain(): void {
    this.#codec.onDrain();
    if (INVARIANTS) this.checkInvariants();
  }

  onClose(reason: CloseReason, detail: string): void {
    this.#countClose(reason);
    this.runtime.connections.delete(this.#connection);
    this.#enter('closing');
    this.#codec.onClose(detail);
    const timers = this.runtime.services.timers;
    timers.cancel(this.#sweepTimer);
    if (this.#drainTimer !== null) timers.cancel(this.#drainTimer);
    if (this.#durationTimer !== null) timers.cancel(this.#durationTimer);
    if (INVARIANTS) this.checkInvariants();
  }

  drain(lingerMs: number): void {
    if (this.#state === 'open') this.#startDrain(lingerMs);
    if (INVARIANTS) this.checkInvariants();
  }

  closeIfIdle(): void {
    if (this.#streams.length > 0 || this.#closedByUs) return;
    this.runtime.stats.cxOverloadDisableKeepalive.inc();
    this.#codec.drain();
    if (INVARIANTS) this.checkInvariants();
  }

  onCodecKind(kind: CodecKind): ServerCodec {
    kind.cxTotal.inc();
    kind.cxActive.inc();
    this.#kind = kind;
    this.#codec = kind.create(this.#connection, this, this.info.tls !== null);
    if (this.#state === 'draining') this.#codec.announceDrain();
    return this.#codec;
  }

  onSilentEnd(): void {
    if (!this.#closedByUs) this.#close('flush');
  }

  onStream(sender: ResponseSender): RequestReceiver {
    return this.#makeStream(sender, null);
  }

  succeed(before: Predecessor, sender: ResponseSender): RequestReceiver {
    return this.#makeStream(sender, before);
  }

  onTimeoutsScaled(): void {
    this.#planSweep(1);
  }

  /** A route gave the stream another idle timeout. */
  onIdleTimeoutChanged(stream: OwnedStream): void {
    const leftMs = stream.quietDeadlineMs() - this.nowMs();
    if (leftMs < Number.POSITIVE_INFINITY) this.#planSweep(Math.max(leftMs, 1));
  }

  /** The stream is over and logged. */
  onStreamOver(stream: OwnedStream): void {
    const streams = this.#streams;
    const last = streams.pop() as OwnedStream;
    if (last !== stream) {
      streams[stream.listIndex] = last;
      last.listIndex = stream.listIndex;
    }
    this.runtime.stats.rqActive.dec();
    this.#countTxBytes();
    if (this.runtime.config.headersWithUnderscores === 'drop') this.#countDroppedFields();
    this.#lastActiveMs = this.nowMs();
    const { lastResponseByteMs, flags } = stream.info;
    if (lastResponseByteMs < 0 && flags?.includes('DPE') === true) this.#brokenInCall += 1;
  }

  onStreamClosed(): void {
    // The exchange itself tells when it is over and logged: `onStreamOver`.
  }

  onConnectionDone(reason: CodecDone): void {
    if (this.#closedByUs) return;
    if (reason.kind === 'protocol-error') this.#countProtocolError(reason.error);
    // A tunnel that the client ended is whole.
    if (reason.kind === 'message-end') this.#endCutRequests = false;
    this.#close(CLOSE_MODES[reason.kind]);
  }

  onTimer(timer: Timer): void {
    if (timer === this.#sweepTimer) {
      this.#sweep();
    } else if (timer === this.#durationTimer) {
      this.runtime.stats.cxMaxDurationReached.inc();
      this.#endInTime();
    } else {
      // Behind the response that is under way, whose head may have promised more; else at once.
      this.#codec.drain();
    }
    if (INVARIANTS) this.checkInvariants();
  }

  /** Between events; inside one the codec may have ended a stream that is not logged yet. */
  checkInvariants(): void {
    const state = this.#state;
    const isCounted = this.#streams.length === this.#codec.activeStreams;
    invariant(isCounted, 'http connection: every stream of the codec has its exchange');
    const isListed = this.#streams.every((stream, index) => stream.listIndex === index);
    invariant(isListed, 'http connection: an exchange knows its place, which is one');
    const hasStreams = this.#streams.length > 0;
    invariant(!hasStreams || this.#kind !== null, 'http connection: only a codec makes streams');
    invariant(!this.#closedByUs || state === 'closing', 'http connection: who closes is closing');
    const isDue = this.#sweepDueMs < Number.POSITIVE_INFINITY;
    invariant(!this.#sweepTimer.armed || isDue, 'http connection: the sweep knows when it is due');
    const drains = this.#drainTimer?.armed === true;
    invariant(!drains || state !== 'open', 'http connection: drain_timeout runs while it drains');
  }

  #makeStream(sender: ResponseSender, before: Predecessor | null): RequestReceiver {
    const { stats, config } = this.runtime;
    const kind = this.#kind as CodecKind;
    stats.rqTotal.inc();
    kind.rqTotal.inc();
    stats.rqActive.inc();
    this.#requests += 1;
    if (config.maxRequestsPerConnection > 0 && this.#requests >= config.maxRequestsPerConnection) {
      stats.cxMaxRequestsReached.inc();
      this.#startDrain(config.drainTimeoutMs);
    }
    const stream = new ActiveStream(this, sender, before);
    stream.info.protocol = kind.protocol;
    stream.listIndex = this.#streams.length;
    this.#streams.push(stream);
    this.#planSweep(this.runtime.shortestQuietMs);
    return stream;
  }

  #enter(next: ConnectionState): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
  }

  /** Ends streams and the connection that were silent for too long. */
  #sweep(): void {
    this.#sweepDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.nowMs();
    for (const stream of this.#streams.slice()) {
      const leftMs = stream.quietDeadlineMs() - nowMs;
      if (leftMs <= 0) stream.onQuietDeadline();
      else if (leftMs < Number.POSITIVE_INFINITY) this.#planSweep(leftMs);
    }
    const idleMs = this.runtime.idleTimeoutMs;
    if (idleMs === 0 || this.#state !== 'open') return;
    if (this.#streams.length > 0) this.#planSweep(idleMs);
    else if (this.#lastActiveMs + idleMs > nowMs) {
      this.#planSweep(this.#lastActiveMs + idleMs - nowMs);
    } else {
      this.runtime.stats.cxIdleTimeout.inc();
      this.#endInTime();
    }
  }

  /** Gives a client that has spoken time for what is on its way; another has nothing to lose. */
  #endInTime(): void {
    if (this.#kind !== null) this.#startDrain(this.runtime.config.drainTimeoutMs);
    else if (!this.#closedByUs) this.#close('flush');
  }

  /** Makes sure that the sweep comes within `delayMs`; 0: this timeout is off. */
  #planSweep(delayMs: number): void {
    if (delayMs === 0) return;
    const nowMs = this.nowMs();
    if (nowMs + delayMs >= this.#sweepDueMs) return;
    this.#sweepDueMs = nowMs + delayMs;
    this.runtime.services.timers.arm(this.#sweepTimer, nowMs, delayMs);
  }

  #startDrain(lingerMs: number): void {
    if (this.#state !== 'open') return;
    this.#enter('draining');
    this.#drainTimer = this.#armed(lingerMs);
    this.#codec.announceDrain();
  }

  #armed(delayMs: number): Timer {
    const timer = new Timer(this);
    this.runtime.services.timers.arm(timer, this.nowMs(), delayMs);
    return timer;
  }

  #close(mode: CloseMode): void {
    this.#enter('closing');
    this.#closedByUs = true;
    this.#connection.close(mode);
  }

  #countProtocolError(error: ProtocolError): void {
    this.runtime.stats.cxProtocolError.inc();
    this.#kind?.countError(error);
    // The codec gave the streams up before it said so.
    this.#endCutRequests = this.#brokenInCall > 0;
  }

  #countDroppedFields(): void {
    const dropped = this.#codec.droppedHeadersWithUnderscores;
    this.#kind?.countDroppedFields(dropped - this.#droppedFieldsCounted);
    this.#droppedFieldsCounted = dropped;
  }

  #countTxBytes(): void {
    const written = this.#connection.bytesWritten;
    this.runtime.stats.cxTxBytesTotal.add(written - this.#txBytesCounted);
    this.#txBytesCounted = written;
  }

  #countClose(reason: CloseReason): void {
    const stats = this.runtime.stats;
    const isLocal = !this.#endedByPeer && (this.#closedByUs || reason === 'local-close');
    stats.gone(this.info.tls !== null);
    this.#kind?.cxActive.dec();
    stats.cxDestroy.inc();
    (isLocal ? stats.cxDestroyLocal : stats.cxDestroyRemote).inc();
    this.#countTxBytes();
    stats.cxLengthMs.record(this.nowMs() - this.#openedMs);
    if (this.#streams.length === 0 && !this.#endCutRequests) return;
    stats.cxDestroyActiveRq.inc();
    (isLocal ? stats.cxDestroyLocalActiveRq : stats.cxDestroyRemoteActiveRq).inc();
  }
}
