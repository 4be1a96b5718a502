// Why a connection never came to be, in the words of Envoy's transport failure reason.
import type { SocketAddress } from '../../base/address.ts';
import type { ResetReason } from '../../http/stream.ts';
import type { CloseReason } from '../../net/connection.ts';

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

/**
 * It was closed for `reason`; `detail` is the system's text ('' if it gave none), or what its transport
 * says, which is told as it is.
 */
export function failureOf(
  reason: CloseReason,
  address: SocketAddress,
  detail: string,
): ConnectFailure {
  if (detail === '') return GIVEN_UP;
  if (reason === 'transport-failed') return { reason: 'connection-failure', detail };
  const text = failsAtOnce(address, detail)
    ? `immediate connect error: ${detail}|remote address:${address.text}`
    : `delayed connect error: ${detail}`;
  return { reason: 'connection-failure', detail: text };
}

/** True where connect(2) itself fails, or would for a pipe or an internal listener, before anything is sent. */
function failsAtOnce(address: SocketAddress, errorText: string): boolean {
  return address.port < 0 || errorText === 'Network is unreachable';
}
