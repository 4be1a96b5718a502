// One connection of a pool, whatever its protocol: joins transport and codec, counts, and watches
// its timers. Content flows from the codec to the request's own receiver; this class is not between.
import type { SocketAddress } from '../../base/address.ts';
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { Timer, TimerTarget } from '../../base/timer-wheel.ts';
import type { ClientCodec, ClientCodecHandler, CodecDone } from '../../http/codec.ts';
import type { Protocol } from '../../http/message.ts';
import type { RequestSender, ResetReason } from '../../http/stream.ts';
import type { TlsInfo } from '../../http/tls-info.ts';
import type {
  CloseMode,
  CloseReason,
  Connection,
  ConnectionHandler,
} from '../../net/connection.ts';
import type { StreamWaiter, UpstreamConnectionInfo } from '../conn-pool.ts';
import type { ClusterResources } from '../upstream-context.ts';
import { type ConnectFailure, failureOf, GIVEN_UP, TIMED_OUT } from './connect-failure.ts';
import { ConnectionBooks, type ConnectionEnd, type ConnectionPlace } from './connection-books.ts';
import { CONNECTION_EDGES, type ConnectionState, MAX_STREAMS } from './connection-state.ts';
import { ConnectionTimers } from './connection-timers.ts';
import { connectToHost } from './happy-eyeballs.ts';
import { mostStreams, setupByAlpn } from './pool-setup.ts';
import { wantsOf } from './protocol-wants.ts';
import { UNDECIDED_CODEC } from './undecided-codec.ts';

/** The pool of a connection. */
export interface PooledConnectionOwner extends ConnectionPlace {
  /** It is connected; `onConnectionReady` follows. */
  onConnectionOpen(connection: PooledConnection): void;
  /** It can take a stream: it was connected, or one of its streams is over. */
  onConnectionReady(connection: PooledConnection): void;
  /** It was ready and is not any more, for another reason than that the pool used it. */
  onConnectionUnready(connection: PooledConnection): void;
  /** The peer said how many streams it takes at once. */
  onStreamLimit(limit: number): void;
  /** It is gone, counted, and its streams (if any) are about to hear of it. */
  onConnectionClosed(connection: PooledConnection, was: ConnectionState): void;
  /** Last call: everybody on it was told. `failure` is set when it was never connected. */
  onConnectionSettled(failure: ConnectFailure | null): void;
}

/** See the file's head. Made and driven by an HttpPool. */
export class PooledConnection
  implements ConnectionHandler, ClientCodecHandler, UpstreamConnectionInfo, TimerTarget
{
  /** Streams that are put on it as long as the peer has not said how many it takes. */
  expectedStreams: number;
  readonly #owner: PooledConnectionOwner;
  readonly #resources: ClusterResources;
  readonly #transport: Connection;
  /** `UNDECIDED_CODEC` while connecting, where ALPN chooses. */
  #codec: ClientCodec;
  readonly #books: ConnectionBooks;
  #state: ConnectionState = 'connecting';
  /** The codec is parsing: what it says about the connection is not its last word. */
  #isReceiving = false;
  #hasPeerEnded = false;
  #closeMode: CloseMode = 'now';
  readonly #timers: ConnectionTimers;

  /** Begins to connect. */
  constructor(owner: PooledConnectionOwner, expectedStreams: number) {
    this.expectedStreams = expectedStreams;
    this.#owner = owner;
    this.#resources = owner.resources;
    this.#books = new ConnectionBooks(owner);
    this.#timers = new ConnectionTimers(owner.resources, this);
    const { context } = owner.resources;
    const { host, resources, setup } = owner;
    const wants = wantsOf(setup.protocol, owner.claim ?? null);
    this.#transport = connectToHost({ host, wants, resources }, this);
    this.#codec =
      setup.protocol === 'auto'
        ? UNDECIDED_CODEC
        : context.codecs.create(setup, this.#transport, this);
    this.#timers.connecting(this.#books.startMs);
  }

  get id(): number {
    return this.#transport.id;
  }

  get tls(): TlsInfo | null {
    return this.#transport.tls;
  }

  get localAddress(): SocketAddress {
    return this.#transport.localAddress;
  }

  get remoteAddress(): SocketAddress {
    return this.#transport.remoteAddress;
  }

  get protocol(): Protocol | null {
    return this.#codec.protocol;
  }

  get isReused(): boolean {
    return this.#books.streamCount > 1;
  }

  get connectStartMs(): number {
    return this.#books.startMs;
  }

  get connectEndMs(): number {
    return this.#books.connectEndMs;
  }

  get isLimitKnown(): boolean {
    return this.#codec.peerStreamLimit >= 0;
  }

  get isGoingAway(): boolean {
    return this.#codec.isGoingAway;
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Streams on it that are not over. */
  get openStreams(): number {
    return this.#books.openStreams;
  }

  /**
   * Asks a ready one whether it can take a stream. False: its codec found out a moment ago that it
   * cannot, and is about to say so; it is not ready any more.
   */
  confirmReady(): boolean {
    if (this.freeStreams() > 0) return true;
    this.#enter('busy');
    return false;
  }

  /** Puts a request on it; only when ready. The pool tells the waiter: it may ask for more at once. */
  openStream(waiter: StreamWaiter): RequestSender {
    const { stats, config } = this.#resources;
    this.#books.streamBegan();
    const sender = this.#codec.openStream(waiter);
    if (this.#books.isTunnel) this.#transport.resumeReading();
    if (this.#books.streamCount === (config.http.maxRequestsPerConnection || MAX_STREAMS)) {
      stats.cxMaxRequests.inc();
      this.#enter('draining');
    } else if (this.freeStreams() <= 0) {
      this.#enter('busy');
    }
    if (INVARIANTS) this.checkInvariants();
    return sender;
  }

  /** Closes it behind its streams, or at once when it has none. */
  drain(): void {
    const was = this.#state;
    if (was === 'draining' || was === 'closed') return;
    if (this.openStreams === 0 && !this.#isReceiving) {
      this.#finish('local', null);
    } else {
      this.#enter('draining');
      if (was === 'ready') this.#owner.onConnectionUnready(this);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  /** Closes it now. */
  close(): void {
    this.#finish('local', GIVEN_UP);
    if (INVARIANTS) this.checkInvariants();
  }

  onConnected(): void {
    if (this.#state !== 'connecting') return;
    this.#books.connected(this.#resources.context.clock.nowMs());
    this.#timers.connected();
    this.#enter('ready');
    this.#owner.onConnectionOpen(this);
    if (this.#codec === UNDECIDED_CODEC) this.#decide();
    this.#owner.onConnectionReady(this);
    // What a server says first waits for whoever it is for.
    if (this.#books.isTunnel && this.state === 'ready') this.#transport.pauseReading();
    if (INVARIANTS) this.checkInvariants();
  }

  onBytes(buffer: Buffer, length: number): void {
    if (this.#state === 'closed') return;
    this.#books.received(length);
    this.#isReceiving = true;
    this.#codec.onBytes(buffer, 0, length);
    this.#isReceiving = false;
    // Only now is it sure that nothing came behind an HTTP/1.1 response: what does must never be
    // taken for the answer to the next request.
    this.#settle();
    if (INVARIANTS) this.checkInvariants();
  }

  onEnd(): void {
    if (this.#state === 'closed') return;
    this.#books.received(0);
    this.#hasPeerEnded = true;
    // Streams that end with it are not the last word on how a draining connection ends.
    this.#isReceiving = true;
    this.#codec.onEnd();
    this.#isReceiving = false;
    // A server that ended its side answers nothing more: whatever the codec made of it, no further
    // request may go out here. Of a tunnel the client's side may go on.
    const isHalfOpen = this.#codec.protocol !== 'HTTP/2' && this.#codec.activeStreams > 0;
    if (!isHalfOpen) this.#finish('remote', null);
    if (INVARIANTS) this.checkInvariants();
  }

  onDrain(): void {
    if (this.#state !== 'closed') this.#codec.onDrain();
  }

  onClose(reason: CloseReason, detail: string): void {
    const by = reason === 'local-close' ? 'local' : 'remote';
    if (by === 'remote') this.#hasPeerEnded = true;
    if (this.#state !== 'connecting') this.#finish(by, null, detail);
    else this.#finish(by, failureOf(reason, this.#owner.host.address, detail));
    if (INVARIANTS) this.checkInvariants();
  }

  onStreamClosed(reason: ResetReason | null): void {
    if (this.#state === 'closed') {
      // As Envoy, to which a reset in the midst of a message is broken HTTP like an end there.
      if (reason === 'protocol-error' && this.#hasPeerEnded) this.#books.protocolBroken();
      return;
    }
    this.#books.streamEnded(reason, this.#transport.bytesWritten);
    if (reason === 'remote-reset' && this.#books.isTunnel) this.#closeMode = 'reset';
    if (this.#state === 'busy') this.#enter('settling');
    if (!this.#isReceiving) this.#settle();
    if (INVARIANTS) this.checkInvariants();
  }

  onCapacityChanged(): void {
    const codec = this.#codec;
    if (this.#state === 'connecting' || this.#state === 'closed') return;
    if (codec.isGoingAway) {
      this.#books.closeNotified();
      this.drain();
      return;
    }
    if (codec.peerStreamLimit >= 0) this.#owner.onStreamLimit(codec.peerStreamLimit);
    if (this.#state === 'ready') {
      if (!this.confirmReady()) this.#owner.onConnectionUnready(this);
    } else if (this.#state === 'busy') {
      this.#enter('settling');
      if (!this.#isReceiving) this.#settle();
    }
    if (INVARIANTS) this.checkInvariants();
  }

  onConnectionDone(reason: CodecDone): void {
    if (this.#state === 'closed') return;
    this.#books.done(reason, this.#hasPeerEnded);
    // GOAWAY says why, if the protocol has it; the last octets of a tunnel may still wait to leave.
    const saysWhy = reason.kind === 'protocol-error' && this.#codec.protocol === 'HTTP/2';
    if (saysWhy || reason.kind === 'message-end') this.#closeMode = 'flush';
    // Sides of plain TCP end on their own: the last one ends the connection.
    const isByPeer = this.#books.isTunnel ? this.#isReceiving : this.#hasPeerEnded;
    this.#finish(isByPeer ? 'remote' : 'local', null);
    if (INVARIANTS) this.checkInvariants();
  }

  onTimer(timer: Timer): void {
    const { stats } = this.#resources;
    if (timer === this.#timers.idle) this.#onIdleTimer();
    else if (timer === this.#timers.duration) {
      stats.cxMaxDurationReached.inc();
      this.drain();
    } else {
      stats.cxConnectTimeout.inc();
      this.#finish('local', TIMED_OUT);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const state = this.#state;
    const isAlive = state !== 'connecting' && state !== 'closed';
    const { idle, duration, isConnecting } = this.#timers;
    const isTimed = idle.armed || duration.armed;
    invariant(isConnecting === (state === 'connecting'), 'pooled connection: a connect is timed');
    invariant(!isTimed || isAlive, 'pooled connection: timers run while it is connected');
    invariant(this.openStreams >= 0, 'pooled connection: a stream ends once');
    invariant(isAlive || this.openStreams === 0, 'pooled connection: streams need a connection');
    if (this.#isReceiving) return;
    const isOffered = this.freeStreams() > 0;
    invariant(state !== 'ready' || isOffered, 'pooled connection: a ready one can take a stream');
  }

  /** The handshake says what it speaks. */
  #decide(): void {
    const { setup } = this.#owner;
    if (setup.protocol !== 'auto') return;
    const chosen = setupByAlpn(setup, this.tls);
    this.expectedStreams = mostStreams(chosen);
    this.#books.speaks(chosen.protocol);
    this.#codec = this.#resources.context.codecs.create(chosen, this.#transport, this);
  }

  #enter(next: ConnectionState): void {
    if (INVARIANTS) CONNECTION_EDGES.check(this.#state, next);
    this.#state = next;
  }

  /** Streams that it could take besides those it has. */
  freeStreams(): number {
    const { availableStreams, peerStreamLimit } = this.#codec;
    if (peerStreamLimit >= 0) return availableStreams;
    return Math.min(availableStreams, this.expectedStreams - this.openStreams);
  }

  /** After a stream or a change of limits: back to the pool if it can take more, or the end. */
  #settle(): void {
    if (this.#state === 'draining') {
      if (this.openStreams === 0) this.#finish('local', null);
    } else if (this.#state === 'settling') {
      const isReady = this.freeStreams() > 0;
      this.#enter(isReady ? 'ready' : 'busy');
      if (isReady) this.#owner.onConnectionReady(this);
    }
  }

  #onIdleTimer(): void {
    const { openStreams, lastActiveMs } = this.#books;
    if (!this.#timers.isIdle(openStreams, lastActiveMs)) return;
    this.#resources.stats.cxIdleTimeout.inc();
    this.#finish('local', null);
  }

  /** The only way to the state `closed`. `failure` counts only while connecting. */
  #finish(by: ConnectionEnd['by'], failure: ConnectFailure | null, detail = ''): void {
    const was = this.#state;
    if (was === 'closed') return;
    this.#timers.cancel();
    this.#enter('closed');
    this.#books.closed({ by, wasConnecting: was === 'connecting' }, this.#transport.bytesWritten);
    this.#owner.onConnectionClosed(this, was);
    this.#transport.close(this.#closeMode);
    this.#codec.onClose(detail);
    this.#owner.onConnectionSettled(was === 'connecting' ? (failure ?? GIVEN_UP) : null);
  }
}
