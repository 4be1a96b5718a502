// Following an upstream's redirect for the client (Envoy RouteAction.internal_redirect_policy): the
// request that comes next, or why the client has to follow it itself.

import { type AbsoluteUrl, parseAbsoluteUrl } from '../../../http/absolute-url.ts';
import { copyRequestHead } from '../../../http/copy-head.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type {
  InternalRedirectConfig,
  InternalRedirectPredicateConfig,
} from '../../../model/route-policies.ts';
import type { RouteLookup } from '../../../routing/route-table.ts';
import type { Counter } from '../../../stats/metrics.ts';
import type { RedirectHistory, TerminalFilterCallbacks } from '../../http-filter.ts';

const SEE_OTHER = 303;

/** Why a redirect is the client's to follow; Envoy's names in counters. */
export type Passthrough =
  | 'bad_location'
  | 'unsafe_scheme'
  | 'too_many_redirects'
  | 'no_route'
  | 'predicate';

/** A redirect as it came. */
export interface Redirect {
  readonly policy: InternalRedirectConfig;
  /** As it was sent to the upstream. */
  readonly request: RequestHead;
  readonly response: ResponseHead;
  /** Name of the route that it took. */
  readonly routeName: string;
  readonly isTls: boolean;
  readonly history: RedirectHistory;
}

/** The request that a redirect asks for; null, and counted why: the client has to follow it. */
export function redirected(
  redirect: Omit<Redirect, 'isTls' | 'history'>,
  callbacks: TerminalFilterCallbacks,
  passthroughs: Readonly<Record<Passthrough, Counter>>,
): RequestHead | null {
  callbacks.redirects ??= { count: 0, taken: new Map() };
  const next = followRedirect(
    {
      ...redirect,
      isTls: callbacks.info.downstream.tls !== null,
      history: callbacks.redirects,
    },
    (head) => callbacks.lookUpRoute(head),
  );
  if (typeof next !== 'string') return next;
  // As Envoy: that is no redirect that could have been followed.
  if (next !== 'no_location') passthroughs[next].inc();
  return null;
}

/** The request that follows, which is then counted; or why there is none. */
function followRedirect(
  redirect: Redirect,
  lookUp: (head: RequestHead) => RouteLookup,
): RequestHead | Passthrough | 'no_location' {
  const { policy, request, response, history } = redirect;
  const location = response.headers.get(HEADER_ID.location);
  if (location === null) return 'no_location';
  const url = parseAbsoluteUrl(location);
  if (url === null) return 'bad_location';
  const isHttp = request.scheme === 'http' || !redirect.isTls;
  if (!policy.allowsCrossScheme && isHttp !== (url.scheme === 'http')) return 'unsafe_scheme';
  if (history.count >= policy.maxRedirects) return 'too_many_redirects';
  const next = nextHead(redirect, url);
  const lookup = lookUp(next);
  if (lookup.kind === 'none') return 'no_route';
  const name = lookup.kind === 'route' ? lookup.route.config.name : '';
  const hop = { redirect, target: name, isHttp, staysPlain: url.scheme === 'http' };
  if (!policy.predicates.every((predicate) => accepts(predicate, hop))) return 'predicate';
  if (response.status === SEE_OTHER) becomeGet(next);
  history.count += 1;
  const original = `${isHttp ? 'http' : 'https'}://${request.authority}${request.path}`;
  next.headers.setKnown(HEADER_ID['x-envoy-original-url'], original);
  return next;
}

function nextHead({ policy, request, response }: Redirect, url: AbsoluteUrl): RequestHead {
  const next = copyRequestHead(request);
  for (const name of policy.responseHeadersToCopy) {
    copyField(name, response.headers, next.headers);
  }
  next.scheme = url.scheme;
  next.authority = url.authority;
  next.path = url.path;
  return next;
}

/** What the response lacks, the request is to lack too. */
function copyField(name: string, from: HeaderList, to: HeaderList): void {
  to.remove(name);
  for (const value of from.values(name)) to.add(name, value);
}

interface Hop {
  readonly redirect: Redirect;
  /** Name of the route that it would take. */
  readonly target: string;
  readonly isHttp: boolean;
  readonly staysPlain: boolean;
}

function accepts(predicate: InternalRedirectPredicateConfig, hop: Hop): boolean {
  const { target, redirect } = hop;
  switch (predicate.kind) {
    case 'allow-listed-routes':
      return predicate.names.has(target);
    case 'safe-cross-scheme':
      return !hop.isHttp || hop.staysPlain;
    case 'previous-routes': {
      const { history, routeName } = redirect;
      const taken = history.taken.get(routeName) ?? new Set<string>();
      history.taken.set(routeName, taken);
      if (taken.has(target)) return false;
      taken.add(target);
      return true;
    }
  }
}

/** RFC 9110 §15.4.4: the other resource is asked for, not told the same. */
function becomeGet(head: RequestHead): void {
  if (head.method === 'GET' || head.method === 'HEAD') return;
  head.method = 'GET';
  head.headers.removeKnown(HEADER_ID['content-length']);
}
