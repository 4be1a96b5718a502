// What a SocketConnection is made with, and its states.
import type { SocketAddress } from '../base/address.ts';
import { Edges } from '../base/invariants.ts';
import type { Preparation } from './transport.ts';

/** The two ends of a socket. */
export interface SocketEnds {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

/** Drawn in LIFECYCLE.md. */
export type SocketState = 'connecting' | 'preparing' | 'open' | 'closing' | 'closed';

/** Its legal edges. */
export const SOCKET_EDGES = new Edges<SocketState>('connection', {
  connecting: ['preparing', 'open', 'closing', 'closed'],
  preparing: ['open', 'closing', 'closed'],
  open: ['preparing', 'closing', 'closed'],
  closing: ['closed'],
  closed: [],
});

/** What a connection is made with. */
export interface ConnectionOptions {
  /** Output beyond this stops the writer; from per_connection_buffer_limit_bytes. */
  readonly bufferLimitBytes: number;
  readonly connecting: boolean;
  /** Of one that connects; absent: its owner has it at once. */
  readonly preparation?: Preparation | null;
}
