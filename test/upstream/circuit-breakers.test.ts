import t from 'tap';
import { CellRegistry } from '../../proxy/base/cells/cell-registry.ts';
import { regionCells, SharedRegion } from '../../proxy/base/cells/region.ts';
import { SharedCells } from '../../proxy/base/cells/shared-cells.ts';
import type { ClusterLimitsConfig } from '../../proxy/model/cluster.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { CircuitBreakers, declareBreakerGauges } from '../../proxy/upstream/circuit-breakers.ts';
import { clusterLimits } from '../support/cluster-config.ts';

const LAYOUT = { counters: 64, ints: 64, slots: 3 };

/** One cluster `c` in so many workers, with their gauges. */
class Workers {
  readonly region = new SharedRegion(new Int32Array(regionCells(LAYOUT)), LAYOUT);
  readonly registry = new CellRegistry(this.region);
  readonly stats: StatsStore[] = [];
  nowMs = 0;

  worker(members: Partial<ClusterLimitsConfig>, high = clusterLimits()): CircuitBreakers {
    const { region, registry } = this;
    const slot = registry.join();
    const source = {
      want: registry.want.bind(registry, slot),
      giveUp: registry.giveUp.bind(registry, slot),
    };
    const cells = new SharedCells({ region, slot, source, nowMs: () => this.nowMs });
    const store = new StatsStore(null);
    this.stats.push(store);
    const scope = store.scope('cluster').scope('c');
    declareBreakerGauges(scope);
    const limits = { limits: clusterLimits(members), highLimits: high };
    return new CircuitBreakers(limits, { name: 'c', scope, cells });
  }

  /** A gauge as each worker shows it; '-': there is none. */
  gauge(name: string): string {
    const values = this.stats.map((store) => store.snapshot().gauges[`cluster.c.${name}`] ?? '-');
    return values.join(' ');
  }
}

function take(times: number, breaker: { tryAcquire(): boolean }): string {
  return Array.from({ length: times }, () => (breaker.tryAcquire() ? 'y' : 'n')).join('');
}

t.test('all workers together have as many as the limit says', async (t) => {
  const workers = new Workers();
  const [one, two] = [workers.worker({ maxRequests: 3 }), workers.worker({ maxRequests: 3 })];
  t.equal(take(2, one.default.requests), 'yy');
  t.equal(take(2, two.default.requests), 'yn');
  t.equal(one.default.requests.canAcquire(), false);
  t.equal(one.of('high').requests.canAcquire(), true, 'another priority counts apart');
  one.default.requests.release();
  t.equal(take(2, two.default.requests), 'yn');
  two.default.requests.acquire();
  t.equal(one.default.requests.taken, 4, 'past the limit for good reason');
});

t.test('gauges say in every worker what is true of all', async (t) => {
  const workers = new Workers();
  const limits = { maxRequests: 2, tracksRemaining: true };
  const [one, two] = [workers.worker(limits), workers.worker(limits)];
  const refresh = (): void => {
    one.refreshGauges();
    two.refreshGauges();
  };
  const name = 'circuit_breakers.default';
  t.equal(workers.gauge(`${name}.remaining_rq`), '2 2');
  take(2, one.default.requests);
  refresh();
  t.equal(workers.gauge(`${name}.rq_open`), '1 1');
  t.equal(workers.gauge(`${name}.remaining_rq`), '0 0');
  one.default.requests.acquire();
  refresh();
  t.equal(workers.gauge(`${name}.remaining_rq`), '0 0', 'never below 0');
  for (let count = 0; count < 3; count += 1) one.default.requests.release();
  refresh();
  t.equal(workers.gauge(`${name}.rq_open`), '0 0', 'also where nothing was taken');
  t.equal(workers.gauge(`${name}.remaining_rq`), '2 2');
  t.equal(workers.gauge('circuit_breakers.high.remaining_rq'), '- -', 'not asked for');
});

t.test('both priorities show all their breakers', async (t) => {
  const workers = new Workers();
  const all = clusterLimits({
    ...{ maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 },
    ...{ maxRetries: 1, maxConnectionPools: 1 },
  });
  const breakers = workers.worker(all, all);
  const names = { connections: 'cx_open', pools: 'cx_pool_open', requests: 'rq_open' };
  const more = { pendingRequests: 'rq_pending_open', retries: 'rq_retry_open' };
  for (const priority of ['default', 'high'] as const) {
    for (const [member, name] of Object.entries({ ...names, ...more })) {
      const gauge = `circuit_breakers.${priority}.${name}`;
      t.equal(workers.gauge(gauge), '0');
      take(1, breakers.of(priority)[member as keyof typeof names | keyof typeof more]);
      breakers.refreshGauges();
      t.equal(workers.gauge(gauge), '1', `${priority} ${name}`);
    }
  }
});

t.test('0 lets nothing pass', async (t) => {
  const { default: breakers } = new Workers().worker({ maxPendingRequests: 0, maxRetries: 0 });
  t.equal(take(1, breakers.pendingRequests), 'n');
  t.equal(take(1, breakers.retries), 'n');
});

t.test('priority HIGH takes no cells before its first request', async (t) => {
  const workers = new Workers();
  const high = clusterLimits({ maxRequests: 2, tracksRemaining: true });
  const [one, two] = [workers.worker({}, high), workers.worker({}, high)];
  const next = workers.registry.want(0, { key: 'x', kind: 'counter', size: 1 });
  t.equal(next, 4, 'only the four of priority DEFAULT are taken');
  t.equal(workers.gauge('circuit_breakers.high.remaining_rq'), '2 2', 'shown all the same');
  t.equal(take(2, one.of('high').requests), 'yy');
  t.equal(take(1, two.of('high').requests), 'n');
  one.close();
  t.equal(two.of('high').requests.taken, 0);
});

t.test('a limit beyond counting takes no cells', async (t) => {
  const workers = new Workers();
  const none = clusterLimits({
    ...{ maxConnections: 2 ** 32 - 1, maxPendingRequests: 2 ** 32 - 1 },
    ...{ maxRequests: 2 ** 32 - 1, maxRetries: 2 ** 32 - 1 },
  });
  const breakers = workers.worker(none, none);
  t.equal(take(3, breakers.default.requests), 'yyy');
  t.equal(breakers.default.pools.isLimited, false);
  t.equal(workers.registry.want(0, { key: 'x', kind: 'counter', size: 1 }), 0, 'the first is free');
});

t.test('retries have a limit of their own, or a share of the requests', async (t) => {
  const counted = new Workers().worker({ maxRetries: 2 }).default.retries;
  t.equal(take(3, counted), 'yyn');
  counted.release();
  t.strictSame([counted.canAcquire(), counted.taken], [true, 1]);
  const workers = new Workers();
  const limits = { maxRetries: 0, retryBudget: { percent: 25, minConcurrency: 1, intervalMs: 0 } };
  const [one, two] = [workers.worker(limits), workers.worker(limits)];
  t.equal(take(2, one.default.retries), 'yn', 'so many are always allowed');
  for (let count = 0; count < 6; count += 1) two.default.requests.acquire();
  one.default.pendingRequests.acquire();
  t.equal(take(1, two.default.retries), 'n', 'a quarter of 7 is 1.75');
  one.default.pendingRequests.acquire();
  t.equal(take(2, two.default.retries), 'yn', 'a quarter of 8 is 2');
  t.equal(one.default.retries.taken, 2);
});

t.test('a budget with an interval counts what all workers began of late', async (t) => {
  const workers = new Workers();
  const retryBudget = { percent: 25, minConcurrency: 0, intervalMs: 1000 };
  const limits = { maxRetries: 0, retryBudget };
  const [one, two] = [workers.worker(limits), workers.worker(limits)];
  for (let count = 0; count < 3; count += 1) {
    t.ok(two.default.requests.tryAcquire());
    two.default.requests.release();
  }
  t.equal(take(1, one.default.retries), 'n', 'a quarter of 3 is none');
  workers.nowMs = 850;
  t.ok(one.default.requests.tryAcquire(), 'the fourth goes on');
  t.equal(take(2, two.default.retries), 'yn', 'of those that ended, too');
  one.default.retries.release();
  workers.nowMs = 1000;
  t.notOk(one.default.retries.canAcquire(), 'the first three are too long ago');
  for (const each of [one, two]) each.close();
  const next = workers.registry.want(0, { key: 'x', kind: 'ints', size: 20 });
  t.equal(next, 0, 'and its cells are free');
});

t.test('with a budget nobody says how many retries remain', async (t) => {
  const workers = new Workers();
  const budget = { percent: 20, minConcurrency: 3, intervalMs: 0 };
  const breakers = workers.worker({ retryBudget: budget, tracksRemaining: true });
  t.equal(workers.gauge('circuit_breakers.default.remaining_retries'), '3', 'until one asks');
  take(3, breakers.default.retries);
  breakers.refreshGauges();
  t.equal(workers.gauge('circuit_breakers.default.remaining_retries'), '0');
  t.equal(workers.gauge('circuit_breakers.default.rq_retry_open'), '1', 'by max_retries');
});

t.test('a cluster that is gone gives back its cells and what it held', async (t) => {
  const workers = new Workers();
  const [one, two] = [workers.worker({ maxRequests: 3 }), workers.worker({ maxRequests: 3 })];
  take(2, one.default.requests);
  one.close();
  t.equal(two.default.requests.taken, 0);
  one.default.requests.release();
  t.equal(two.default.requests.taken, 0, 'late ones reach nobody');
});

t.test('a limit that runtime sets later counts what all workers hold', async (t) => {
  const workers = new Workers();
  const limits = { maxRequests: 2 ** 32 - 1 };
  const live = (): ClusterLimitsConfig =>
    Object.defineProperty(clusterLimits(), 'maxRequests', { get: () => limits.maxRequests });
  const [one, two] = [workers.worker({}, live()), workers.worker({}, live())];
  one.of('high').requests.acquire();
  t.ok(one.of('high').requests.tryAcquire());
  limits.maxRequests = 3;
  t.ok(one.of('high').requests.tryAcquire());
  t.notOk(two.of('high').requests.tryAcquire(), 'three are taken');
  one.of('high').requests.release();
  t.ok(two.of('high').requests.tryAcquire());
  t.equal(one.of('high').requests.taken, 3);
});
