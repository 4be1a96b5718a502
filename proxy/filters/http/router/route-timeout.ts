// How long a response and each attempt at it may take, counted from the complete request: by the
// route, by what an internal client asked for, or by a gRPC client's deadline.
import { grpcTimeoutIn, grpcTimeoutText, hasGrpcType } from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID, headerMask } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { HedgePolicyConfig, RetryPolicyConfig } from '../../../model/retry-policy.ts';
import type { ForwardActionConfig, StreamDurationConfig } from '../../../model/route.ts';
import type { RouterConfig } from './router-config.ts';

/** A retry as its upstream is told of it. */
export interface RetryAnnouncement {
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** Since the end of the request, in ms. */
  readonly elapsedMs: number;
  /** The attempt before took too long. */
  readonly isForTimeout: boolean;
}

const EXPECTED = HEADER_ID['x-envoy-expected-rq-timeout-ms'];
const TIMEOUT = HEADER_ID['x-envoy-upstream-rq-timeout-ms'];
const PER_TRY = HEADER_ID['x-envoy-upstream-rq-per-try-timeout-ms'];
const HEDGE = HEADER_ID['x-envoy-hedge-on-per-try-timeout'];
const ALTERNATIVE = HEADER_ID['x-envoy-upstream-rq-timeout-alt-response'];
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

/** What is said about the time of one request; 0: no limit. */
export interface RequestTimeouts {
  /** To the complete response, all attempts included. */
  readonly globalMs: number;
  /** To the response of each attempt. */
  readonly perTryMs: number;
  /** Between any two parts of the response of each attempt. */
  readonly perTryIdleMs: number;
  /** An attempt that takes too long gets company. */
  readonly hedges: boolean;
  /** The client wants an empty 204 instead of a 504. */
  readonly hasAlternative: boolean;
}

/** Where the times are configured. */
export interface TimeoutSources {
  readonly action: ForwardActionConfig;
  readonly config: RouterConfig;
  readonly retry: RetryPolicyConfig | null;
  readonly hedge: HedgePolicyConfig | null;
}

/** Reads the fields of `head`, and leaves them. */
export function readTimeouts(head: RequestHead, sources: TimeoutSources): RequestTimeouts {
  const { headers } = head;
  const { action, retry } = sources;
  const globalMs = askedTimeout(headers, sources.config) ?? routeTimeout(head, action);
  const perTryMs = timeoutFrom(headers, PER_TRY) ?? retry?.perTryTimeoutMs ?? 0;
  return {
    globalMs,
    perTryMs: globalMs !== 0 && perTryMs >= globalMs ? 0 : perTryMs,
    perTryIdleMs: retry?.perTryIdleTimeoutMs ?? 0,
    hedges: flagFrom(headers, HEDGE) ?? sources.hedge?.onPerTryTimeout === true,
    hasAlternative: headers.mayHave(ALTERNATIVE),
  };
}

/** Takes out what only this router is told. */
export function takeOrders(
  { headers }: RequestHead,
  { respectExpectedRequestTimeout }: RouterConfig,
): void {
  if (!headers.mayHaveAny(FOR_THIS_ROUTER)) return;
  // As Envoy: whoever set the expected one has already dealt with this.
  const kept =
    respectExpectedRequestTimeout && timeoutFrom(headers, EXPECTED) !== null
      ? headers.get(TIMEOUT)
      : null;
  headers.removeAny(FOR_THIS_ROUTER);
  if (kept !== null) headers.addKnown(TIMEOUT, kept);
}

/** A request whose upstream is told how long its answer is waited for. */
export interface AnnouncedRequest {
  readonly head: RequestHead;
  readonly timeouts: RequestTimeouts;
  readonly action: ForwardActionConfig;
  /** Router suppress_envoy_headers */
  readonly suppresses: boolean;
}

/** Tells it; `elapsedMs`: since the end of the request. */
export function announceTimeout(request: AnnouncedRequest, elapsedMs: number): void {
  const { head, action } = request;
  const { globalMs, perTryMs, hedges } = request.timeouts;
  let expectedMs = hedges || perTryMs === 0 ? globalMs : perTryMs;
  // None is left: but 0 would be no limit at all.
  if (globalMs > 0) expectedMs = Math.max(Math.min(expectedMs, globalMs - elapsedMs), 1);
  announceExpected(head, request.suppresses ? 0 : Math.floor(expectedMs));
  if (action.streamDuration?.bounds !== 'response' || expectedMs <= 0) return;
  if (!hasGrpcType(head.headers)) return;
  head.headers.setKnown(HEADER_ID['grpc-timeout'], grpcTimeoutText(expectedMs));
}

/** The field alone; 0: not a word of it. */
export function announceExpected({ headers }: RequestHead, timeoutMs: number): void {
  if (timeoutMs > 0) headers.setKnown(EXPECTED, String(timeoutMs));
  else headers.removeKnown(EXPECTED);
}

/** What an internal client asks for; null: nothing. */
function askedTimeout(headers: HeaderList, config: RouterConfig): number | null {
  const expected = config.respectExpectedRequestTimeout ? timeoutFrom(headers, EXPECTED) : null;
  return expected ?? timeoutFrom(headers, TIMEOUT);
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

function flagFrom(headers: HeaderList, id: number): boolean | null {
  const text = headers.mayHave(id) ? headers.get(id) : null;
  return text === 'true' || text === 'false' ? text === 'true' : null;
}
