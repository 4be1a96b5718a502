// A request on its way to its route's cluster: what was settled about it before the first attempt,
// the same for all of them.
import type { Hash64 } from '../../../base/xx-hash.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { ForwardActionConfig, SubsetMatch } from '../../../model/route.ts';
import { chooseCluster } from '../../../routing/choose-cluster.ts';
import { finalizeRequestHead } from '../../../routing/finalize-head.ts';
import type { RequestHash } from '../../../routing/hash-policy.ts';
import { rewriteAuthority } from '../../../routing/host-rewriter.ts';
import type { Route } from '../../../routing/route-table.ts';
import type {
  Cluster,
  LoadBalancerContext,
  OverrideHost,
} from '../../../upstream/cluster-manager.ts';
import type { ConnectionPool } from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';
import type { TerminalFilterCallbacks } from '../../http-filter.ts';
import { followRedirect } from './internal-redirect.ts';
import { RequestCharges } from './request-charges.ts';
import { announceTimeout, takeTimeout } from './route-timeout.ts';
import type { RouterRuntime } from './router-runtime.ts';
import { poolFor } from './tunnel-rules.ts';

const NO_COOKIES: readonly string[] = [];

/** Readies a request for a forwarding route; null: its cluster is not there. */
export function prepareRequest(
  runtime: RouterRuntime,
  callbacks: TerminalFilterCallbacks,
  head: RequestHead,
): ForwardedRequest | null {
  const { route, services, streamRandom, info } = callbacks;
  const action = route?.config.action;
  if (route === null || action?.kind !== 'forward') return null;
  const name = chooseCluster(action.cluster, head, streamRandom);
  const cluster = services.clusters.get(name);
  if (cluster === null) return null;
  info.clusterName = name;
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

/** Where an attempt goes. */
export interface UpstreamPlace {
  readonly host: Host;
  readonly pool: ConnectionPool;
}

/** See the file's head. */
export class ForwardedRequest implements LoadBalancerContext {
  /** As it is sent: finalised. */
  readonly head: RequestHead;
  readonly route: Route;
  readonly cluster: Cluster;
  readonly charges: RequestCharges;
  /** From the complete request to the complete response; 0: none. */
  readonly timeoutMs: number;
  readonly info: StreamInfo;
  /** More of its content had to be kept than may be. */
  isAbandoned = false;
  /** null: nobody asked for it yet. */
  #hash: RequestHash | null = null;
  #hasHash = false;
  readonly #action: ForwardActionConfig;
  readonly #runtime: RouterRuntime;
  readonly #callbacks: TerminalFilterCallbacks;

  /** Changes the head: from here on it is what upstreams get. */
  constructor(surroundings: Surroundings, head: RequestHead) {
    const { runtime, callbacks, route, action, cluster } = surroundings;
    const { config } = runtime;
    this.head = head;
    this.info = callbacks.info;
    this.route = route;
    this.cluster = cluster;
    this.#action = action;
    this.#runtime = runtime;
    this.#callbacks = callbacks;
    // Conditions of virtual clusters are on what the client sent.
    const tally = route.stats?.tally(head) ?? null;
    if (tally !== null) callbacks.info.virtualClusterName = tally.virtualClusterName;
    const isCounted = config.dynamicStats && !callbacks.info.isHealthCheck;
    this.charges = new RequestCharges(head, isCounted ? cluster.stats : null, tally);
    this.timeoutMs = takeTimeout(head, action, config);
    const { suppressEnvoyHeaders } = config;
    announceTimeout(head, this.timeoutMs, { suppress: suppressEnvoyHeaders, action });
    if (route.virtualHost.includeRequestAttemptCount) {
      head.headers.setKnown(HEADER_ID['x-envoy-attempt-count'], '1');
    }
    finalizeRequestHead(route, head, callbacks, { suppressEnvoyHeaders });
  }

  get request(): RequestHead {
    return this.head;
  }

  get overrideHost(): OverrideHost | null {
    return this.#callbacks.flow.overrideHost;
  }

  get metadataMatch(): SubsetMatch {
    return this.#action.metadataMatch;
  }

  /** Its content may be wanted again. */
  get isRetained(): boolean {
    return this.#action.internalRedirect !== null && !this.head.asksForTunnel;
  }

  /** More of its content had to be kept than may be. */
  abandonRetries(): void {
    this.isAbandoned = true;
    this.cluster.stats.retryOrShadowAbandoned.inc();
  }

  /** null: there is no host that could take it. */
  findPlace(): UpstreamPlace | null {
    const { cluster, head } = this;
    const host = cluster.pickHost(this);
    if (host === null) {
      cluster.stats.cxNoneHealthy.inc();
      return null;
    }
    const pool = poolFor(cluster, host, { action: this.#action, head });
    return pool === null ? null : { host, pool };
  }

  /** Made at the first question, and the same for all attempts. */
  hash(): Hash64 | null {
    if (this.#hash !== null) return this.#hasHash ? this.#hash : null;
    const hash: RequestHash = { high: 0, low: 0, setCookies: [] };
    this.#hash = hash;
    this.#hasHash = this.route.hashPolicies?.hash(this.head, this.info, hash) === true;
    return this.#hasHash ? hash : null;
  }

  /** Cookies that were made for the hash: values of Set-Cookie. */
  get cookies(): readonly string[] {
    return this.#hash?.setCookies ?? NO_COOKIES;
  }

  /** Makes it a request for this host. */
  address(host: Host): void {
    const { head } = this;
    const action = this.#action;
    if (action.autoHostRewrite && host.hostname !== '') {
      rewriteAuthority(head, host.hostname, {
        keepsOriginal: !this.#runtime.config.suppressEnvoyHeaders,
        appendsForwardedHost: action.appendXForwardedHost,
      });
    }
  }

  /** A response with this status is a redirect that the route has followed. */
  followsStatus(status: number): boolean {
    return this.#action.internalRedirect?.statuses.has(status) === true;
  }

  /** The request that a redirect asks for; null: the client has to follow it. */
  redirected(response: ResponseHead): RequestHead | null {
    const policy = this.#action.internalRedirect;
    if (policy === null) return null;
    const callbacks = this.#callbacks;
    callbacks.redirects ??= { count: 0, taken: new Map() };
    const next = followRedirect(
      {
        ...{ policy, request: this.head, response },
        routeName: this.route.config.name,
        isTls: callbacks.info.downstream.isTls,
        history: callbacks.redirects,
      },
      (head) => callbacks.lookUpRoute(head),
    );
    if (typeof next !== 'string') return next;
    // As Envoy: that is no redirect that could have been followed.
    if (next !== 'no_location') this.#runtime.passthroughs[next].inc();
    return null;
  }
}
