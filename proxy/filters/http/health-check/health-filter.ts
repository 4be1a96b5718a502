// Answers the health checks of whoever sends requests here: for the proxy itself, for what its
// clusters are like, or with what the service behind said last.
import { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import { matchesHeader } from '../../../model/match-value.ts';
import type { HeaderMatchConfig } from '../../../model/route-match.ts';
import type { Counter, StatsScope } from '../../../stats/metrics.ts';
import {
  CONTINUE,
  DROP,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterServices,
  STOP,
} from '../../http-filter.ts';

const CHECKED_CLUSTER = 'x-envoy-upstream-healthchecked-cluster';
const DEGRADED = 'x-envoy-degraded';
const FAIL = HEADER_ID['x-envoy-immediate-health-check-fail'];
const OK = 200;
const UNAVAILABLE = 503;
const PERCENT = 100;

/** envoy.extensions.filters.http.health_check.v3.HealthCheck, complete. */
export interface HealthCheckConfig {
  readonly passesThrough: boolean;
  /** How long an answer of the service is given to others; 0: not at all. */
  readonly cacheMs: number;
  /** All must match; empty: every request is a health check. */
  readonly headers: readonly HeaderMatchConfig[];
  /** Clusters that must have so many percent of healthy hosts. */
  readonly minHealthyPercents: readonly (readonly [cluster: string, percent: number])[];
}

/** What a health check is answered with. */
interface Verdict {
  readonly status: number;
  readonly details: string;
  readonly isDegraded: boolean;
}

/** `http.<p>.health_check.*`: checks that the proxy answers itself. */
class HealthCheckStats {
  readonly requestTotal: Counter;
  readonly ok: Counter;
  readonly failed: Counter;
  readonly cachedResponse: Counter;
  readonly degraded: Counter;
  /** By the details of the answer. */
  readonly #byDetails: ReadonlyMap<string, Counter>;

  constructor(http: StatsScope) {
    const scope = http.scope('health_check');
    this.requestTotal = scope.counter('request_total');
    this.ok = scope.counter('ok');
    this.failed = scope.counter('failed');
    this.cachedResponse = scope.counter('cached_response');
    this.degraded = scope.counter('degraded');
    this.#byDetails = new Map([
      ['health_check_cached', this.cachedResponse],
      ['health_check_failed_no_cluster_found', scope.counter('failed_cluster_not_found')],
      ['health_check_failed_cluster_empty', scope.counter('failed_cluster_empty')],
      ['health_check_failed_cluster_unhealthy', scope.counter('failed_cluster_unhealthy')],
    ]);
  }

  count({ status, details, isDegraded }: Verdict): void {
    this.requestTotal.inc();
    (isOk(status) ? this.ok : this.failed).inc();
    if (isDegraded) this.degraded.inc();
    this.#byDetails.get(details)?.inc();
  }
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}

/** What the filters of all streams share. */
export class HealthCheckRuntime {
  readonly config: HealthCheckConfig;
  readonly services: HttpFilterServices;
  readonly stats: HealthCheckStats;
  /** Checks are not traced, and counted as such. */
  readonly untraced: Counter;
  #cachedStatus = OK;
  #cachedIsDegraded = false;
  /** Until when the cached answer is given; -1: there is none. */
  #cachedUntilMs = -1;

  constructor(config: HealthCheckConfig, services: HttpFilterServices) {
    this.config = config;
    this.services = services;
    this.stats = new HealthCheckStats(services.scope);
    this.untraced = services.scope.counter('tracing.health_check');
  }

  hasCached(nowMs: number): boolean {
    return nowMs < this.#cachedUntilMs;
  }

  /** An answer that was not remembered before: the service's, or that the proxy itself is failing. */
  remember(status: number, isDegraded: boolean, nowMs: number): void {
    const { cacheMs } = this.config;
    if (cacheMs === 0) return;
    this.#cachedStatus = status;
    this.#cachedIsDegraded = isDegraded;
    this.#cachedUntilMs = nowMs + cacheMs;
  }

  verdict(): Verdict {
    if (this.services.isHealthCheckFailed()) return failure('health_check_failed');
    if (this.config.cacheMs > 0) {
      const [status, isDegraded] = [this.#cachedStatus, this.#cachedIsDegraded];
      return { status, details: 'health_check_cached', isDegraded };
    }
    const { minHealthyPercents } = this.config;
    if (minHealthyPercents.length === 0) return success('health_check_ok');
    for (const [name, percent] of minHealthyPercents) {
      const problem = this.#problemOf(name, percent);
      if (problem !== null) return failure(problem);
    }
    return success('health_check_ok_cluster_healthy');
  }

  /** Why a cluster fails the check; null: it does not. */
  #problemOf(name: string, percent: number): string | null {
    const cluster = this.services.clusters.get(name);
    if (cluster === null) return 'health_check_failed_no_cluster_found';
    const { total, healthy, degraded } = cluster.membership.counts;
    if (total === 0) return percent === 0 ? null : 'health_check_failed_cluster_empty';
    const isFewer = (healthy + degraded) * PERCENT < total * Math.floor(percent);
    return isFewer ? 'health_check_failed_cluster_unhealthy' : null;
  }
}

function success(details: string): Verdict {
  return { status: OK, details, isDegraded: false };
}

function failure(details: string): Verdict {
  return { status: UNAVAILABLE, details, isDegraded: false };
}

/** One per stream. */
export class HealthCheckFilter implements HttpFilter {
  readonly #runtime: HealthCheckRuntime;
  readonly #callbacks: HttpFilterCallbacks;
  /** The filter itself answers, once the request is complete. */
  #answers = false;
  #isFromCache = false;

  constructor(runtime: HealthCheckRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    const { config, services, untraced } = this.#runtime;
    if (!config.headers.every((matcher) => matchesHeader(matcher, head))) return CONTINUE;
    this.#callbacks.info.isHealthCheck = true;
    untraced.inc();
    this.#answers =
      !config.passesThrough ||
      services.isHealthCheckFailed() ||
      this.#runtime.hasCached(this.#callbacks.nowMs());
    if (!this.#answers) return CONTINUE;
    if (endStream) this.#answer();
    return STOP;
  }

  onRequestData(_data: Buffer, endStream: boolean): FilterStatus {
    if (!this.#answers) return CONTINUE;
    if (endStream) this.#answer();
    return DROP;
  }

  onRequestTrailers(): FilterStatus {
    if (!this.#answers) return CONTINUE;
    this.#answer();
    return DROP;
  }

  onResponseHead(head: ResponseHead): FilterStatus {
    const { services } = this.#runtime;
    const { headers } = head;
    if (this.#callbacks.info.isHealthCheck) {
      if (!this.#isFromCache) {
        const isDegraded = headers.getByName(DEGRADED) !== null;
        this.#runtime.remember(head.status, isDegraded, this.#callbacks.nowMs());
      }
      headers.set(CHECKED_CLUSTER, services.serviceCluster);
    }
    if (services.isHealthCheckFailed()) headers.setKnown(FAIL, 'true');
    return CONTINUE;
  }

  #answer(): void {
    const verdict = this.#runtime.verdict();
    const { status, details, isDegraded } = verdict;
    this.#runtime.stats.count(verdict);
    this.#isFromCache = details === 'health_check_cached';
    this.#callbacks.sendLocalReply({
      status,
      body: '',
      details,
      flag: isOk(status) ? null : 'LH',
      headers: isDegraded ? HeaderList.of(DEGRADED, '') : null,
    });
  }
}
