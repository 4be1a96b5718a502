// Routes that need no upstream, and clusters that cannot be used.
import { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { DirectResponseActionConfig } from '../../../model/route.ts';
import { redirectLocation } from '../../../routing/redirect.ts';
import type { OverrideHost } from '../../../upstream/cluster-manager.ts';
import type { HttpFilterCallbacks, LocalReply } from '../../http-filter.ts';
import type { RouterRuntime } from './router-runtime.ts';

/** Envoy's reply when a load balancer finds no usable host. */
export const NO_HEALTHY_UPSTREAM: LocalReply = Object.freeze({
  status: 503,
  body: 'no healthy upstream',
  details: 'no_healthy_upstream',
  flag: 'UH',
  headers: null,
});

/** The same for a request that belongs to `wanted`, a host that the cluster may not have. */
export function noHostReply(wanted: OverrideHost | null): LocalReply {
  if (wanted === null || !wanted.isStrict || !wanted.isMissing) return NO_HEALTHY_UPSTREAM;
  return { ...NO_HEALTHY_UPSTREAM, status: wanted.missingStatus };
}

/** Envoy's reply when the route's timeout is over before the response began. */
export const RESPONSE_TIMEOUT: LocalReply = Object.freeze({
  status: 504,
  body: 'upstream request timeout',
  details: 'response_timeout',
  flag: 'UT',
  headers: null,
});

/** The same when an attempt took too long, or was silent for too long, and none follows. */
export const TRY_TIMEOUTS: Readonly<Record<'try' | 'idle', LocalReply>> = Object.freeze({
  try: { ...RESPONSE_TIMEOUT, details: 'upstream_per_try_timeout' },
  idle: { ...RESPONSE_TIMEOUT, details: 'upstream_per_try_idle_timeout' },
});

/** Envoy's reply when more of a request comes than may be kept while no attempt is under way. */
export const RETAINED_TOO_MUCH: LocalReply = Object.freeze({
  status: 507,
  body: 'exceeded request buffer limit while retrying upstream',
  details: 'request_payload_exceeded_retry_buffer_limit',
  flag: null,
  headers: null,
});

/** Envoy's reply when the cluster's max_stream_duration is over before the response began. */
export const MAX_DURATION_REACHED: LocalReply = Object.freeze({
  status: 504,
  body: 'upstream max stream duration reached',
  details: 'upstream_max_stream_duration_reached',
  flag: 'UMSDR',
  headers: null,
});

/** The same while the client is still sending: then it is the one who is late. */
export const MAX_DURATION_IN_REQUEST: LocalReply = Object.freeze({
  ...MAX_DURATION_REACHED,
  status: 408,
});

/** The reply that the route itself gives; null: it forwards. */
export function answerWithoutUpstream(
  runtime: RouterRuntime,
  callbacks: HttpFilterCallbacks,
  head: RequestHead,
): LocalReply | null {
  const { route } = callbacks;
  const action = route?.config.action ?? null;
  if (route === null || action === null) {
    runtime.noRoute.inc();
    return { status: 404, body: '', details: 'route_not_found', flag: 'NR', headers: null };
  }
  if (action.kind === 'forward') return null;
  // As Envoy: no filter answered, and the router knows of no cluster.
  if (action.kind === 'non-forwarding') {
    runtime.noCluster.inc();
    return clusterNotFoundReply(503);
  }
  runtime.directResponse.inc();
  if (action.kind === 'direct-response') {
    return directResponse(action, route.watchedBody?.text ?? action.body, head);
  }
  const location = HeaderList.of('location', redirectLocation(route, head, callbacks));
  return {
    status: action.status,
    body: '',
    details: 'direct_response',
    flag: null,
    headers: location,
  };
}

/** The reply for a route to a cluster that does not exist. */
export function clusterNotFoundReply(status: number): LocalReply {
  return {
    status,
    body: '',
    details: 'cluster_not_found',
    flag: 'NC',
    headers: null,
  };
}

/** Envoy adds the request's own URL as `location` to 201 and 3xx. */
function directResponse(
  action: DirectResponseActionConfig,
  body: string,
  head: RequestHead,
): LocalReply {
  const { status, bodyFormat } = action;
  const hasLocation = status === 201 || (status >= 300 && status < 400);
  const url = `${head.scheme}://${head.authority}${head.path}`;
  return {
    status,
    body,
    ...(bodyFormat !== undefined && { bodyFormat }),
    details: 'direct_response',
    flag: null,
    headers: hasLocation ? HeaderList.of('location', url) : null,
  };
}
