// What the router asks a cluster for: a stream to some host, now or when a connection is free.
import type { SocketAddress } from '../base/address.ts';
import type { Protocol } from '../http/message.ts';
import type { RequestSender, ResetReason, ResponseReceiver } from '../http/stream.ts';

/** The connection that a stream was put on. */
export interface UpstreamConnectionInfo {
  readonly id: number;
  readonly localAddress: SocketAddress;
  readonly protocol: Protocol;
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
