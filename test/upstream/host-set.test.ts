import t from 'tap';
import { HostSet } from '../../proxy/upstream/host-set.ts';
import { host } from '../support/hosts.ts';

t.test('hosts are sorted by priority and health', async (t) => {
  const hosts = [
    host(),
    host({ healthStatus: 'degraded' }),
    host({ priority: 2 }),
    host({ healthStatus: 'unhealthy' }),
  ];
  const { priorities } = new HostSet(hosts);
  t.equal(priorities.length, 3);
  t.strictSame(priorities[0]?.all, [hosts[0], hosts[1], hosts[3]]);
  t.strictSame(priorities[0]?.healthy, [hosts[0]]);
  t.strictSame(priorities[0]?.degraded, [hosts[1]]);
  t.strictSame(priorities[1]?.all, [], 'a gap is an empty priority');
  t.strictSame(priorities[2]?.healthy, [hosts[2]]);
});

t.test('no host makes one empty priority', async (t) => {
  t.strictSame(new HostSet([]).priorities, [{ all: [], healthy: [], degraded: [], counted: [] }]);
});

t.test('the requests of all hosts stand side by side, also for parts of the set', async (t) => {
  const hosts = [host(), host(), host()];
  const whole = new HostSet(hosts);
  const parts = [whole.subset(hosts.slice(0, 2)), whole.subset(hosts.slice(1))];
  for (const part of parts) part.countSideBySide();
  const [first] = hosts;
  t.not(first?.stats.activeCells, null);
  t.ok(hosts.every(({ stats }) => stats.activeCells === first?.stats.activeCells));
  t.strictSame(
    hosts.map(({ stats }) => stats.activeCell),
    [0, 1, 2],
  );
});
