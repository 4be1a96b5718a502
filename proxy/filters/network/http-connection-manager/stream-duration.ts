// How long a whole stream may take by its route (RouteAction.max_stream_duration), and what a gRPC
// upstream is told of it.
import { grpcTimeoutIn, grpcTimeoutText, hasGrpcType } from '../../../http/grpc.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { StreamDurationConfig } from '../../../model/route.ts';

const GRPC_TIMEOUT = HEADER_ID['grpc-timeout'];

/**
 * The limit in ms from the stream's start, 0 for «over at once»; null: none. A gRPC request's
 * deadline is replaced by one. `defaultMs` is the connection manager's limit, 0 for none.
 */
export function boundStream(
  head: RequestHead,
  duration: StreamDurationConfig,
  defaultMs: number,
): number | null {
  const { headers } = head;
  const askedMs = duration.grpcTimeoutMaxMs === null ? null : grpcTimeoutIn(headers);
  const limitMs =
    askedMs === null ? unlessZero(duration.maxMs ?? defaultMs) : withinLimits(askedMs, duration);
  if (limitMs !== null && hasGrpcType(headers)) {
    headers.setKnown(GRPC_TIMEOUT, grpcTimeoutText(limitMs));
  }
  return limitMs;
}

function withinLimits(askedMs: number, duration: StreamDurationConfig): number {
  const maxMs = duration.grpcTimeoutMaxMs ?? 0;
  const cappedMs = maxMs === 0 ? askedMs : Math.min(askedMs, maxMs);
  return Math.max(cappedMs - duration.grpcTimeoutOffsetMs, 0);
}

function unlessZero(ms: number): number | null {
  return ms === 0 ? null : ms;
}
