// Why a connection never came to be, in the words of Envoy's transport failure reason.
import type { SocketAddress } from '../../base/address.ts';
import type { ResetReason } from '../../http/stream.ts';

/** What the requests hear that waited for the connection. */
export interface ConnectFailure {
  readonly reason: ResetReason;
  /** Transport failure reason, '' if there is none. */
  readonly detail: string;
}

/** A connection that we gave up ourselves. */
export const GIVEN_UP: ConnectFailure = { reason: 'connection-failure', detail: '' };

/** connect_timeout ran out. */
export const TIMED_OUT: ConnectFailure = { reason: 'connection-timeout', detail: '' };

/** The system refused; `errorText` is its text, '' if it gave none. */
export function connectFailure(address: SocketAddress, errorText: string): ConnectFailure {
  if (errorText === '') return GIVEN_UP;
  const detail = failsAtOnce(address, errorText)
    ? `immediate connect error: ${errorText}|remote address:${address.text}`
    : `delayed connect error: ${errorText}`;
  return { reason: 'connection-failure', detail };
}

/** The handshake failed, or the peer was refused; `reason` is said as it is. */
export function transportFailure(reason: string): ConnectFailure {
  return { reason: 'connection-failure', detail: reason };
}

/** True where connect(2) itself fails, or would for a pipe or an internal listener, before anything is sent. */
function failsAtOnce(address: SocketAddress, errorText: string): boolean {
  return address.port < 0 || errorText === 'Network is unreachable';
}
