// One downstream connection of a TCP proxy: hands octets on in both directions, holds back whichever
// side is faster, watches the time, and writes the log.

import { INVARIANTS, invariant } from '../../../base/invariants.ts';
import { randomBelow } from '../../../base/random.ts';
import { Timer, type TimerTarget } from '../../../base/timer-wheel.ts';
import type { Hash64 } from '../../../base/xx-hash.ts';
import type { AccessLogType, FormatContext } from '../../../formatter/formatter.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { ByteMeter } from '../../../http/stream.ts';
import { type DownstreamConnectionInfo, StreamInfo } from '../../../http/stream-info.ts';
import type { SubsetMatch } from '../../../model/route.ts';
import type { CloseMode, CloseReason, Connection } from '../../../net/connection.ts';
import { hashConnection } from '../../../routing/hash-policy.ts';
import { withWishes } from '../../../upstream/transport/application-protocols.ts';
import type { RequestNames } from '../../../upstream/transport/request-names.ts';
import type { DownstreamConnection } from '../../network-filter.ts';
import {
  failureReason,
  IDLE_TIMEOUT,
  MAX_DURATION,
  noteOwnEnd,
  noteUpstreamReset,
} from './close-reasons.ts';
import { clusterOverride, idleTimeoutOverride } from './session-overrides.ts';
import type { TcpRuntime } from './tcp-runtime.ts';
import { TcpUpstream, type TcpUpstreamOwner } from './tcp-upstream.ts';

const RANDOM_BOUND = 2 ** 32;

/** See the file's head. */
export class TcpSession
  implements DownstreamConnection, TcpUpstreamOwner, FormatContext, ByteMeter, TimerTarget
{
  readonly runtime: TcpRuntime;
  readonly info: StreamInfo;
  readonly clusterName: string;
  readonly metadataMatch: SubsetMatch | null;
  readonly request = null;
  readonly response = null;
  readonly responseTrailers = null;
  readonly localReplyBody = '';
  readonly staysHalfOpen = true;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  readonly names: RequestNames | null;
  logType: AccessLogType = 'TcpConnectionEnd';
  readonly #connection: Connection;
  readonly #upstream: TcpUpstream;
  readonly #idleTimeoutMs: number;
  readonly #idleTimer: Timer;
  readonly #durationTimer: Timer;
  readonly #logTimer: Timer;
  #lastActiveMs: number;
  /** What came before there was an upstream; reading stops with the first of it. */
  #early: Buffer[] = [];
  #isPaused = false;
  #hasClientEnded = false;
  #isClosing = false;

  private constructor(runtime: TcpRuntime, connection: Connection, info: DownstreamConnectionInfo) {
    const { clock, random } = runtime.services;
    this.runtime = runtime;
    this.#connection = connection;
    this.info = new StreamInfo(info, clock.nowMs(), clock.wallMs());
    this.info.protocol = null;
    // As Envoy: from the start, whether it finds a host or not.
    this.info.upstreamCloseType = 'Normal';
    this.info.streamRandom = randomBelow(random, RANDOM_BOUND);
    this.info.downstreamMeter = this;
    this.info.dynamicMetadata = info.dynamicMetadata ?? null;
    const override = clusterOverride(info.filterState);
    const drawn = runtime.drawCluster();
    this.clusterName = override ?? drawn?.name ?? '';
    this.metadataMatch = drawn?.metadataMatch ?? null;
    this.names = withWishes(null, this.info);
    this.#idleTimeoutMs = idleTimeoutOverride(info.filterState) ?? runtime.config.idleTimeoutMs;
    this.#lastActiveMs = this.info.startMs;
    this.#upstream = new TcpUpstream(this);
    this.#idleTimer = new Timer(this);
    this.#durationTimer = new Timer(this);
    this.#logTimer = new Timer(this);
  }

  /** A session that is connecting already: a server may speak first. */
  static begin(
    runtime: TcpRuntime,
    connection: Connection,
    info: DownstreamConnectionInfo,
  ): TcpSession {
    const session = new TcpSession(runtime, connection, info);
    const { maxDownstreamConnectionDurationMs, accessLogFlushIntervalMs } = runtime.config;
    runtime.stats.cxTotal.inc();
    runtime.connections.add(connection);
    session.#arm(session.#durationTimer, maxDownstreamConnectionDurationMs);
    session.#arm(session.#logTimer, accessLogFlushIntervalMs);
    session.#upstream.connect();
    return session;
  }

  get wallMs(): number {
    return this.runtime.services.clock.wallMs();
  }

  get wireBytesSent(): number {
    return this.info.bytesSent;
  }

  get wireBytesReceived(): number {
    return this.info.bytesReceived;
  }

  nowMs(): number {
    return this.runtime.services.clock.nowMs();
  }

  makeHead(): RequestHead {
    return this.runtime.makeHead(this);
  }

  hash(): Hash64 | null {
    const { hashPolicy } = this.runtime.config;
    if (hashPolicy === null) return null;
    const hash: Hash64 = { high: 0, low: 0 };
    return hashConnection(hashPolicy, this.info, hash) ? hash : null;
  }

  // The client.

  onConnected(): void {
    // Accepted connections are connected from the start.
  }

  onBytes(buffer: Buffer, length: number): void {
    if (this.#isClosing) return;
    this.#lastActiveMs = this.nowMs();
    const { state } = this.#upstream;
    const data = length === buffer.length ? buffer : buffer.subarray(0, length);
    if (state === 'open' || state === 'ended') {
      if (!this.#send(data)) this.#pauseClient();
    } else if (state !== 'done') {
      this.#early.push(Buffer.from(data));
      this.#connection.pauseReading();
    }
    if (INVARIANTS) this.checkInvariants();
  }

  onEnd(): void {
    this.#hasClientEnded = true;
    this.#lastActiveMs = this.nowMs();
    this.#upstream.sendEnd();
    if (this.#upstream.state === 'done') this.#close('flush');
    if (INVARIANTS) this.checkInvariants();
  }

  onDrain(): void {
    this.#lastActiveMs = this.nowMs();
    this.#upstream.resumeReading();
  }

  onClose(reason: CloseReason): void {
    const { runtime } = this;
    const { timers } = runtime.services;
    this.#isClosing = true;
    runtime.connections.delete(this.#connection);
    for (const timer of [this.#idleTimer, this.#durationTimer, this.#logTimer]) {
      timers.cancel(timer);
    }
    this.#early = [];
    const wasReset = reason === 'peer-reset';
    if (wasReset) this.info.downstreamCloseType = 'RemoteReset';
    this.#upstream.abort(wasReset ? 'remote-reset' : 'local-reset');
    this.#log('TcpConnectionEnd');
    if (INVARIANTS) this.checkInvariants();
  }

  /** As Envoy: a session lasts until its ends end it, or the time for draining is over. */
  drain(): void {
    // Nothing can be said to either side.
  }

  accountOf(): StreamInfo {
    return this.info;
  }

  /** A session is in flight as long as it is open. */
  closeIfIdle(): void {
    // Never idle.
  }

  // The upstream.

  onUpstreamOpen(): void {
    const { config } = this.runtime;
    this.#lastActiveMs = this.nowMs();
    this.#arm(this.#idleTimer, this.#idleTimeoutMs);
    if (config.flushesLogOnConnected) this.#log('TcpUpstreamConnected');
    this.#sendEarly();
    if (this.#hasClientEnded) this.#upstream.sendEnd();
  }

  onUpstreamFailed(flag: ResponseFlag): void {
    this.info.addFlag(flag);
    this.info.downstreamLocalCloseReason = failureReason(flag);
    // Octets that nobody took end a connection with RST, as where a kernel still holds them.
    this.#close(this.#early.length > 0 ? 'reset' : 'now');
  }

  onUpstreamData(data: Buffer): boolean {
    this.info.bytesSent += data.length;
    this.runtime.stats.cxTxBytesTotal.add(data.length);
    this.#lastActiveMs = this.nowMs();
    this.#connection.writeBytes(data);
    return this.#connection.isWritable();
  }

  onUpstreamEnd(): void {
    this.#lastActiveMs = this.nowMs();
    // Of a POST nothing is wanted behind its response; each side of a tunnel ends on its own.
    const isOver = this.#upstream.state === 'done' || this.runtime.config.tunneling?.usesPost;
    if (isOver === true) this.#close('flush');
    else this.#connection.halfClose();
  }

  onUpstreamLost(wasReset: boolean): void {
    if (wasReset) noteUpstreamReset(this.info);
    this.#close(wasReset ? 'reset' : 'flush');
  }

  onUpstreamWritable(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.runtime.stats.flowResumed.inc();
    this.#upstream.cluster?.stats.flowDrained.inc();
    this.#connection.resumeReading();
  }

  onTimer(timer: Timer): void {
    if (timer === this.#idleTimer) {
      this.#onIdleTimer();
    } else if (timer === this.#logTimer) {
      this.#log('TcpPeriodic');
      this.#arm(timer, this.runtime.config.accessLogFlushIntervalMs);
    } else {
      this.runtime.stats.maxDuration.inc();
      this.info.addFlag('DT');
      noteOwnEnd(this.info, MAX_DURATION);
      this.#close('now');
    }
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const { state } = this.#upstream;
    const isConnecting = state === 'idle' || state === 'waiting' || state === 'asking';
    invariant(this.#early.length === 0 || isConnecting, 'tcp session: only early octets are kept');
    invariant(!this.#isPaused || !isConnecting, 'tcp session: only an upstream is slow');
    const isOpen = this.runtime.connections.has(this.#connection);
    const isTimed = this.#idleTimer.armed || this.#durationTimer.armed || this.#logTimer.armed;
    invariant(isOpen || !isTimed, 'tcp session: nothing is timed behind its end');
  }

  #sendEarly(): void {
    const early = this.#early;
    if (early.length === 0) return;
    this.#early = [];
    let isWritable = true;
    for (const data of early) isWritable = this.#send(data);
    if (isWritable) this.#connection.resumeReading();
    else this.#pauseClient();
  }

  /** As Envoy, octets count when they are on their way to an upstream. */
  #send(data: Buffer): boolean {
    this.info.bytesReceived += data.length;
    this.runtime.stats.cxRxBytesTotal.add(data.length);
    return this.#upstream.send(data);
  }

  #pauseClient(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.runtime.stats.flowPaused.inc();
    this.#upstream.cluster?.stats.flowBackedUp.inc();
    this.#connection.pauseReading();
  }

  /** Armed once and looked at when due: cheaper than arming it with each read. */
  #onIdleTimer(): void {
    const quietMs = this.nowMs() - this.#lastActiveMs;
    if (quietMs < this.#idleTimeoutMs) {
      this.#arm(this.#idleTimer, this.#idleTimeoutMs - quietMs);
      return;
    }
    this.runtime.stats.idleTimeout.inc();
    noteOwnEnd(this.info, IDLE_TIMEOUT);
    this.#close('now');
  }

  #arm(timer: Timer, delayMs: number): void {
    if (delayMs > 0) this.runtime.services.timers.arm(timer, this.nowMs(), delayMs);
  }

  #log(type: AccessLogType): void {
    this.logType = type;
    this.info.endMs = this.nowMs();
    this.runtime.log(this);
  }

  #close(mode: CloseMode): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#early = [];
    this.#upstream.abort('local-reset');
    this.#connection.close(mode);
  }
}
