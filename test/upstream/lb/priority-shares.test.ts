import t from 'tap';
import { PriorityShares, shareAt } from '../../../proxy/upstream/lb/priority-shares.ts';
import { balancerContext } from '../../support/hosts.ts';

const COUNTS = [
  { total: 10, healthy: 4, degraded: 0 },
  { total: 10, healthy: 1, degraded: 1 },
];

function rules(panicThresholdPercent: number) {
  return {
    ...{ overprovisioningPercent: 100, panicThresholdPercent },
    ...{ ignoresUncheckedHosts: false, isHealthWeighted: false },
  };
}

t.test('the threshold holds as soon as the runtime has another one', async (t) => {
  const live = rules(0);
  const shares = new PriorityShares(COUNTS, live);
  t.strictSame(
    [0, 1].map((priority) => shares.panicsAt(priority)),
    [false, false],
  );
  live.panicThresholdPercent = 30;
  t.strictSame(
    [0, 1].map((priority) => shares.panicsAt(priority)),
    [false, true],
  );
  live.panicThresholdPercent = 50;
  t.strictSame(
    [0, 1].map((priority) => shares.panicsAt(priority)),
    [true, true],
  );
  t.equal(shareAt(shares.all(), 50).priority, 0);
  t.equal(shareAt(shares.all(), 51).priority, 1, 'all panic: by numbers of hosts');
});

t.test('a retry avoids what was tried, until nothing is left', async (t) => {
  const shares = new PriorityShares(COUNTS, rules(0));
  let forgotten = 0;
  const forgetTriedPriorities = (): void => {
    forgotten += 1;
  };
  const context = { ...balancerContext(), forgetTriedPriorities };
  const priorities = (tried: readonly number[]) => [
    ...new Set(shares.without(tried, context).map(({ priority }) => priority)),
  ];
  t.strictSame(priorities([]), [0, 1]);
  t.strictSame(priorities([0]), [1]);
  t.strictSame(priorities([1, 1]), [0]);
  t.strictSame(priorities([7]), [0, 1], 'there is none such');
  t.equal(forgotten, 0);
  t.strictSame(priorities([0, 1]), [0, 1]);
  t.equal(forgotten, 1);
});
