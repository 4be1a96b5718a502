// One HTTP/1.1 connection of a pool: joins transport and codec, counts, and watches its timers.
// Content flows from the codec to the request's own receiver; this class is not in between.
import type { SocketAddress } from '../../base/address.ts';
import { Edges, INVARIANTS, invariant } from '../../base/invariants.ts';
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import type { ClientCodec, ClientCodecHandler, CodecDone } from '../../http/codec.ts';
import { H1_ERROR } from '../../http/h1/errors.ts';
import type { Protocol } from '../../http/message.ts';
import type { ProtocolError } from '../../http/protocol-error.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../net/connection.ts';
import type { StreamWaiter, UpstreamConnectionInfo } from '../conn-pool.ts';
import type { Host } from '../host.ts';
import type { ClusterResources } from '../upstream-context.ts';
import { type ConnectFailure, connectFailure, GIVEN_UP, TIMED_OUT } from './connect-failure.ts';
import { type ConnectionEnd, countClosed, countOpened } from './connection-counts.ts';

/** States and edges stand in LIFECYCLE.md. */
export type H1ConnectionState = 'connecting' | 'ready' | 'busy' | 'settling' | 'closed';

const EDGES = new Edges<H1ConnectionState>('h1 connection', {
  connecting: ['ready', 'closed'],
  ready: ['busy', 'closed'],
  busy: ['settling', 'closed'],
  settling: ['ready', 'closed'],
  closed: [],
});

/** The pool of a connection. */
export interface H1ConnectionOwner {
  readonly resources: ClusterResources;
  readonly host: Host;
  /** It is connected; `onConnectionReady` follows. */
  onConnectionOpen(): void;
  /** It can take a stream: it was connected, or its stream is complete. */
  onConnectionReady(connection: H1Connection): void;
  /** It is gone, counted, and its stream (if any) is about to hear of it. */
  onConnectionClosed(connection: H1Connection, was: H1ConnectionState): void;
  /** Last call: everybody on it was told. `failure` is set when it was never connected. */
  onConnectionSettled(failure: ConnectFailure | null): void;
}

/** See the file's head. Made and driven by an H1Pool. */
export class H1Connection
  implements ConnectionHandler, ClientCodecHandler, UpstreamConnectionInfo, TimerTarget
{
  readonly #owner: H1ConnectionOwner;
  readonly #resources: ClusterResources;
  readonly #host: Host;
  readonly #transport: Connection;
  readonly #codec: ClientCodec;
  #state: H1ConnectionState = 'connecting';
  /** Streams begun on it. */
  #streamCount = 0;
  /** It closes behind its current stream. */
  #isLastStream = false;
  /** The codec is parsing: what it says about the connection is not its last word. */
  #isReceiving = false;
  /** The last stream ended before its response was complete. */
  #wasCut = false;
  #hasPeerEnded = false;
  #txBytesCounted = 0;
  readonly connectStartMs: number;
  connectEndMs = -1;
  #lastActiveMs: number;
  readonly #connectTimer: Timer;
  readonly #idleTimer: Timer;
  readonly #durationTimer: Timer;

  /** Begins to connect. */
  constructor(owner: H1ConnectionOwner) {
    this.#owner = owner;
    this.#resources = owner.resources;
    this.#host = owner.host;
    const { config, context } = owner.resources;
    this.connectStartMs = context.clock.nowMs();
    this.#lastActiveMs = this.connectStartMs;
    this.#connectTimer = new Timer(this);
    this.#idleTimer = new Timer(this);
    this.#durationTimer = new Timer(this);
    const options = {
      bufferLimitBytes: config.perConnectionBufferLimitBytes,
      keepalive: config.tcpKeepalive,
      bindAddress: config.bindAddress,
    };
    this.#transport = context.connector.connect(owner.host.address, options, this);
    this.#codec = context.codecs.create(this.#transport, this, config.http);
    context.timers.arm(this.#connectTimer, this.connectStartMs, config.connectTimeoutMs);
    countOpened(owner.resources, owner.host);
  }

  get id(): number {
    return this.#transport.id;
  }

  get localAddress(): SocketAddress {
    return this.#transport.localAddress;
  }

  get protocol(): Protocol {
    return this.#codec.protocol;
  }

  get isReused(): boolean {
    return this.#streamCount > 1;
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  get state(): H1ConnectionState {
    return this.#state;
  }

  /** Puts a request on it; only when ready. */
  start(waiter: StreamWaiter): void {
    const { stats, breakers, config } = this.#resources;
    this.#enter('busy');
    this.#streamCount += 1;
    if (this.#streamCount === config.http.maxRequestsPerConnection) {
      stats.cxMaxRequests.inc();
      this.#isLastStream = true;
    }
    breakers.requests.acquire();
    stats.rqTotal.inc();
    stats.rqActive.inc();
    this.#host.stats.rqTotal += 1;
    this.#host.stats.rqActive += 1;
    waiter.onPoolReady(this.#codec.openStream(waiter), this);
    if (INVARIANTS) this.checkInvariants();
  }

  /** Closes it behind its stream, or at once when it has none. */
  drain(): void {
    if (this.#state === 'busy' || this.#state === 'settling') this.#isLastStream = true;
    else this.#finish('local', null);
    if (INVARIANTS) this.checkInvariants();
  }

  /** Closes it now. */
  close(): void {
    this.#finish('local', GIVEN_UP);
    if (INVARIANTS) this.checkInvariants();
  }

  onConnected(): void {
    if (this.#state !== 'connecting') return;
    const { context, config, stats } = this.#resources;
    const nowMs = context.clock.nowMs();
    context.timers.cancel(this.#connectTimer);
    stats.cxConnectMs.record(nowMs - this.connectStartMs);
    this.connectEndMs = nowMs;
    this.#lastActiveMs = nowMs;
    this.#arm(this.#idleTimer, config.http.idleTimeoutMs);
    this.#arm(this.#durationTimer, config.http.maxConnectionDurationMs);
    this.#enter('ready');
    this.#owner.onConnectionOpen();
    this.#owner.onConnectionReady(this);
    if (INVARIANTS) this.checkInvariants();
  }

  onBytes(buffer: Buffer, length: number): void {
    if (this.#state === 'closed') return;
    this.#resources.stats.cxRxBytesTotal.add(length);
    this.#isReceiving = true;
    this.#codec.onBytes(buffer, 0, length);
    this.#isReceiving = false;
    // Only now is it sure that nothing came behind the response: what does must never be taken for
    // the answer to the next request.
    if (this.#state === 'settling') this.#offer();
    if (INVARIANTS) this.checkInvariants();
  }

  onEnd(): void {
    if (this.#state === 'closed') return;
    this.#hasPeerEnded = true;
    this.#codec.onEnd();
    // A server that ended its side answers nothing more: whatever the codec made of it, no further
    // request may go out here.
    this.#finish('remote', null);
    if (INVARIANTS) this.checkInvariants();
  }

  onDrain(): void {
    if (this.#state !== 'closed') this.#codec.onDrain();
  }

  onClose(reason: CloseReason, detail: string): void {
    const by = reason === 'local-close' ? 'local' : 'remote';
    if (this.#state === 'connecting') this.#finish(by, connectFailure(this.#host.address, detail));
    else this.#finish(by, null, detail);
    if (INVARIANTS) this.checkInvariants();
  }

  onStreamClosed(): void {
    if (this.#state !== 'busy') return;
    this.#releaseStream();
    this.#enter('settling');
    if (!this.#isReceiving && this.#codec.availableStreams > 0) this.#offer();
    if (INVARIANTS) this.checkInvariants();
  }

  onCapacityChanged(): void {
    // HTTP/1.1 takes one stream at a time, always.
  }

  onConnectionDone(reason: CodecDone): void {
    if (this.#state === 'closed') return;
    const { stats } = this.#resources;
    if (this.#state === 'settling') this.#wasCut = isCut(reason);
    if (reason.kind === 'message-end' && !this.#hasPeerEnded) stats.cxCloseNotify.inc();
    if (reason.kind === 'protocol-error') {
      stats.cxProtocolError.inc();
      this.#logProtocolError(reason.error);
    }
    this.#finish(this.#hasPeerEnded ? 'remote' : 'local', null);
    if (INVARIANTS) this.checkInvariants();
  }

  onTimer(timer: Timer): void {
    if (timer === this.#connectTimer) this.#onConnectTimeout();
    else if (timer === this.#idleTimer) this.#onIdleTimer();
    else this.#onMaxDuration();
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const state = this.#state;
    const isAlive = state !== 'connecting' && state !== 'closed';
    const isTimed = this.#idleTimer.armed || this.#durationTimer.armed;
    const isConnecting = this.#connectTimer.armed;
    invariant(isConnecting === (state === 'connecting'), 'h1 connection: a connect is timed');
    invariant(!isTimed || isAlive, 'h1 connection: timers run while it is connected');
    const isUsed = this.#streamCount > 0 || state === 'connecting' || state === 'ready';
    invariant(isUsed || state === 'closed', 'h1 connection: a busy one has had a stream');
    const isOffered = this.#codec.availableStreams === 1 && !this.#isReceiving;
    invariant(state !== 'ready' || isOffered, 'h1 connection: a ready one can take a stream');
  }

  #enter(next: H1ConnectionState): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
  }

  /** After a stream: back to the pool, or the end. */
  #offer(): void {
    if (this.#isLastStream || this.#codec.availableStreams === 0) {
      this.#finish('local', null);
      return;
    }
    this.#enter('ready');
    this.#owner.onConnectionReady(this);
  }

  #logProtocolError(error: ProtocolError): void {
    const { context, config } = this.#resources;
    if (!context.log.enabled('debug')) return;
    context.log.log('debug', 'upstream broke HTTP/1.1', {
      cluster: config.name,
      host: this.#host.address.text,
      reason: error.reason,
    });
  }

  #onConnectTimeout(): void {
    this.#resources.stats.cxConnectTimeout.inc();
    this.#finish('local', TIMED_OUT);
  }

  /** Armed once and looked at when due: cheaper than arming it at the end of each request. */
  #onIdleTimer(): void {
    const { context, config, stats } = this.#resources;
    const timeoutMs = config.http.idleTimeoutMs;
    const idleMs = this.#state === 'busy' ? 0 : context.clock.nowMs() - this.#lastActiveMs;
    if (idleMs < timeoutMs) {
      this.#arm(this.#idleTimer, timeoutMs - idleMs);
      return;
    }
    stats.cxIdleTimeout.inc();
    this.#finish('local', null);
  }

  #onMaxDuration(): void {
    this.#resources.stats.cxMaxDurationReached.inc();
    this.drain();
  }

  #arm(timer: Timer, delayMs: number): void {
    const { timers, clock } = this.#resources.context;
    if (delayMs > 0) timers.arm(timer, clock.nowMs(), delayMs);
  }

  /** The only way to the state `closed`. `failure` counts only while connecting. */
  #finish(by: ConnectionEnd['by'], failure: ConnectFailure | null, detail = ''): void {
    const was = this.#state;
    if (was === 'closed') return;
    const { context, stats } = this.#resources;
    const { timers } = context;
    timers.cancel(this.#connectTimer);
    timers.cancel(this.#idleTimer);
    timers.cancel(this.#durationTimer);
    if (was === 'busy') this.#releaseStream();
    this.#enter('closed');
    countClosed(this.#resources, this.#host, {
      by,
      wasConnecting: was === 'connecting',
      cutsRequest: was === 'busy' || this.#wasCut,
      streamCount: this.#streamCount,
    });
    this.#countTxBytes();
    stats.cxLengthMs.record(context.clock.nowMs() - this.connectStartMs);
    this.#owner.onConnectionClosed(this, was);
    this.#transport.close('now');
    this.#codec.onClose(detail);
    this.#owner.onConnectionSettled(was === 'connecting' ? (failure ?? GIVEN_UP) : null);
  }

  #releaseStream(): void {
    const { context, stats, breakers } = this.#resources;
    breakers.requests.release();
    stats.rqActive.dec();
    this.#host.stats.rqActive -= 1;
    this.#lastActiveMs = context.clock.nowMs();
    this.#countTxBytes();
  }

  #countTxBytes(): void {
    const written = this.#transport.bytesWritten;
    this.#resources.stats.cxTxBytesTotal.add(written - this.#txBytesCounted);
    this.#txBytesCounted = written;
  }
}

/** True when a stream that is over was not answered completely. */
function isCut(reason: CodecDone): boolean {
  if (reason.kind === 'protocol-error') return reason.error !== H1_ERROR.surplus;
  return reason.kind !== 'message-end';
}
