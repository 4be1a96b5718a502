// What one connection and the streams on it change in their cluster's statistics, limits and host.
import type { CodecDone } from '../../http/codec.ts';
import type { ResetReason } from '../../http/stream.ts';
import type { DownstreamConnectionInfo } from '../../http/stream-info.ts';
import type { PriorityBreakers } from '../circuit-breakers.ts';
import type { Host } from '../host.ts';
import type { HostLimit } from '../host-limits.ts';
import type { RequestNames } from '../transport/request-names.ts';
import type { ClusterResources, PoolSetup } from '../upstream-context.ts';

/** Neither received nor sent, as Envoy counts. */
const UNCOUNTED_RESETS: ReadonlySet<ResetReason> = new Set([
  'remote-refused',
  'remote-connect-error',
]);

/** How a connection ended. */
export interface ConnectionEnd {
  readonly by: 'local' | 'remote';
  readonly wasConnecting: boolean;
}

/** What the books belong to. */
export interface ConnectionPlace {
  readonly resources: ClusterResources;
  readonly host: Host;
  readonly setup: PoolSetup;
  readonly breakers: PriorityBreakers;
  readonly hostLimit: HostLimit | null;
  /** null or absent: it is for anybody. */
  readonly claim?: ConnectionClaim | null;
}

/** Whose requests it serves. */
export interface ConnectionClaim {
  /** The only client; null: any. */
  readonly client: DownstreamConnectionInfo | null;
  /** Whom it is with; null: as the cluster says. */
  readonly names: RequestNames | null;
}

/**
 * Made when the connection begins to connect; its place was taken before, like that of each of its
 * streams. Here they are given back.
 */
export class ConnectionBooks {
  /** Streams begun on it, and those of them that are not over. */
  streamCount = 0;
  openStreams = 0;
  readonly startMs: number;
  /** When it was connected, or the last of its streams ended. */
  lastActiveMs: number;
  /** When it was connected; -1 before. */
  connectEndMs = -1;
  readonly #resources: ClusterResources;
  readonly #host: Host;
  readonly #breakers: PriorityBreakers;
  readonly #hostLimit: HostLimit | null;
  /** HTTP/1.1 has no resets, only connections that end. */
  #hasResets = false;
  /** Plain TCP for one stream. As Envoy: max_requests does not bound them. */
  readonly isTunnel: boolean;
  /** A stream went down with the connection, which is about to end. */
  #wasCut = false;
  #isCloseNotified = false;
  #txBytesCounted = 0;

  constructor({ resources, host, setup, breakers, hostLimit }: ConnectionPlace) {
    const { stats, context } = resources;
    this.startMs = context.clock.nowMs();
    this.lastActiveMs = this.startMs;
    this.#resources = resources;
    this.#host = host;
    this.#breakers = breakers;
    this.#hostLimit = hostLimit;
    this.isTunnel = setup.protocol === 'tunnel';
    stats.cxTotal.inc();
    stats.cxActive.inc();
    this.speaks(setup.protocol);
    host.checks?.onConnection();
    host.stats.cxTotal += 1;
    host.stats.cxActive += 1;
  }

  /** What it will speak; once, as soon as that is known. */
  speaks(protocol: PoolSetup['protocol']): void {
    const { stats } = this.#resources;
    this.#hasResets = protocol === 'http2';
    if (protocol === 'http1') stats.cxHttp1Total.inc();
    else if (protocol === 'http2') stats.cxHttp2Total.inc();
  }

  /** It is connected. */
  connected(nowMs: number): void {
    this.#resources.stats.cxConnectMs.record(nowMs - this.startMs);
    this.connectEndMs = nowMs;
    this.lastActiveMs = nowMs;
  }

  /** Octets arrived: streams that ended before have nothing to do with how it ends. */
  received(bytes: number): void {
    this.#wasCut = false;
    this.#resources.stats.cxRxBytesTotal.add(bytes);
  }

  /** A stream begins. */
  streamBegan(): void {
    const { stats } = this.#resources;
    this.streamCount += 1;
    this.openStreams += 1;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    this.#host.stats.rqTotal += 1;
    this.#host.stats.rqActive += 1;
  }

  /** A stream is over; `reason` is null when it is complete. */
  streamEnded(reason: ResetReason | null, bytesWritten: number): void {
    const { stats, context } = this.#resources;
    this.openStreams -= 1;
    if (!this.isTunnel) this.#breakers.requests.release();
    stats.rqActive.dec();
    this.#host.stats.rqActive -= 1;
    this.lastActiveMs = context.clock.nowMs();
    this.#countTxBytes(bytesWritten);
    if (reason !== null) this.#countReset(reason);
  }

  /** The peer said that it is about to close the connection; counted once. */
  closeNotified(): void {
    if (this.#isCloseNotified) return;
    this.#isCloseNotified = true;
    this.#resources.stats.cxCloseNotify.inc();
  }

  /** The peer broke HTTP. */
  protocolBroken(): void {
    this.#resources.stats.cxProtocolError.inc();
  }

  /** The codec ends it, of its own accord or because the peer did (`hasPeerEnded`). */
  done(reason: CodecDone, hasPeerEnded: boolean): void {
    if (reason.kind === 'reset' && !this.#hasResets) this.#wasCut = true;
    if (reason.kind === 'message-end' && !hasPeerEnded) this.closeNotified();
    if (reason.kind !== 'protocol-error') return;
    const { context, config } = this.#resources;
    this.protocolBroken();
    if (!context.log.enabled('debug')) return;
    context.log.log('debug', 'upstream broke HTTP', {
      cluster: config.name,
      host: this.#host.address.text,
      reason: reason.error.reason,
    });
  }

  /** It is gone, and what is still open on it with it. */
  closed(end: ConnectionEnd, bytesWritten: number): void {
    while (this.openStreams > 0) this.streamEnded('connection-termination', bytesWritten);
    this.#countTxBytes(bytesWritten);
    const { stats, context } = this.#resources;
    const isLocal = end.by === 'local';
    stats.cxActive.dec();
    this.#breakers.connections.release();
    this.#hostLimit?.release();
    this.#host.stats.cxActive -= 1;
    stats.cxDestroy.inc();
    (isLocal ? stats.cxDestroyLocal : stats.cxDestroyRemote).inc();
    // As Envoy: the stream of plain TCP lasts as long as its connection.
    if (this.#wasCut || (this.isTunnel && this.streamCount > 0)) {
      stats.cxDestroyWithActiveRq.inc();
      (isLocal ? stats.cxDestroyLocalWithActiveRq : stats.cxDestroyRemoteWithActiveRq).inc();
    }
    stats.cxLengthMs.record(context.clock.nowMs() - this.startMs);
    if (!end.wasConnecting) {
      stats.rqPerCx.record(this.streamCount);
      return;
    }
    stats.cxConnectFail.inc();
    this.#host.stats.cxConnectFail += 1;
  }

  #countReset(reason: ResetReason): void {
    // As Envoy: streams that break the protocol are reset by us, and then their connection is idle.
    const isLost = reason === 'connection-termination' || !this.#hasResets;
    if (isLost) this.#wasCut = true;
    if (!this.#hasResets) return;
    const { stats } = this.#resources;
    if (reason === 'remote-reset') stats.rqRxReset.inc();
    else if (reason === 'connection-termination') stats.rqPendingFailureEject.inc();
    else if (!UNCOUNTED_RESETS.has(reason)) stats.rqTxReset.inc();
  }

  #countTxBytes(written: number): void {
    this.#resources.stats.cxTxBytesTotal.add(written - this.#txBytesCounted);
    this.#txBytesCounted = written;
  }
}
