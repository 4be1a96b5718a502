// What a session's account says about the end of its connections, in Envoy's words.
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';

/** idle_timeout */
export const IDLE_TIMEOUT = 'tcp_session_idle_timeout';
/** max_downstream_connection_duration */
export const MAX_DURATION = 'max_connection_duration_reached';

/** Envoy numbers the reasons for which there is no upstream; connecting failed is 0. */
const FAILURES: Readonly<Partial<Record<ResponseFlag, number>>> = { UH: 1, UO: 2, NC: 3 };

/** Why the client's connection was closed when there was no upstream for it. */
export function failureReason(flag: ResponseFlag): string {
  // Envoy's spelling.
  return `tcp_initializion_failure:${FAILURES[flag] ?? 0}`;
}

/** Both connections are closed for a reason of this side. */
export function noteOwnEnd(info: StreamInfo, reason: string): void {
  info.downstreamLocalCloseReason = reason;
  info.upstreamLocalCloseReason = reason;
}

/** The upstream reset its connection, and the client's is reset in turn. */
export function noteUpstreamReset(info: StreamInfo): void {
  info.addFlag('UR');
  info.upstreamCloseType = 'RemoteReset';
  info.downstreamCloseType = 'LocalReset';
}
