// What every load balancing policy must do, whatever its order of picking.
import t from 'tap';
import type { LoadBalancerConfig } from '../../proxy/model/load-balancing.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import type { LoadBalancerContext } from '../../proxy/upstream/cluster-manager.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import { HostSet } from '../../proxy/upstream/host-set.ts';
import { LoadBalancerStats } from '../../proxy/upstream/lb/load-balancer-stats.ts';
import { makeBalancer } from '../../proxy/upstream/lb/make-balancer.ts';
import { balancerContext, host } from '../support/hosts.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** A balancer over hosts, and how often it panicked. */
export function balancer(
  config: LoadBalancerConfig,
  hosts: readonly Host[],
  seed = 1,
  clock = { ms: 0 },
): { pick: () => Host | null; panics: () => number } {
  const stats = new LoadBalancerStats(new StatsStore(null).scope('c'));
  const priorities = {
    overprovisioningPercent: 140,
    panicThresholdPercent: 50,
    ignoresUncheckedHosts: false,
    isHealthWeighted: false,
  };
  const nowMs = () => clock.ms;
  const own = { locality: null, isNamed: false, hosts: () => null };
  const options = { config, priorities, random: seededRandom(seed), nowMs, stats, own };
  const made = makeBalancer(new HostSet(hosts), options, null);
  const context: LoadBalancerContext = balancerContext();
  return { pick: () => made.pick(context), panics: () => stats.healthyPanic.value };
}

/** How often each host is picked in `count` picks. */
export function tally(pick: () => Host | null, count: number): Map<Host | null, number> {
  const picks = new Map<Host | null, number>();
  for (let index = 0; index < count; index += 1) {
    const picked = pick();
    picks.set(picked, (picks.get(picked) ?? 0) + 1);
  }
  return picks;
}

/** Runs the suite for one policy. */
export function testBalancer(config: LoadBalancerConfig): void {
  t.test(`${config.kind}: no host at all gives none`, async (t) => {
    const none = balancer(config, []);
    t.equal(none.pick(), null);
    t.equal(none.panics(), 1, 'and is counted as panic');
  });

  t.test(`${config.kind}: a single host is always picked`, async (t) => {
    const only = host({ weight: 7 });
    t.strictSame([...tally(balancer(config, [only]).pick, 50)], [[only, 50]]);
  });

  t.test(`${config.kind}: equal hosts get about equal shares`, async (t) => {
    const hosts = Array.from({ length: 5 }, () => host());
    const picks = tally(balancer(config, hosts).pick, 5000);
    for (const each of hosts) {
      const share = picks.get(each) ?? 0;
      t.ok(share > 850 && share < 1150, `${share} of 5000`);
    }
  });

  t.test(
    `${config.kind}: unhealthy and degraded hosts rest while healthy ones suffice`,
    async (t) => {
      const healthy = [host(), host(), host()];
      const others = [host({ healthStatus: 'unhealthy' }), host({ healthStatus: 'degraded' })];
      // 3 of 4 is 75 %, times 1.4 more than enough.
      const picks = tally(balancer(config, [...healthy, others[1] as Host]).pick, 500);
      t.strictSame(new Set(picks.keys()), new Set(healthy));
      const withSick = tally(balancer(config, [...healthy, others[0] as Host]).pick, 500);
      t.strictSame(new Set(withSick.keys()), new Set(healthy));
    },
  );

  t.test(`${config.kind}: too few healthy hosts and all are used`, async (t) => {
    const hosts = [
      host(),
      host({ healthStatus: 'unhealthy' }),
      host({ healthStatus: 'unhealthy' }),
    ];
    const { pick, panics } = balancer(config, hosts);
    t.strictSame(new Set(tally(pick, 300).keys()), new Set(hosts));
    t.equal(panics(), 300);
  });

  t.test(
    `${config.kind}: traffic goes to the next priority as hosts of the first fail`,
    async (t) => {
      const first = [host(), host({ healthStatus: 'unhealthy' })];
      const second = [host({ priority: 1 }), host({ priority: 1 })];
      const { pick, panics } = balancer(config, [...first, ...second]);
      const picks = tally(pick, 10000);
      // 1 of 2 healthy, times 1.4: 70 % stay.
      const stayed = picks.get(first[0] as Host) ?? 0;
      t.ok(stayed > 6700 && stayed < 7300, `${stayed} of 10000`);
      t.equal(picks.get(first[1] as Host), undefined);
      t.equal(panics(), 0, 'the second has room enough');
    },
  );

  t.test(`${config.kind}: the same seed picks the same hosts`, async (t) => {
    const hosts = Array.from({ length: 7 }, (_, index) => host({ weight: 1 + (index % 3) }));
    const sequence = (): (Host | null)[] => {
      const { pick } = balancer(config, hosts, 42);
      return Array.from({ length: 100 }, pick);
    };
    t.strictSame(sequence(), sequence());
  });
}
