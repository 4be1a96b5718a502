import t from 'tap';
import { Gauge } from '../../proxy/stats/metrics.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { Breaker, CircuitBreakers } from '../../proxy/upstream/circuit-breakers.ts';

t.test('a breaker is open exactly while its limit is reached', async (t) => {
  const open = new Gauge('open');
  const breaker = new Breaker(2, open);
  breaker.acquire();
  t.strictSame([breaker.canAcquire(), open.value], [true, 0]);
  breaker.acquire();
  t.strictSame([breaker.canAcquire(), open.value], [false, 1]);
  breaker.acquire();
  t.strictSame([breaker.canAcquire(), open.value], [false, 1], 'past the limit');
  breaker.release();
  t.strictSame([breaker.canAcquire(), open.value], [false, 1]);
  breaker.release();
  t.strictSame([breaker.canAcquire(), open.value], [true, 0]);
  breaker.release();
  t.equal(breaker.canAcquire(), true);
});

t.test('limit 0 is always open', async (t) => {
  const open = new Gauge('open');
  const breaker = new Breaker(0, open);
  t.strictSame([breaker.canAcquire(), open.value], [false, 1]);
  breaker.acquire();
  breaker.release();
  t.strictSame([breaker.canAcquire(), open.value], [false, 1]);
});

t.test('both priorities show all their breakers', async (t) => {
  const stats = new StatsStore(null);
  const limits = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 };
  new CircuitBreakers(limits, stats.scope('cluster').scope('c')).requests.acquire();
  const { gauges } = stats.snapshot();
  const names = ['cx_open', 'cx_pool_open', 'rq_open', 'rq_pending_open', 'rq_retry_open'];
  for (const name of names) {
    const isOpen = name === 'rq_open' ? 1 : 0;
    t.equal(gauges[`cluster.c.circuit_breakers.default.${name}`], isOpen, name);
    t.equal(gauges[`cluster.c.circuit_breakers.high.${name}`], 0, name);
  }
});
