// What happened between two samples: rates, shares and latencies of clusters and hosts.
import type { Bucket, ClusterSample, HostSample, Sample } from './sample.ts';

/** One host in an interval. */
export interface HostRow {
  readonly address: string;
  readonly health: string;
  readonly priority: number;
  readonly weight: number;
  readonly requestsPerSecond: number;
  /** null: no request ended. */
  readonly successPercent: number | null;
  readonly connections: number;
  readonly activeRequests: number;
  readonly pendingRequests: number;
}

/** One cluster in an interval. */
export interface ClusterRow {
  readonly name: string;
  readonly requestsPerSecond: number;
  /** Responses other than 5xx; null: no request ended. */
  readonly successPercent: number | null;
  readonly latencyMs: LatencyRow | null;
  readonly retriesPerSecond: number;
  readonly connections: number;
  readonly activeRequests: number;
  readonly pendingRequests: number;
  readonly ejectedHosts: number;
  readonly healthyHosts: number;
  readonly totalHosts: number;
  readonly openBreakers: readonly string[];
  readonly hosts: readonly HostRow[];
}

/** Quantiles of upstream_rq_time. */
export interface LatencyRow {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Everything of one interval. */
export interface Report {
  readonly state: string;
  readonly uptime: string;
  /** Length of the interval. */
  readonly seconds: number;
  readonly clusters: readonly ClusterRow[];
}

const MS_PER_SECOND = 1000;

/** Compares two samples of one proxy; a counter that fell was reset and begins anew. */
export function compareSamples(before: Sample, after: Sample): Report {
  const seconds = Math.max(1, after.takenMs - before.takenMs) / MS_PER_SECOND;
  const old = new Map(before.clusters.map((cluster) => [cluster.name, cluster]));
  return {
    state: after.state,
    uptime: after.uptime,
    seconds,
    clusters: after.clusters.map((now) => clusterRow(old.get(now.name) ?? null, now, seconds)),
  };
}

function clusterRow(old: ClusterSample | null, now: ClusterSample, seconds: number): ClusterRow {
  const oldHosts = new Map(old?.hosts.map((host) => [hostKey(host), host]));
  const completed = grown(old?.rqCompleted, now.rqCompleted);
  const failed = grown(old?.rq5xx, now.rq5xx);
  return {
    name: now.name,
    requestsPerSecond: grown(old?.rqTotal, now.rqTotal) / seconds,
    successPercent: percent(completed - failed, completed),
    latencyMs: latencyOf(newBuckets(old?.latency ?? [], now.latency)),
    retriesPerSecond: grown(old?.rqRetry, now.rqRetry) / seconds,
    connections: now.cxActive,
    activeRequests: now.rqActive,
    pendingRequests: now.rqPending,
    ejectedHosts: now.ejected,
    healthyHosts: now.hosts.filter(({ health }) => health === 'healthy').length,
    totalHosts: now.hosts.length,
    openBreakers: now.openBreakers,
    hosts: now.hosts.map((host) => hostRow(oldHosts.get(hostKey(host)) ?? null, host, seconds)),
  };
}

function hostRow(old: HostSample | null, now: HostSample, seconds: number): HostRow {
  const success = grown(old?.rqSuccess, now.rqSuccess);
  const error = grown(old?.rqError, now.rqError);
  return {
    address: now.address,
    health: now.health,
    priority: now.priority,
    weight: now.weight,
    requestsPerSecond: grown(old?.rqTotal, now.rqTotal) / seconds,
    successPercent: percent(success, success + error),
    connections: now.cxActive,
    activeRequests: now.rqActive,
    pendingRequests: now.rqPending,
  };
}

function hostKey({ priority, address }: HostSample): string {
  return `${priority} ${address}`;
}

/** What is new since it was known; all of it when nothing was, or when it was reset. */
function grown(before: number | undefined, now: number): number {
  return before === undefined || before > now ? now : now - before;
}

function percent(part: number, whole: number): number | null {
  return whole <= 0 ? null : Math.min(100, Math.max(0, (100 * part) / whole));
}

function newBuckets(before: readonly Bucket[], now: readonly Bucket[]): readonly Bucket[] {
  const old = new Map(before.map(({ lower, count }) => [lower, count]));
  return now
    .map((bucket) => ({ ...bucket, count: grown(old.get(bucket.lower), bucket.count) }))
    .filter(({ count }) => count > 0);
}

function latencyOf(buckets: readonly Bucket[]): LatencyRow | null {
  if (buckets.length === 0) return null;
  return {
    p50: quantile(buckets, 0.5),
    p95: quantile(buckets, 0.95),
    p99: quantile(buckets, 0.99),
  };
}

/** As Envoy computes them: the samples of a bucket are taken to lie evenly in it. */
function quantile(buckets: readonly Bucket[], share: number): number {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const wanted = share * total;
  let below = 0;
  for (const { lower, width, count } of buckets) {
    if (below + count >= wanted) {
      const rank = Math.max(1, Math.ceil(wanted - below));
      return lower + (rank / (count + 1)) * width;
    }
    below += count;
  }
  return 0;
}
