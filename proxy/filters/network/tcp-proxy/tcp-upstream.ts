// The upstream side of a TCP session: one stream on a pool, plain TCP or a tunnel through an HTTP
// proxy alike. Tries hosts until one is connected or the attempts are used up.
import { Edges, INVARIANTS, invariant } from '../../../base/invariants.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { RequestSender, ResetReason } from '../../../http/stream.ts';
import type { Cluster, LoadBalancerContext } from '../../../upstream/cluster-manager.ts';
import type {
  ConnectionPool,
  StreamWaiter,
  UpstreamConnectionInfo,
} from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';
import type { TcpRuntime } from './tcp-runtime.ts';

/**
 * - `idle`: nothing was tried. `waiting`: queued in a pool. `asking`: the tunnel's request is sent.
 * - `open`: octets flow. `ended`: the upstream sends no more, the client may. `done`.
 */
export type TcpUpstreamState = 'idle' | 'waiting' | 'asking' | 'open' | 'ended' | 'done';

const EDGES = new Edges<TcpUpstreamState>('tcp upstream', {
  idle: ['waiting', 'done'],
  waiting: ['idle', 'asking', 'done'],
  asking: ['idle', 'open', 'ended', 'done'],
  open: ['ended', 'done'],
  ended: ['done'],
  done: [],
});

const NO_BYTES = Buffer.alloc(0);

/** The downstream side. */
export interface TcpUpstreamOwner extends LoadBalancerContext {
  readonly runtime: TcpRuntime;
  readonly clusterName: string;
  makeHead(): RequestHead;
  nowMs(): number;
  /** Octets may be sent from now on. */
  onUpstreamOpen(): void;
  /** There is no upstream, and there will be none; `flag` says why. */
  onUpstreamFailed(flag: ResponseFlag): void;
  /** False: the client is slow, stop until `resumeReading`. `data` is borrowed. */
  onUpstreamData(data: Buffer): boolean;
  /** It sends no more. */
  onUpstreamEnd(): void;
  /** It is lost; `wasReset`: the client did not get all of it. */
  onUpstreamLost(wasReset: boolean): void;
  /** It takes octets again. */
  onUpstreamWritable(): void;
}

/** See the file's head. One per session. */
export class TcpUpstream implements StreamWaiter {
  readonly #owner: TcpUpstreamOwner;
  #state: TcpUpstreamState = 'idle';
  #cluster: Cluster | null = null;
  /** The one that is tried or used. */
  #host: Host | null = null;
  #pool: ConnectionPool | null = null;
  #sender: RequestSender | null = null;
  #startMs = 0;
  #isReadingPaused = false;
  #hasSentEnd = false;

  constructor(owner: TcpUpstreamOwner) {
    this.#owner = owner;
  }

  get state(): TcpUpstreamState {
    return this.#state;
  }

  get cluster(): Cluster | null {
    return this.#cluster;
  }

  /** Tries the next host; everything else follows by events, some of them inside this call. */
  connect(): void {
    const { runtime, clusterName, info } = this.#owner;
    const cluster = runtime.services.clusters.get(clusterName);
    this.#cluster = cluster;
    if (cluster === null) {
      runtime.stats.cxNoRoute.inc();
      this.#fail('NC');
      return;
    }
    info.clusterName = clusterName;
    info.clusterObservabilityName = cluster.config.observabilityName;
    info.clusterMetadata = cluster.config.metadata;
    info.upstreamPoolReadyDurationMs = 0;
    if (!cluster.mayConnect()) {
      cluster.stats.cxOverflow.inc();
      this.#fail('UO');
      return;
    }
    if (info.attemptCount >= runtime.config.maxConnectAttempts) {
      cluster.stats.cxConnectAttemptsExceeded.inc();
      this.#fail('URX');
      return;
    }
    this.#attempt(cluster);
  }

  /** Octets for the upstream; only when it is open. False: it is slow. */
  send(data: Buffer): boolean {
    return this.#sender === null ? true : this.#sender.sendData(data, false);
  }

  /** The client sends no more. */
  sendEnd(): void {
    if (this.#hasSentEnd || (this.#state !== 'open' && this.#state !== 'ended')) return;
    this.#hasSentEnd = true;
    const sender = this.#sender;
    if (this.#state === 'ended') this.#finish();
    sender?.sendData(NO_BYTES, true);
    if (INVARIANTS) this.checkInvariants();
  }

  /** The client takes octets again. */
  resumeReading(): void {
    if (!this.#isReadingPaused) return;
    this.#isReadingPaused = false;
    this.#cluster?.stats.flowResumed.inc();
    this.#sender?.resumeReading();
  }

  /** Gives it up; the owner hears nothing more. `reason`: `remote-reset` when the client did so. */
  abort(reason: ResetReason): void {
    const was = this.#state;
    if (was === 'done') return;
    const sender = this.#sender;
    this.#finish();
    if (was === 'waiting') this.#pool?.cancel(this);
    else sender?.reset(reason);
    if (INVARIANTS) this.checkInvariants();
  }

  onPoolReady(sender: RequestSender, connection: UpstreamConnectionInfo): void {
    const { info, runtime } = this.#owner;
    this.#enter('asking');
    this.#sender = sender;
    info.upstreamMeter = sender;
    info.upstreamConnectionId = connection.id;
    this.#noteWait();
    // As Envoy, a tunnel's connection belongs to the HTTP proxy: its times are not the session's.
    if (runtime.config.tunneling === null) {
      info.upstreamConnectStartMs = connection.connectStartMs;
      info.upstreamConnectEndMs = connection.connectEndMs;
    }
    info.upstreamLocalAddress = connection.localAddress;
    info.upstreamTls = connection.tls;
    info.upstreamRemoteAddress = connection.remoteAddress;
    sender.sendRequestHead(this.#owner.makeHead(), false);
    if (INVARIANTS) this.checkInvariants();
  }

  onPoolFailure(reason: ResetReason, detail: string): void {
    this.#noteWait();
    if (reason === 'overflow') {
      this.#retry('UO', detail);
      return;
    }
    const isLate = reason === 'connection-timeout';
    this.#host?.monitor?.onLocalOrigin(isLate ? 'timed-out' : 'connect-failed');
    this.#retry('UF', detail);
  }

  onInformational(): void {
    // What a proxy says on the way to its answer is for nobody.
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    if (this.#state !== 'asking') return;
    const sender = this.#sender;
    if (head.status < 200 || head.status > 299) {
      this.#host?.monitor?.onLocalOrigin('connect-failed');
      this.#retry('UF', `tunnel response:${head.status}`, sender);
      return;
    }
    this.#enter('open');
    this.#host?.monitor?.onLocalOrigin('session-began');
    this.#owner.onUpstreamOpen();
    if (endStream) this.onData(NO_BYTES, true);
  }

  onData(data: Buffer, endStream: boolean): void {
    if (this.#state !== 'open') return;
    if (data.length > 0 && !this.#owner.onUpstreamData(data)) this.#pauseReading(endStream);
    if (endStream) this.#onEnd();
    if (INVARIANTS) this.checkInvariants();
  }

  onTrailers(): void {
    if (this.#state === 'open') this.#onEnd();
  }

  /** As in Envoy, only failed connects have a transport failure reason. */
  onReset(reason: ResetReason, detail: string): void {
    const was = this.#state;
    if (was === 'asking') {
      this.#host?.monitor?.onLocalOrigin('connect-failed');
      this.#retry('UF', '');
      return;
    }
    if (was === 'done') return;
    this.#finish();
    // Without a detail the connection was closed by us, with its cluster or the worker; behind the
    // upstream's end everything for the client is there.
    const wasReset = reason !== 'connection-termination' || detail !== '';
    this.#owner.onUpstreamLost(wasReset && was === 'open');
  }

  onWritable(): void {
    if (this.#state === 'open' || this.#state === 'ended') this.#owner.onUpstreamWritable();
  }

  checkInvariants(): void {
    const state = this.#state;
    const isOnConnection = state === 'asking' || state === 'open' || state === 'ended';
    invariant(isOnConnection === (this.#sender !== null), 'tcp upstream: octets need a stream');
    invariant(!this.#isReadingPaused || state === 'open', 'tcp upstream: only what flows is held');
  }

  #attempt(cluster: Cluster): void {
    const { info, runtime } = this.#owner;
    const host = cluster.pickHost(this.#owner);
    if (host === null) {
      cluster.stats.cxNoneHealthy.inc();
      this.#fail('UH');
      return;
    }
    this.#host = host;
    info.upstreamHost = host;
    info.upstreamRemoteAddress = null;
    info.upstreamTls = null;
    info.attemptCount += 1;
    this.#startMs = this.#owner.nowMs();
    const isPlain = runtime.config.tunneling === null;
    const pool = isPlain
      ? cluster.tunnelPool(host, this.#owner)
      : cluster.httpPool(host, 'HTTP/1.1', this.#owner);
    if (pool === null) {
      this.#fail('UH');
      return;
    }
    this.#pool = pool;
    this.#enter('waiting');
    pool.acquire(this);
  }

  #retry(flag: ResponseFlag, detail: string, refused: RequestSender | null = null): void {
    const { info } = this.#owner;
    info.addFlag(flag);
    info.upstreamTransportFailureReason = detail;
    info.upstreamLocalAddress = null;
    this.#sender = null;
    this.#enter('idle');
    refused?.reset('local-reset');
    this.connect();
  }

  #fail(flag: ResponseFlag): void {
    this.#finish();
    this.#owner.onUpstreamFailed(flag);
  }

  #onEnd(): void {
    this.#isReadingPaused = false;
    if (this.#hasSentEnd) this.#finish();
    else this.#enter('ended');
    this.#owner.onUpstreamEnd();
  }

  #pauseReading(isLast: boolean): void {
    if (this.#isReadingPaused || isLast || this.#sender === null) return;
    this.#isReadingPaused = true;
    this.#cluster?.stats.flowPaused.inc();
    this.#sender.pauseReading();
  }

  #noteWait(): void {
    const { info } = this.#owner;
    info.upstreamPoolReadyDurationMs = this.#owner.nowMs() - this.#startMs;
  }

  #finish(): void {
    this.#enter('done');
    this.#sender = null;
    this.#isReadingPaused = false;
  }

  #enter(next: TcpUpstreamState): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
  }
}
