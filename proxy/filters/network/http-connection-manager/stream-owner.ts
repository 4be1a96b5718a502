// What a stream and its connection know of each other.
import type { RequestReceiver, ResponseSender } from '../../../http/stream.ts';
import { type DownstreamConnectionInfo, StreamInfo } from '../../../http/stream-info.ts';
import type { RedirectHistory, RestartedRequest } from '../../http-filter.ts';
import type { HcmRuntime } from './hcm-runtime.ts';

/** A stream as its connection watches it. */
export interface OwnedStream {
  /** What is known of it so far. */
  readonly info: StreamInfo;
  /** Its place in its connection's list, which keeps it there. */
  listIndex: number;
  /** When it must end if nothing moves, in monotonic ms; Infinity: never. */
  quietDeadlineMs(): number;
  /** That time has come. */
  onQuietDeadline(): void;
}

/** What an exchange that begins anew has of the one before. */
export interface Predecessor {
  readonly info: StreamInfo;
  readonly redirects: RedirectHistory | null;
}

/** The connection of a stream. */
export interface StreamOwner {
  readonly runtime: HcmRuntime;
  readonly info: DownstreamConnectionInfo;
  /** A response begins. True: the connection is to end with what it has now. */
  onResponseBegin(): boolean;
  nowMs(): number;
  onIdleTimeoutChanged(stream: OwnedStream): void;
  /** Another exchange takes the place of one that is over, for the same client's request. */
  succeed(before: Predecessor, sender: ResponseSender): RequestReceiver;
  onStreamOver(stream: OwnedStream): void;
}

/** Tells a request that is at hand as if it came from a client. */
export function replayRequest(request: RestartedRequest, to: RequestReceiver): void {
  const { head, chunks, trailers } = request;
  const last = chunks.length - 1;
  to.onRequestHead(head, last < 0 && trailers === null);
  chunks.forEach((chunk, index) => {
    to.onData(chunk, trailers === null && index === last);
  });
  if (trailers !== null) to.onTrailers(trailers);
}

/** What is known of an exchange when it begins; one that takes another's place began with it. */
export function infoOf(connection: StreamOwner, before: Predecessor | null): StreamInfo {
  if (before === null) {
    const wallMs = connection.runtime.services.clock.wallMs();
    return new StreamInfo(connection.info, connection.nowMs(), wallMs);
  }
  const { startMs, startWallMs, filterState } = before.info;
  const info = new StreamInfo(connection.info, startMs, startWallMs);
  info.filterState = filterState;
  return info;
}
