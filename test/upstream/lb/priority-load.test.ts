import t from 'tap';
import { type PriorityLoad, priorityLoad } from '../../../proxy/upstream/lb/priority-load.ts';

/** Loads for `[total, healthy, degraded]` per priority. */
function load(...counts: [total: number, healthy: number, degraded?: number][]): PriorityLoad {
  return loadBy(140, 50, ...counts);
}

/** The same with another overprovisioning factor and panic threshold. */
function loadBy(
  overprovisioningPercent: number,
  panicThresholdPercent: number,
  ...counts: [total: number, healthy: number, degraded?: number][]
): PriorityLoad {
  return priorityLoad(
    counts.map(([total, healthy, degraded = 0]) => ({ total, healthy, degraded })),
    {
      ...{ overprovisioningPercent, panicThresholdPercent },
      ...{ ignoresUncheckedHosts: false, isHealthWeighted: false },
    },
  );
}

t.test('72 % healthy is as good as all', async (t) => {
  t.strictSame(load([100, 72], [100, 100]).healthy, [100, 0]);
  t.strictSame(load([100, 71], [100, 100]).healthy, [99, 1]);
  t.strictSame(load([100, 50], [100, 100]).healthy, [70, 30]);
  t.strictSame(load([100, 0], [100, 100]).healthy, [0, 100]);
  t.strictSame(load([100, 25], [100, 25], [100, 100]).healthy, [35, 35, 30]);
});

t.test('degraded hosts come after the healthy ones of all priorities', async (t) => {
  const mixed = load([100, 20, 80], [100, 50]);
  t.strictSame(mixed.healthy, [28, 70]);
  t.strictSame(mixed.degraded, [2, 0]);
  const allDegraded = load([10, 0, 10]);
  t.strictSame([allDegraded.healthy, allDegraded.degraded], [[0], [100]]);
  t.strictSame(allDegraded.panics, [false]);
});

t.test('too little everywhere is scaled up to 100, the rest goes to the first', async (t) => {
  const scaled = load([100, 20], [100, 30]);
  t.strictSame(scaled.panics, [true, true]);
  const partly = load([10, 6], [10, 0]);
  t.strictSame(partly.healthy, [100, 0]);
  t.strictSame(partly.panics, [false, true], 'who gets nothing may panic');
  const thirds = load([3, 2], [6, 0]);
  t.equal(thirds.healthy[0], 100);
});

t.test('when all panic, traffic follows the number of hosts', async (t) => {
  const panic = load([30, 0], [10, 0]);
  t.strictSame(panic.healthy, [75, 25]);
  t.strictSame(panic.panics, [true, true]);
  t.strictSame(load([1, 0], [2, 0]).healthy, [34, 66], 'the rest goes to the first');
  t.strictSame(load([0, 0], [2, 0]).healthy, [0, 100]);
});

t.test('no host at all leaves everything to the first priority', async (t) => {
  t.strictSame(load([0, 0]).healthy, [100]);
  t.strictSame(load([0, 0], [0, 0]).healthy, [100, 0]);
});

t.test('shares make 100 whatever the counts', async (t) => {
  for (let total = 1; total <= 12; total += 1) {
    for (let healthy = 0; healthy <= total; healthy += 1) {
      const degraded = Math.min(total - healthy, healthy % 3);
      const shares = load([total, healthy, degraded], [7, healthy % 8], [3, total % 4]);
      const sum = [...shares.healthy, ...shares.degraded].reduce((left, right) => left + right, 0);
      t.equal(sum, 100, `${total} ${healthy} ${degraded}`);
    }
  }
});

t.test('the overprovisioning factor says how much a healthy host is worth', async (t) => {
  t.strictSame(loadBy(100, 50, [100, 72], [100, 100]).healthy, [72, 28]);
  t.strictSame(loadBy(200, 50, [100, 50], [100, 100]).healthy, [100, 0]);
  t.strictSame(loadBy(10, 50, [100, 100], [100, 100]).healthy, [50, 50], 'scaled up to 100');
});

t.test('the panic threshold says when health is not looked at', async (t) => {
  t.strictSame(loadBy(140, 51, [2, 1]).panics, [true]);
  t.strictSame(loadBy(140, 50, [2, 1]).panics, [false]);
  t.strictSame(loadBy(140, 10, [100, 9], [100, 10]).panics, [true, false]);
  t.strictSame(loadBy(90, 100, [1, 1]).panics, [false], 'every host is usable');
});

t.test('without panic, traffic without a usable host stays with the first priority', async (t) => {
  const off = loadBy(140, 0, [2, 0], [2, 0]);
  t.strictSame(
    [off.healthy, off.degraded, off.panics],
    [
      [100, 0],
      [0, 0],
      [false, false],
    ],
  );
  t.strictSame(loadBy(140, 0, [10, 1], [10, 0]).panics, [false, false]);
});
