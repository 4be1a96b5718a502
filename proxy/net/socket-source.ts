// Listening sockets that outlive the process that accepts on them.
import type { SocketAddress } from '../base/address.ts';

/** A bound socket of somebody else's; what node's `server.listen(handle)` takes. */
export type ListenHandle = object;

/**
 * Gives bound sockets that stay open when this process dies. Null from `take`: bind it yourself.
 * `owner` tells apart those that ask for port 0.
 */
export interface SocketSource {
  take(
    owner: string,
    address: SocketAddress,
  ): Promise<{ readonly handle: ListenHandle | null } | { readonly error: string }>;
}
