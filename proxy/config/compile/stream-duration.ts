// How long a route lets streams last: max_stream_duration, or the older max_grpc_timeout.
import type { RouteAction } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { StreamDurationConfig } from '../../model/route.ts';
import { durationMs } from './field-values.ts';

/** null when the route sets neither; with both, max_stream_duration counts, as in Envoy. */
export function compileStreamDuration(
  message: RouteAction,
  context: CompileContext,
): StreamDurationConfig | null {
  const bounds = message.maxStreamDuration;
  if (bounds === undefined) return compileGrpcTimeout(message, context);
  const at = context.at('max_stream_duration');
  const longest = { path: 'max_stream_duration', value: bounds.maxStreamDuration };
  const grpcMax = { path: 'grpc_timeout_header_max', value: bounds.grpcTimeoutHeaderMax };
  const offset = { path: 'grpc_timeout_header_offset', value: bounds.grpcTimeoutHeaderOffset };
  return {
    bounds: 'stream',
    maxMs: durationMs(at, longest, null),
    grpcTimeoutMaxMs: durationMs(at, grpcMax, null),
    grpcTimeoutOffsetMs: durationMs(at, offset, 0),
  };
}

function compileGrpcTimeout(
  message: RouteAction,
  context: CompileContext,
): StreamDurationConfig | null {
  const longest = { path: 'max_grpc_timeout', value: message.maxGrpcTimeout };
  const grpcTimeoutMaxMs = durationMs(context, longest, null);
  if (grpcTimeoutMaxMs === null) return null;
  const offset = { path: 'grpc_timeout_offset', value: message.grpcTimeoutOffset };
  const grpcTimeoutOffsetMs = durationMs(context, offset, 0);
  return { bounds: 'response', maxMs: null, grpcTimeoutMaxMs, grpcTimeoutOffsetMs };
}
