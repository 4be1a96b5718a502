import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileLimits } from '../../../proxy/config/compile/cluster-limits.ts';
import { clusterLimits } from '../../support/cluster-config.ts';
import { compileJson, problemLines, testEnvironment } from '../../support/compile-json.ts';

type Runtime = ReadonlyMap<string, string | number | boolean>;

function compile(breakers: JsonValue, runtime: Runtime = new Map()) {
  const json = { name: 'c', circuit_breakers: breakers };
  const environment = testEnvironment({ runtime });
  return compileJson({ schema: ClusterSchema, json, environment }, compileLimits);
}

function limits(breakers: JsonValue, runtime?: Runtime) {
  const { value, rejections } = compile(breakers, runtime);
  t.same(problemLines(rejections), []);
  return value;
}

t.test('each priority has Envoy’s defaults and its first thresholds', (t) => {
  t.same(limits({}), { limits: clusterLimits(), highLimits: clusterLimits() });
  const found = limits({
    thresholds: [
      { priority: 'HIGH', max_connections: 1, max_connection_pools: 7 },
      { max_connections: 2, max_pending_requests: 3, max_requests: 4, max_retries: 0 },
      { max_connections: 9, track_remaining: true },
    ],
    per_host_thresholds: [{ priority: 'HIGH', max_connections: 5 }],
  });
  const own = { maxConnections: 2, maxPendingRequests: 3, maxRequests: 4, maxRetries: 0 };
  t.same(found?.limits, clusterLimits(own));
  const high = { maxConnections: 1, maxConnectionPools: 7, maxConnectionsPerHost: 5 };
  t.same(found?.highLimits, clusterLimits(high));
  t.end();
});

t.test('a retry budget has defaults where it is set', (t) => {
  const budget = (json: JsonValue) =>
    limits({ thresholds: [{ retry_budget: json, track_remaining: true }] })?.limits;
  const tracksRemaining = true;
  const defaults = { percent: 20, minConcurrency: 3, intervalMs: 0 };
  t.same(budget({}), clusterLimits({ tracksRemaining, retryBudget: defaults }));
  const given = { budget_percent: { value: 12.5 }, min_retry_concurrency: 0 };
  const retryBudget = { percent: 12.5, minConcurrency: 0, intervalMs: 0 };
  t.same(budget(given), clusterLimits({ tracksRemaining, retryBudget }));
  t.end();
});

t.test('runtime goes before the configuration', (t) => {
  const breakers = { thresholds: [{ max_requests: 4 }] };
  const found = limits(
    breakers,
    new Map<string, string | number>([
      ['circuit_breakers.c.default.max_requests', 5],
      ['circuit_breakers.c.high.max_connections', '6'],
      ['circuit_breakers.c.high.max_retries', 0],
      ['circuit_breakers.c.high.max_connection_pools', 8],
      ['circuit_breakers.c.high.retry_budget.budget_percent', 0.5],
      ['circuit_breakers.other.high.max_connections', 1],
    ]),
  );
  t.same(found?.limits, clusterLimits({ maxRequests: 5 }));
  const retryBudget = { percent: 0.5, minConcurrency: 3, intervalMs: 0 };
  const high = { maxConnections: 6, maxRetries: 0, maxConnectionPools: 8, retryBudget };
  t.same(found?.highLimits, clusterLimits(high));
  t.end();
});

t.test('of a host only connections are limited', (t) => {
  const { rejections } = compile({
    per_host_thresholds: [{ max_connections: 1, max_requests: 2 }],
  });
  t.match(problemLines(rejections), [/per_host_thresholds.*Unsupported field/]);
  t.end();
});

t.test('a retry budget may be a share of the requests of late', (t) => {
  const budget = (budget_interval: string) => ({
    thresholds: [{ retry_budget: { budget_interval } }],
  });
  const wanted = { percent: 20, minConcurrency: 3 };
  t.same(limits(budget('0s'))?.limits.retryBudget, { ...wanted, intervalMs: 0 });
  t.same(limits(budget('10.5s'))?.limits.retryBudget, { ...wanted, intervalMs: 10_500 });
  t.end();
});
