// config.cluster.v3.CircuitBreakers.
import type { CircuitBreakers_Thresholds as Thresholds } from '../../api/gen/envoy/config/cluster/v3/circuit_breaker_pb.js';
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { RoutingPriority } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { ClusterConfig, ClusterLimitsConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { durationMs } from './field-values.ts';
import { liveRecord } from './live-value.ts';
import { runtimeInteger, runtimeNumber } from './runtime-values.ts';

/** Envoy cluster.v3.CircuitBreakers.Thresholds: connections, pending and active requests alike. */
export const DEFAULT_CLUSTER_LIMIT = 1024;
/** The same, max_retries: more at once would keep a failing upstream down. */
export const DEFAULT_MAX_RETRIES = 3;
/** The same, max_connection_pools: none. Envoy's gauge of what remains begins there, too. */
export const DEFAULT_MAX_CONNECTION_POOLS = 2 ** 64;
/** Envoy CircuitBreakers.Thresholds.RetryBudget. */
const DEFAULT_BUDGET_PERCENT = 20;
const DEFAULT_BUDGET_CONCURRENCY = 3;

/** The limits of both priorities; runtime keys go before what the message says. */
export function compileLimits(
  message: Cluster,
  context: CompileContext,
): Pick<ClusterConfig, 'limits' | 'highLimits'> {
  const { runtime } = context.environment;
  const limits = (priority: RoutingPriority): ClusterLimitsConfig =>
    liveRecord(runtime, () => limitsOf(message, priority, context));
  return { limits: limits(RoutingPriority.DEFAULT), highLimits: limits(RoutingPriority.HIGH) };
}

/** As Envoy, the first thresholds of a priority count. */
function limitsOf(
  { name, circuitBreakers }: Cluster,
  priority: RoutingPriority,
  context: CompileContext,
): ClusterLimitsConfig {
  const isIts = (each: Thresholds): boolean => each.priority === priority;
  const index = circuitBreakers?.thresholds.findIndex(isIts) ?? -1;
  const found = circuitBreakers?.thresholds[index];
  const ofHost = circuitBreakers?.perHostThresholds.find(isIts);
  if (ofHost !== undefined && hasMore(ofHost)) {
    context.reject(
      'circuit_breakers.per_host_thresholds',
      'Unsupported field in per_host_thresholds: of a host only max_connections is limited',
    );
  }
  const { runtime } = context.environment;
  const budgetAt = `circuit_breakers.thresholds[${index}].retry_budget`;
  const prefix = `circuit_breakers.${name}.${priority === RoutingPriority.HIGH ? 'high' : 'default'}`;
  const limit = (field: string, value: number | undefined, fallback: number): number =>
    runtimeInteger(runtime, `${prefix}.${field}`, value ?? fallback);
  return {
    maxConnections: limit('max_connections', found?.maxConnections, DEFAULT_CLUSTER_LIMIT),
    maxPendingRequests: limit(
      'max_pending_requests',
      found?.maxPendingRequests,
      DEFAULT_CLUSTER_LIMIT,
    ),
    maxRequests: limit('max_requests', found?.maxRequests, DEFAULT_CLUSTER_LIMIT),
    maxRetries: limit('max_retries', found?.maxRetries, DEFAULT_MAX_RETRIES),
    retryBudget: retryBudget(found, `${prefix}.retry_budget`, context.at(budgetAt)),
    maxConnectionPools: limit(
      'max_connection_pools',
      found?.maxConnectionPools,
      DEFAULT_MAX_CONNECTION_POOLS,
    ),
    maxConnectionsPerHost: ofHost?.maxConnections ?? null,
    tracksRemaining: found?.trackRemaining ?? false,
  };
}

/** As Envoy, of one host only connections are limited. */
function hasMore(thresholds: Thresholds): boolean {
  const { maxPendingRequests, maxRequests, maxRetries, maxConnectionPools } = thresholds;
  const others = [maxPendingRequests, maxRequests, maxRetries, maxConnectionPools];
  return others.some((value) => value !== undefined) || thresholds.retryBudget !== undefined;
}

/** As Envoy, a runtime key alone makes a budget, too. */
function retryBudget(
  found: Thresholds | undefined,
  prefix: string,
  context: CompileContext,
): ClusterLimitsConfig['retryBudget'] {
  const { runtime } = context.environment;
  const budget = found?.retryBudget;
  const percent = runtimeNumber(runtime, `${prefix}.budget_percent`, null);
  const concurrency = runtimeInteger(runtime, `${prefix}.min_retry_concurrency`, null);
  if (budget === undefined && percent === null && concurrency === null) return null;
  const interval = { path: 'budget_interval', value: budget?.budgetInterval };
  return {
    percent: percent ?? budget?.budgetPercent?.value ?? DEFAULT_BUDGET_PERCENT,
    minConcurrency: concurrency ?? budget?.minRetryConcurrency ?? DEFAULT_BUDGET_CONCURRENCY,
    intervalMs: durationMs(context, interval, 0),
  };
}
