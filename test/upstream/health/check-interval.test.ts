import t from 'tap';
import { firstCheckMs, nextCheckMs } from '../../../proxy/upstream/health/check-interval.ts';
import { checkIntervals } from '../../support/health-config.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const DISTINCT = checkIntervals({
  intervalMs: 1,
  unhealthyMs: 2,
  unhealthyEdgeMs: 3,
  healthyEdgeMs: 4,
  noTrafficMs: 5,
  noTrafficHealthyMs: 6,
});
const random = seededRandom(1);

t.test('each state has its interval', async (t) => {
  const rows = [
    [true, 'unchanged', true, 1],
    [true, 'changed', true, 1],
    [true, 'change-pending', true, 4],
    [false, 'unchanged', true, 2],
    [false, 'changed', true, 2],
    [false, 'change-pending', true, 3],
    [true, 'unchanged', false, 6],
    [true, 'changed', false, 6],
    [true, 'change-pending', false, 5],
    [false, 'unchanged', false, 5],
    [false, 'change-pending', false, 5],
  ] as const;
  for (const [hasPassed, transition, hadTraffic, expected] of rows) {
    const outcome = { hasPassed, transition, hadTraffic };
    t.equal(nextCheckMs(DISTINCT, outcome, random), expected, JSON.stringify(outcome));
  }
});

const STEADY = { hasPassed: true, transition: 'unchanged', hadTraffic: true } as const;

t.test('both jitters are added, each below its bound', async (t) => {
  const config = checkIntervals({ intervalMs: 1000, jitterMs: 100, jitterPercent: 50 });
  const delays = Array.from({ length: 1000 }, () => nextCheckMs(config, STEADY, random));
  t.ok(Math.min(...delays) >= 1000);
  t.ok(Math.max(...delays) < 1600);
  t.ok(Math.max(...delays) > 1500, 'they add up');
});

t.test('runtime bounds intervals, and there is always some pause', async (t) => {
  t.equal(nextCheckMs(checkIntervals({ minMs: 5000 }), STEADY, random), 5000);
  t.equal(nextCheckMs(checkIntervals({ maxMs: 10 }), STEADY, random), 10);
  t.equal(nextCheckMs(checkIntervals({ intervalMs: 0 }), STEADY, random), 1);
});

t.test('the first check comes at once, or by chance within the initial jitter', async (t) => {
  t.equal(firstCheckMs(checkIntervals({ minMs: 5000 }), random), 0);
  const config = checkIntervals({ initialJitterMs: 100 });
  const delays = Array.from({ length: 1000 }, () => firstCheckMs(config, random));
  t.ok(Math.min(...delays) >= 1);
  t.ok(Math.max(...delays) < 100);
  t.ok(new Set(delays).size > 50);
});
