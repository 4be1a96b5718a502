// What the router asks a cluster for: a stream to some host, now or when a connection is free.
import type { SocketAddress } from '../base/address.ts';
import type { Protocol } from '../http/message.ts';
import type { RequestSender, ResetReason, ResponseReceiver } from '../http/stream.ts';
import type { TlsInfo } from '../http/tls-info.ts';

/** The connection that a stream was put on. */
export interface UpstreamConnectionInfo {
  readonly id: number;
  readonly localAddress: SocketAddress;
  /** Of a host with several addresses the one that answered. */
  readonly remoteAddress: SocketAddress;
  /** null: clear text. */
  readonly tls: TlsInfo | null;
  /** null: plain TCP. */
  readonly protocol: Protocol | null;
  /**
   * The stream is not the connection's first. If it fails before the first byte of a response, the
   * upstream most likely closed the idle connection at the same moment: RFC 9110 §9.2.2 lets
   * idempotent requests be sent again.
   */
  readonly isReused: boolean;
  /**
   * The peer has said how many streams it takes. A stream that was put on before that may be
   * refused for no other reason than that it was one too many.
   */
  readonly isLimitKnown: boolean;
  /**
   * The peer takes no further streams here. Those that it refuses now it has not looked at, and they
   * may be sent on another connection (RFC 9113 §8.7).
   */
  readonly isGoingAway: boolean;
  /** When connecting began and was done, in monotonic ms. */
  readonly connectStartMs: number;
  readonly connectEndMs: number;
}

/** A request that waits for (then uses) an upstream stream. */
export interface StreamWaiter extends ResponseReceiver {
  /** The stream is there; may be called inside `acquire`. */
  onPoolReady(sender: RequestSender, connection: UpstreamConnectionInfo): void;
  /** There will be none. `detail` is Envoy's transport failure reason, '' if there is none. */
  onPoolFailure(reason: ResetReason, detail: string): void;
}

/** Connections of one worker to one host. */
export interface ConnectionPool {
  /** Puts `waiter` on a free connection at once, or queues it; overflow is told at once. */
  acquire(waiter: StreamWaiter): void;
  /** Takes a queued waiter out; harmless when it is not queued. */
  cancel(waiter: StreamWaiter): void;
}

/** A pool as its cluster sees it. */
export interface OwnedPool extends ConnectionPool {
  /** The host is gone: connections close as they fall idle, requests in flight and queued finish. */
  drain(): void;
  /**
   * The host's health failed, or its cluster changed: present connections end as they fall idle,
   * and further requests get new ones, which may fare better.
   */
  refresh(): void;
  /**
   * As Envoy, opens one more connection unless so many streams, for each that there is and for the
   * next one, could do with those there are. False: none was opened.
   */
  preconnect(ratio: number): boolean;
  /** Streams that could begin at once, or once what connects is connected. */
  spareStreams(): number;
  /** Closes every connection now; requests on them and in the queue fail. */
  close(): void;
  /** True while a request is on a connection or waits for one. */
  readonly hasRequests: boolean;
  /** Octets that wait to leave on all connections. */
  bufferedBytes(): number;
}

/** Hears about the end of a drained pool. */
export interface PoolOwner {
  /** It has neither connections nor requests any more, and did not drain; it may go on. */
  onPoolIdle(pool: OwnedPool): void;
  /** Once: the pool was drained and its last connection and request are gone. */
  onPoolDrained(pool: OwnedPool): void;
}
