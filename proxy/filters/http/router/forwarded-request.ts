// A request on its way to its route's cluster: what was settled about it before the first attempt,
// the same for all of them.
import type { Hash64 } from '../../../base/xx-hash.ts';
import { copyFields } from '../../../http/copy-head.ts';
import { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { HedgePolicyConfig, RetryPolicyConfig } from '../../../model/retry-policy.ts';
import type { ForwardActionConfig, SubsetMatch } from '../../../model/route.ts';
import { bufferLimitOf } from '../../../routing/buffer-limit.ts';
import { chooseCluster } from '../../../routing/choose-cluster.ts';
import { finalizeRequestHead } from '../../../routing/finalize-head.ts';
import type { RequestHash } from '../../../routing/hash-policy.ts';
import { rewriteAuthority } from '../../../routing/host-rewriter.ts';
import type { Mirror } from '../../../routing/mirror.ts';
import type { Route } from '../../../routing/route-table.ts';
import type { PriorityBreakers, RoutingPriority } from '../../../upstream/circuit-breakers.ts';
import type {
  Cluster,
  LoadBalancerContext,
  OverrideHost,
} from '../../../upstream/cluster-manager.ts';
import type { Host } from '../../../upstream/host.ts';
import { withWishes } from '../../../upstream/transport/application-protocols.ts';
import { namesOf, type RequestNames } from '../../../upstream/transport/request-names.ts';
import type { LocalReply, TerminalFilterCallbacks } from '../../http-filter.ts';
import type { Attempt } from './attempt.ts';
import { clusterNotFoundReply } from './direct-answers.ts';
import { judgeEnd } from './host-verdict.ts';
import { redirected } from './internal-redirect.ts';
import type { KeptRequest } from './request-buffer.ts';
import { RequestCharges } from './request-charges.ts';
import type { ResponseAdditions } from './response-head.ts';
import { RetryRules } from './retry-rules.ts';
import {
  announceTimeout,
  type RequestTimeouts,
  type RetryAnnouncement,
  readTimeouts,
  takeOrders,
} from './route-timeout.ts';
import type { RouterConfig } from './router-config.ts';
import type { RouterRuntime } from './router-runtime.ts';
import { subsetMatch } from './subset-match.ts';
import type { TriedHosts } from './tried-hosts.ts';
import { poolFor } from './tunnel-rules.ts';
import type { UpstreamPlace } from './upstream-place.ts';

const ATTEMPT_COUNT = HEADER_ID['x-envoy-attempt-count'];
const NO_COOKIES: readonly string[] = [];

/** Readies a request for a forwarding route, or says why it goes nowhere. */
export function prepareRequest(
  runtime: RouterRuntime,
  callbacks: TerminalFilterCallbacks,
  head: RequestHead,
): ForwardedRequest | LocalReply {
  const { route, services, streamRandom, info } = callbacks;
  const action = route?.config.action;
  if (route === null || action?.kind !== 'forward') return clusterNotFoundReply(503);
  const name = chooseCluster(action.cluster, head, streamRandom);
  const cluster = services.clusters.get(name);
  if (cluster === null) {
    runtime.noCluster.inc();
    return clusterNotFoundReply(action.clusterNotFoundStatus);
  }
  info.clusterName = name;
  info.clusterObservabilityName = cluster.config.observabilityName;
  info.clusterMetadata = cluster.config.metadata;
  return new ForwardedRequest({ runtime, callbacks, route, action, cluster }, head);
}

interface Surroundings {
  readonly runtime: RouterRuntime;
  readonly callbacks: TerminalFilterCallbacks;
  readonly route: Route;
  readonly action: ForwardActionConfig;
  readonly cluster: Cluster;
}

/** See the file's head. */
export class ForwardedRequest implements LoadBalancerContext {
  /** As it is sent: finalised. */
  readonly head: RequestHead;
  readonly route: Route;
  readonly action: ForwardActionConfig;
  readonly charges: RequestCharges;
  readonly timeouts: RequestTimeouts;
  /** null: it is not tried again. */
  readonly retryRules: RetryRules | null;
  readonly info: StreamInfo;
  readonly names: RequestNames | null;
  /** Where it was tried; null: nobody asks. */
  tried: TriedHosts | null = null;
  #cluster: Cluster;
  /** More of its content had to be kept than may be. */
  #isAbandoned = false;
  #isHeldBack = false;
  /** null: nobody asked for it yet. */
  #hash: RequestHash | null = null;
  #hasHash = false;
  readonly #runtime: RouterRuntime;
  readonly #callbacks: TerminalFilterCallbacks;

  /** Changes the head: from here on it is what upstreams get. */
  constructor(surroundings: Surroundings, head: RequestHead) {
    const { runtime, callbacks, route, action, cluster } = surroundings;
    const { config } = runtime;
    const { virtualHost } = route;
    this.head = head;
    this.info = callbacks.info;
    this.route = route;
    this.#cluster = cluster;
    this.action = action;
    this.#runtime = runtime;
    this.#callbacks = callbacks;
    // Conditions of virtual clusters are on what the client sent.
    const tally = route.stats?.tally(head) ?? null;
    if (tally !== null) callbacks.info.virtualClusterName = tally.virtualClusterName;
    const isCounted = config.dynamicStats && !callbacks.info.isHealthCheck;
    this.charges = new RequestCharges(head, isCounted ? cluster.stats : null, tally);
    this.timeouts = readTimeouts(head, this);
    const mayRepeat = !head.asksForTunnel;
    const retry = cluster.policies?.retry ?? this.retry;
    this.retryRules = mayRepeat ? RetryRules.of(retry, head) : null;
    takeOrders(head, config);
    announceTimeout(this, 0);
    if (virtualHost.includeRequestAttemptCount) head.headers.setKnown(ATTEMPT_COUNT, '1');
    finalizeRequestHead(route, head, callbacks, config);
    this.names = withWishes(namesOf(cluster.config.http.requestNames, head), this.info);
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  get request(): RequestHead {
    return this.head;
  }

  /** Envoy: of the first attempt only. */
  get overrideHost(): OverrideHost | null {
    return this.info.attemptCount > 1 ? null : this.#callbacks.flow.overrideHost;
  }

  get priority(): RoutingPriority {
    return this.action.priority;
  }

  get metadataMatch(): SubsetMatch {
    return subsetMatch(this.action, this.info);
  }

  get hostSelectionAttempts(): number {
    return this.tried?.hostSelectionAttempts ?? 0;
  }

  get triedHosts(): readonly Host[] | null {
    return this.tried?.ofTriedPriorities() ?? null;
  }

  forgetTriedPriorities(): void {
    this.tried?.forgetPriorities();
  }

  /** Circuit breakers that count it. */
  get breakers(): PriorityBreakers {
    return this.#cluster.breakers(this.action.priority);
  }

  get suppresses(): boolean {
    return this.#runtime.config.suppressEnvoyHeaders;
  }

  get config(): RouterConfig {
    return this.#runtime.config;
  }

  /** Of its route; that of its cluster wins, but for the time of attempts. */
  get retry(): RetryPolicyConfig | null {
    return this.action.retry ?? this.route.virtualHost.retry;
  }

  get hedge(): HedgePolicyConfig | null {
    return this.action.hedge ?? this.route.virtualHost.hedge;
  }

  get mirrors(): readonly Mirror[] {
    return this.#cluster.policies?.mirrors ?? this.route.mirrors;
  }

  /** Its route follows redirects. */
  get mayRedirect(): boolean {
    return this.action.internalRedirect !== null;
  }

  /** Its content may be wanted again. */
  get isRetained(): boolean {
    if (this.retryRules === null && !this.mayRedirect) return false;
    return !this.head.asksForTunnel;
  }

  /** How much of its content may be kept: here a route may also say less than its listener. */
  get retainedLimitBytes(): number {
    return bufferLimitOf(this.route) ?? this.#callbacks.bufferLimitBytes;
  }

  rejectsHost(host: Host): boolean {
    return this.tried?.rejects(host) === true;
  }

  /** Made at the first question, and the same for all attempts. */
  hash(): Hash64 | null {
    if (this.#hash !== null) return this.#hasHash ? this.#hash : null;
    const hash: RequestHash = { high: 0, low: 0, setCookies: [] };
    this.#hash = hash;
    const policies = this.#cluster.policies?.hashPolicies ?? this.route.hashPolicies;
    this.#hasHash = policies?.hash(this.head, this.info, hash) === true;
    return this.#hasHash ? hash : null;
  }

  /** null: there is no host that could take it. */
  findPlace(): UpstreamPlace | null {
    const cluster = this.#cluster;
    const host = cluster.pickHost(this);
    if (host === null) {
      cluster.stats.cxNoneHealthy.inc();
      return null;
    }
    const pool = poolFor(cluster, host, this);
    return pool === null ? null : { host, pool };
  }

  /** The same for a retry: by now its cluster may be another one of that name, or gone. */
  findAgain(): UpstreamPlace | null {
    const cluster = this.#callbacks.services.clusters.get(this.info.clusterName);
    if (cluster === null) return null;
    this.#cluster = cluster;
    return this.findPlace();
  }

  /** Makes it a request for this host. */
  address(host: Host): void {
    const action = this.action;
    if (!action.autoHostRewrite || host.hostname === '') return;
    rewriteAuthority(this.head, host.hostname, {
      keepsOriginal: !this.suppresses,
      appendsForwardedHost: action.appendXForwardedHost,
    });
  }

  /** Tells the next upstream which attempt this is, and how much time is left. */
  prepareRetry({ attempt, elapsedMs, isForTimeout }: RetryAnnouncement): void {
    const { headers } = this.head;
    const { virtualHost } = this.route;
    if (virtualHost.includeRequestAttemptCount) headers.setKnown(ATTEMPT_COUNT, String(attempt));
    if (virtualHost.includeIsTimeoutRetryHeader) {
      headers.set('x-envoy-is-timeout-retry', String(isForTimeout));
    }
    announceTimeout(this, elapsedMs);
  }

  /** Its upstream takes nothing more for now, or does again. Asking twice is harmless. */
  hold(): void {
    if (this.#isHeldBack) return;
    this.#isHeldBack = true;
    this.#cluster.stats.flowBackedUp.inc();
    this.#callbacks.pauseRequest();
  }

  release(): void {
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#cluster.stats.flowDrained.inc();
    this.#callbacks.resumeRequest();
  }

  /** More of its content had to be kept than may be. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#cluster.stats.retryOrShadowAbandoned.inc();
  }

  /** What a response's head gets; `serviceMs`: since the end of the request, -1: it is not over. */
  additions(serviceMs: number): ResponseAdditions {
    const cookies = this.#hash?.setCookies ?? NO_COOKIES;
    return { serviceMs: this.suppresses ? -1 : serviceMs, cookies };
  }

  /** An attempt is given up for its own timeout. */
  countTryTimeout({ host }: Attempt, limit: 'try' | 'idle'): void {
    const { rqPerTryTimeout, rqPerTryIdleTimeout } = this.#cluster.stats;
    (limit === 'try' ? rqPerTryTimeout : rqPerTryIdleTimeout).inc();
    host.stats.rqTimeout += 1;
  }

  /** An attempt brought no response in time. */
  countTimeout(attempt: Attempt): void {
    this.#cluster.stats.rqTimeout.inc();
    attempt.host.stats.rqTimeout += 1;
    attempt.noteTimeout();
    this.charges.timeout();
  }

  /** An attempt brought no response: one of our own counts as the cluster's. */
  countFailure({ host }: Attempt, status: number): void {
    host.stats.rqError += 1;
    this.charges.response(status);
  }

  /** An attempt's response will not be complete. */
  countBreak(attempt: Attempt | null): void {
    if (attempt?.verdict !== 'awaits-grpc-status') return;
    judgeEnd(attempt, null);
    this.#runtime.resetAfterResponseStarted.inc();
  }

  /** A reply for a timeout as this client wants it. */
  timedOut(reply: LocalReply): LocalReply {
    return this.timeouts.hasAlternative ? { ...reply, status: 204, body: '' } : reply;
  }

  /** A reply with what its virtual host adds to responses. */
  completed(reply: LocalReply): LocalReply {
    if (!this.route.virtualHost.includeAttemptCountInResponse) return reply;
    const headers = reply.headers === null ? HeaderList.empty() : copyFields(reply.headers);
    headers.setKnown(ATTEMPT_COUNT, String(Math.max(this.info.attemptCount, 1)));
    return { ...reply, headers };
  }

  /** True when it goes on elsewhere, instead of this response to the client. */
  followsRedirect(response: ResponseHead, { retained, isComplete }: KeptRequest): boolean {
    const policy = this.action.internalRedirect;
    if (policy === null || !policy.statuses.has(response.status)) return false;
    // Without all of the request at hand there is nothing to send.
    const redirect = { policy, request: this.head, response, routeName: this.route.config.name };
    const next =
      isComplete && !this.#isAbandoned
        ? redirected(redirect, this.#callbacks, this.#runtime.passthroughs)
        : null;
    const { internalRedirectFailed, internalRedirectSucceeded } = this.#cluster.stats;
    (next === null ? internalRedirectFailed : internalRedirectSucceeded).inc();
    if (next === null) return false;
    const content = next.method === this.head.method ? retained : null;
    const { chunks = [], trailers = null } = content ?? {};
    this.#callbacks.restart({ head: next, chunks, trailers }, response);
    return true;
  }
}
