// The connection manager's checks of a request, in Envoy's order, up to the choice of its route.

import { randomBelow } from '../../../base/random.ts';
import { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import { type RequestHead, ResponseHead } from '../../../http/message.ts';
import { reasonPhrase } from '../../../http/status.ts';
import type { ResponseSender } from '../../../http/stream.ts';
import { tunnelKind } from '../../../http/tunnel.ts';
import { stripAuthority } from '../../../routing/authority.ts';
import { normalizePath } from '../../../routing/path-normalizer.ts';
import type { LocalReply, RedirectHistory } from '../../http-filter.ts';
import { AdmittedTunnel } from './admitted-tunnel.ts';
import type { HcmRuntime } from './hcm-runtime.ts';
import { emptyReply } from './local-reply.ts';
import type { Refusal } from './refusal.ts';
import { type RoutedStream, routeRequest } from './stream-route.ts';
import { allowsTunnel, hasContent } from './upgrade-admission.ts';

const UINT32 = 2 ** 32;

/** A stream whose request is being judged. */
export interface CandidateStream extends RoutedStream {
  /** Not null: its request was conditioned, when it had another target. */
  readonly redirects: RedirectHistory | null;
  isGrpc(): boolean;
  /** The tunnel that the request asks for, once it is allowed; null for other requests. */
  tunnel: AdmittedTunnel | null;
}

/** Envoy's codec refuses such a Connection field: it reads like a protocol error. */
const CONNECTION_REJECTED = codecRefusal('http1.connection_header_rejected');
/** As Envoy's codec says of CONNECT. */
const UPGRADE_WITH_CONTENT = codecRefusal('http1.body_disallowed');

/** RFC 9110 §10.1.1: asks for the content ourselves, unless the upstream is to decide. */
export function continueIfAsked(
  runtime: HcmRuntime,
  head: RequestHead,
  sender: ResponseSender,
): void {
  if (!head.headers.mayHave(HEADER_ID.expect) || runtime.config.proxy100Continue) return;
  head.headers.removeKnown(HEADER_ID.expect);
  if (head.protocol === 'HTTP/1.0') return;
  runtime.stats.countResponse(100);
  sender.sendInformational(new ResponseHead(100, HeaderList.empty()));
}

/** Checks and prepares the head and finds the route; null: the filters may have it. */
export function admitRequest(stream: CandidateStream, head: RequestHead): Refusal | null {
  const refusal = checkOverload(stream) ?? checkTarget(stream, head) ?? checkPath(stream, head);
  if (refusal !== null) return refusal;
  const config = stream.runtime.config;
  if (config.stripTrailingHostDot || config.stripHostPort !== 'no') {
    head.authority = stripAuthority(
      head.authority,
      config,
      stream.info.downstream.localAddress.port,
    );
  }
  const isUnfit = hasContent(head);
  if (stream.redirects === null && !stream.runtime.requests.condition(head, stream.info)) {
    return refuseAsCodec(stream, CONNECTION_REJECTED);
  }
  stream.streamRandom = randomBelow(stream.runtime.services.random, UINT32);
  const misrouted = routeRequest(stream, head);
  if (!head.asksForTunnel) return misrouted;
  if (!allowsTunnel(config.upgrades, stream.route?.config ?? null, head)) {
    return misrouted ?? refuseTunnel(stream);
  }
  if (isUnfit) return refuseAsCodec(stream, UPGRADE_WITH_CONTENT);
  stream.tunnel = new AdmittedTunnel(stream.runtime.stats, tunnelKind(head));
  return misrouted;
}

/** null: there is no route either, which others tell. */
function refuseTunnel(stream: CandidateStream): Refusal | null {
  if (stream.route === null) return null;
  stream.runtime.stats.rqWsOnNonWsRoute.inc();
  return { reply: emptyReply(403, 'upgrade_failed'), closesConnection: true };
}

function checkOverload({ runtime }: CandidateStream): Refusal | null {
  if (!runtime.listener.overload.refusesRequests) return null;
  runtime.stats.rqOverloadClose.inc();
  const reply = { ...emptyReply(503, 'overload'), body: 'envoy overloaded' };
  return { reply, closesConnection: true };
}

function checkTarget(stream: CandidateStream, head: RequestHead): Refusal | null {
  if (head.authority === '') {
    return { reply: emptyReply(400, 'missing_host_header'), closesConnection: false };
  }
  if (head.method === 'CONNECT') return null;
  if (head.path === '') {
    return { reply: emptyReply(404, 'missing_path_rejected'), closesConnection: false };
  }
  if (head.path.startsWith('/')) return checkQuery(head);
  stream.runtime.stats.rqNonRelativePath.inc();
  return { reply: emptyReply(404, 'absolute_path_rejected'), closesConnection: false };
}

/** A QUERY says what kind of content asks; Envoy wants it even where there is none. */
function checkQuery({ method, headers }: RequestHead): Refusal | null {
  if (method !== 'QUERY' || headers.mayHave(HEADER_ID['content-type'])) return null;
  return { reply: emptyReply(400, 'query_missing_content_type'), closesConnection: false };
}

function checkPath(stream: CandidateStream, head: RequestHead): Refusal | null {
  // CONNECT has none.
  if (head.path === '') return null;
  if (!stream.runtime.needsPathWork && !head.path.includes('#')) return null;
  const normalized = normalizePath(head.path, stream.runtime.config);
  head.path = normalized.path;
  if (normalized.kind === 'ok') return null;
  const stats = stream.runtime.stats;
  if (normalized.kind === 'rejected' || stream.isGrpc()) {
    stats.rqFailedPathNormalization.inc();
    return { reply: emptyReply(400, 'path_normalization_failed'), closesConnection: false };
  }
  stats.rqRedirectedWithNormalizedPath.inc();
  head.path = normalized.path;
  const reply: LocalReply = {
    ...emptyReply(307, 'path_normalization_failed'),
    headers: HeaderList.of('location', normalized.path),
  };
  return { reply, closesConnection: false };
}

function refuseAsCodec(stream: CandidateStream, refusal: Refusal): Refusal {
  stream.runtime.stats.cxProtocolError.inc();
  return refusal;
}

function codecRefusal(details: string): Refusal {
  const reply: LocalReply = { ...emptyReply(400, details), body: reasonPhrase(400), flag: 'DPE' };
  return Object.freeze({ reply, closesConnection: true });
}
