// How long a response may take, counted from the complete request: by the route, by what an internal
// client asked for, or by a gRPC client's deadline.
import { grpcTimeoutIn, grpcTimeoutText, hasGrpcType } from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID, headerMask } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { ForwardActionConfig, StreamDurationConfig } from '../../../model/route.ts';
import type { RouterConfig } from './router-config.ts';

const EXPECTED = HEADER_ID['x-envoy-expected-rq-timeout-ms'];
/** What an internal client tells the router; the next hop is not told. */
const FOR_THIS_ROUTER = headerMask(
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-max-retries',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-rq-timeout-ms',
);

/** The timeout in ms, 0 for none; takes out what only this router is told. */
export function takeTimeout(
  head: RequestHead,
  action: ForwardActionConfig,
  config: RouterConfig,
): number {
  const { headers } = head;
  if (config.respectExpectedRequestTimeout) {
    const expected = timeoutFrom(headers, EXPECTED);
    if (expected !== null) return expected;
  }
  const given = timeoutFrom(headers, HEADER_ID['x-envoy-upstream-rq-timeout-ms']);
  headers.removeAny(FOR_THIS_ROUTER);
  return given ?? routeTimeout(head, action);
}

/** Tells the upstream how long its answer is waited for. */
export function announceTimeout(
  head: RequestHead,
  timeoutMs: number,
  options: { readonly suppress: boolean; readonly action: ForwardActionConfig },
): void {
  const { headers } = head;
  announceExpected(head, options.suppress ? 0 : timeoutMs);
  const bounds = options.action.streamDuration?.bounds;
  if (timeoutMs > 0 && bounds === 'response' && hasGrpcType(headers)) {
    headers.setKnown(HEADER_ID['grpc-timeout'], grpcTimeoutText(timeoutMs));
  }
}

/** The field alone; 0: not a word of it. */
export function announceExpected({ headers }: RequestHead, timeoutMs: number): void {
  if (timeoutMs > 0) headers.setKnown(EXPECTED, String(timeoutMs));
  else headers.removeKnown(EXPECTED);
}

function routeTimeout(head: RequestHead, action: ForwardActionConfig): number {
  const { streamDuration, timeoutMs } = action;
  if (streamDuration === null) return timeoutMs;
  // Envoy RouteAction.max_stream_duration: the connection manager bounds the stream.
  if (streamDuration.bounds === 'stream') return 0;
  return hasGrpcType(head.headers) ? grpcTimeout(head.headers, streamDuration) : timeoutMs;
}

/** Envoy RouteAction.max_grpc_timeout and grpc_timeout_offset; 0 means «for ever» throughout. */
function grpcTimeout(headers: HeaderList, duration: StreamDurationConfig): number {
  const maxMs = duration.grpcTimeoutMaxMs ?? 0;
  const offsetMs = duration.grpcTimeoutOffsetMs;
  const askedMs = grpcTimeoutIn(headers) ?? 0;
  const timeoutMs = offsetMs < askedMs ? askedMs - offsetMs : askedMs;
  const isTooLong = timeoutMs === 0 || timeoutMs > maxMs;
  return maxMs !== 0 && isTooLong ? maxMs : timeoutMs;
}

/** A timeout field in whole ms; null when it is absent or not a number. */
function timeoutFrom(headers: HeaderList, id: number): number | null {
  const text = headers.mayHave(id) ? headers.get(id) : null;
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
