// One attempt at a host as whoever made it sees it, and what it tells him.
import { Edges } from '../../../base/invariants.ts';
import type { TimerWheel } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { ResponseHead } from '../../../http/message.ts';
import type { RequestSender, ResetReason } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { UpstreamConnectionInfo } from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';
import type { Verdict } from './host-verdict.ts';

/**
 * - `waiting`: queued in a pool. `sending`: on a connection, no response head yet.
 * - `responding`: the response began. `answered`: it is complete, and the client's side of a tunnel
 *   is not. `done`: complete, failed or given up.
 *
 * From `sending` it waits again when the upstream surely did nothing with it: see `#replay`.
 */
export type UpstreamRequestState = 'waiting' | 'sending' | 'responding' | 'answered' | 'done';

/** Legal changes of it. */
export const ATTEMPT_EDGES = new Edges<UpstreamRequestState>('upstream request', {
  waiting: ['sending', 'done'],
  sending: ['waiting', 'responding', 'answered', 'done'],
  responding: ['answered', 'done'],
  answered: ['done'],
  done: [],
});

/** See the file's head. */
export interface Attempt {
  readonly host: Host;
  /** 0: it has no connection. */
  readonly connectionId: number;
  /** It got a connection. */
  readonly hasBegun: boolean;
  /** Its response began. */
  readonly hasStarted: boolean;
  /** The upstream agreed to the tunnel that the client asked for. */
  readonly isTunnel: boolean;
  /** Another attempt is under way for its sake. */
  isRetried: boolean;
  /** Whether its host is known to have answered well. */
  verdict: Verdict;
  /** See JudgedAttempt. */
  hasReported: boolean;
  /** It answers although another one was sent after it. */
  noteAnswer(): void;
  /** A timeout is over, whatever follows from it: its host hears so, once. */
  noteTimeout(): void;
  /** Gives it up; the owner hears nothing more of it. Harmless when it is done. */
  abort(): void;
}

/** The router of a stream. */
export interface UpstreamRequestOwner {
  readonly info: StreamInfo;
  readonly timers: TimerWheel;
  nowMs(): number;
  /** It has a connection: the request is about to be sent. */
  onUpstreamReady(attempt: Attempt): void;
  onUpstreamInformational(head: ResponseHead): void;
  onUpstreamHead(attempt: Attempt, head: ResponseHead, endStream: boolean): void;
  /** False: the client is slow; the upstream is held back until `resumeReading`. */
  onUpstreamData(data: Buffer, endStream: boolean): boolean;
  onUpstreamTrailers(trailers: HeaderList): void;
  /** It failed. `detail`: why the connect did. `started`: its response head had come. */
  /** `attempt.hasStarted`: inside its response. */
  onUpstreamReset(attempt: Attempt, reason: ResetReason, detail: string): void;
  /** It lasted longer than its cluster lets it, and was given up. */
  onUpstreamMaxDuration(attempt: Attempt): void;
  /** per_try_timeout or per_try_idle_timeout is over; it goes on unless it is given up. */
  onUpstreamTryTimeout(attempt: Attempt, limit: 'try' | 'idle'): void;
  /** The upstream is slow, or takes data again. */
  onUpstreamSlow(): void;
  onUpstreamWritable(): void;
}

/** Where the attempt is that answers, or was the last to be sent. */
export function noteConnection(
  info: StreamInfo,
  connection: UpstreamConnectionInfo,
  sender: RequestSender,
): void {
  info.upstreamMeter = sender;
  info.upstreamConnectStartMs = connection.connectStartMs;
  info.upstreamConnectEndMs = connection.connectEndMs;
  info.upstreamConnectionId = connection.id;
  info.upstreamLocalAddress = connection.localAddress;
  info.upstreamTls = connection.tls;
  info.upstreamRemoteAddress = connection.remoteAddress;
  info.upstreamProtocol = connection.protocol;
}
