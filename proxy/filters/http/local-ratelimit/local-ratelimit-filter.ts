// Refuses requests beyond a rate, or lets them pass marked.

import { privateCells } from '../../../base/cells/shared-cells.ts';
import { isDrawn } from '../../../base/random.ts';
import { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { DownstreamConnectionInfo } from '../../../http/stream-info.ts';
import type { RateLimitConfig } from '../../../model/route-policies.ts';
import { chooseCluster } from '../../../routing/choose-cluster.ts';
import { HeaderMutator } from '../../../routing/header-mutator.ts';
import {
  describeRequest,
  type RateLimitDescriptor,
  rateLimitsOf,
} from '../../../routing/rate-limit-descriptors.ts';
import type { Route } from '../../../routing/route-table.ts';
import {
  SINGLE_LINE_IN_REQUESTS,
  SINGLE_LINE_IN_RESPONSES,
} from '../../../routing/single-line-fields.ts';
import type { Counter, StatsScope } from '../../../stats/metrics.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterServices,
  STOP_ALL,
} from '../../http-filter.ts';
import type { LocalRateLimitConfig } from './local-ratelimit-config.ts';
import { type RatedBucket, RateLimiter } from './rate-limiter.ts';

const MS_PER_SECOND = 1000;
const GRPC_UNAVAILABLE = 14;
const GRPC_RESOURCE_EXHAUSTED = 8;
const NOT_DESCRIBED: readonly RateLimitDescriptor[] = [];

/** What the filters of one configuration share. */
export class LocalRateLimitRuntime {
  readonly config: LocalRateLimitConfig;
  readonly services: HttpFilterServices;
  readonly enabled: Counter;
  readonly ok: Counter;
  readonly rateLimited: Counter;
  readonly enforced: Counter;
  readonly shadowMode: Counter;
  readonly whenNotEnforced: HeaderMutator;
  readonly whenRefused: HeaderMutator;
  /** null: each connection has its own. */
  readonly #limiter: RateLimiter | null;
  readonly #byConnection = new WeakMap<DownstreamConnectionInfo, RateLimiter>();
  readonly #byRoute = new WeakMap<Route, readonly RateLimitConfig[]>();

  constructor(config: LocalRateLimitConfig, services: HttpFilterServices) {
    const scope: StatsScope = services.root.scope(`${config.statPrefix}.http_local_rate_limit`);
    this.config = config;
    this.services = services;
    this.enabled = scope.counter('enabled');
    this.ok = scope.counter('ok');
    this.rateLimited = scope.counter('rate_limited');
    this.enforced = scope.counter('enforced');
    this.shadowMode = scope.counter('shadow_mode');
    const fields = (set: LocalRateLimitConfig['responseHeaders']) => ({ remove: [], set });
    this.whenNotEnforced = new HeaderMutator(
      fields(config.requestHeadersWhenNotEnforced),
      SINGLE_LINE_IN_REQUESTS,
    );
    this.whenRefused = new HeaderMutator(fields(config.responseHeaders), SINGLE_LINE_IN_RESPONSES);
    this.#limiter = config.isPerConnection ? null : new RateLimiter(config, services.cells);
  }

  limiterOf(connection: DownstreamConnectionInfo): RateLimiter {
    if (this.#limiter !== null) return this.#limiter;
    const known = this.#byConnection.get(connection);
    if (known !== undefined) return known;
    const { cells } = this.services;
    const limiter = new RateLimiter(
      this.config,
      privateCells(() => cells.nowMs()),
    );
    this.#byConnection.set(connection, limiter);
    return limiter;
  }

  /** Found once per route, not per request. */
  rateLimitsOf(route: Route): readonly RateLimitConfig[] {
    const known = this.#byRoute.get(route);
    if (known !== undefined) return known;
    const { rateLimits, stage, vhRateLimits } = this.config;
    const found =
      rateLimits.length > 0
        ? rateLimits
        : rateLimitsOf(route, stage, vhRateLimits).filter(({ disableKey }) => disableKey === '');
    this.#byRoute.set(route, found);
    return found;
  }
}

/** One per stream. */
export class LocalRateLimitFilter implements HttpFilter {
  readonly #runtime: LocalRateLimitRuntime;
  readonly #callbacks: HttpFilterCallbacks;
  /** The bucket that the client is told about. */
  #bucket: RatedBucket | null = null;
  #isRefused = false;

  constructor(runtime: LocalRateLimitRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    const runtime = this.#runtime;
    const { config, services } = runtime;
    if (config.filterEnabled === null || !isDrawn(services.random, config.filterEnabled)) {
      return CONTINUE;
    }
    runtime.enabled.inc();
    const limiter = runtime.limiterOf(this.#callbacks.info.downstream);
    const { isAllowed, isShadowed, bucket } = limiter.decide(this.#describe(head));
    this.#bucket = bucket;
    if (isAllowed && !isShadowed) {
      runtime.ok.inc();
      return CONTINUE;
    }
    runtime.rateLimited.inc();
    if (isAllowed) {
      runtime.shadowMode.inc();
      return CONTINUE;
    }
    if (config.filterEnforced === null || !isDrawn(services.random, config.filterEnforced)) {
      runtime.whenNotEnforced.apply(head.headers, this.#callbacks);
      return CONTINUE;
    }
    runtime.enforced.inc();
    this.#refuse();
    return STOP_ALL;
  }

  onResponseHead(head: ResponseHead): FilterStatus {
    if (this.#bucket !== null) this.#tell(head.headers, this.#bucket);
    return CONTINUE;
  }

  #describe(head: RequestHead): readonly RateLimitDescriptor[] {
    const { config, services } = this.#runtime;
    const { route, streamRandom } = this.#callbacks;
    if (config.descriptors.length === 0 || route === null) return NOT_DESCRIBED;
    const { action } = route.config;
    const cluster =
      action.kind === 'forward' ? chooseCluster(action.cluster, head, streamRandom) : '';
    const { serviceCluster } = services;
    const request = { head, context: this.#callbacks, route, cluster, serviceCluster };
    const descriptors: RateLimitDescriptor[] = [];
    for (const limit of this.#runtime.rateLimitsOf(route)) {
      const descriptor = describeRequest(limit, request);
      if (descriptor !== null) descriptors.push(descriptor);
    }
    return descriptors;
  }

  #refuse(): void {
    const { config, whenRefused } = this.#runtime;
    this.#isRefused = true;
    const headers = HeaderList.empty();
    whenRefused.apply(headers, this.#callbacks);
    this.#callbacks.sendLocalReply({
      status: config.status,
      body: 'local_rate_limited',
      details: 'local_rate_limited',
      flag: 'RL',
      headers,
      grpcStatus: config.isResourceExhausted ? GRPC_RESOURCE_EXHAUSTED : GRPC_UNAVAILABLE,
    });
  }

  #tell(headers: HeaderList, { bucket, rate }: RatedBucket): void {
    const { config, services } = this.#runtime;
    const tokens = bucket.available(services.cells.nowMs(), rate);
    const missing = Math.max(0, 1 - tokens);
    const resetS = Math.ceil(missing / rate.tokensPerMs / MS_PER_SECOND);
    if (config.sendsRateLimitHeaders) {
      headers.set('x-ratelimit-limit', String(rate.maxTokens));
      headers.set('x-ratelimit-remaining', String(Math.floor(tokens)));
      headers.set('x-ratelimit-reset', String(resetS));
    }
    if (config.sendsRetryAfter && this.#isRefused) headers.set('retry-after', String(resetS));
  }
}
