import t from 'tap';
import type { LocalityRulesConfig } from '../../../proxy/model/load-balancing.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import type { Host } from '../../../proxy/upstream/host.ts';
import { HostSet } from '../../../proxy/upstream/host-set.ts';
import { LoadBalancerStats } from '../../../proxy/upstream/lb/load-balancer-stats.ts';
import { makeBalancer } from '../../../proxy/upstream/lb/make-balancer.ts';
import { tally } from '../../conformance/balancer.ts';
import { clusterConfig } from '../../support/cluster-config.ts';
import { balancerContext, host } from '../../support/hosts.ts';
import { ROUND_ROBIN, zoneAware } from '../../support/lb-configs.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const PICKS = 20_000;

function hostsIn(zone: string, count: number, healthStatus: 'healthy' | 'unhealthy' = 'healthy') {
  const locality = { region: 'r', zone, subZone: '' };
  return Array.from({ length: count }, () => host({ locality, healthStatus }));
}

/** Shares of zones a and b for a proxy in zone a. */
function shares(
  upstream: readonly (readonly Host[])[],
  proxies: readonly Host[],
  locality: LocalityRulesConfig = zoneAware(),
) {
  const stats = new LoadBalancerStats(new StatsStore(null).scope('c'));
  const proxySet = new HostSet(proxies);
  const own = {
    locality: { region: 'r', zone: 'a', subZone: '' },
    isNamed: true,
    hosts: () => proxySet,
  };
  const options = {
    ...{ config: { ...ROUND_ROBIN, locality }, priorities: clusterConfig().priorities },
    ...{ random: seededRandom(3), nowMs: () => 0, stats, own },
  };
  const made = makeBalancer(new HostSet(upstream.flat()), options, null);
  const context = balancerContext();
  const picks = tally(() => made.pick(context), PICKS);
  const of = (hosts: readonly Host[]) =>
    hosts.reduce((sum, each) => sum + (picks.get(each) ?? 0), 0) / PICKS;
  return { zones: upstream.map(of), none: (picks.get(null) ?? 0) / PICKS, stats };
}

t.test('all stays in the own zone where it has hosts enough', async (t) => {
  const proxies = [...hostsIn('a', 2), ...hostsIn('b', 2)];
  const { zones, stats } = shares([hostsIn('a', 4), hostsIn('b', 4)], proxies);
  t.same(zones, [1, 0]);
  t.equal(stats.zoneRoutingAllDirectly.value, PICKS);
  t.equal(stats.recalculateZoneStructures.value, 1);
});

t.test('what the own zone cannot take goes where there is room', async (t) => {
  // Half of the proxies, a quarter of the hosts: half of what they send stays.
  const proxies = [...hostsIn('a', 2), ...hostsIn('b', 2)];
  const { zones, stats } = shares([hostsIn('a', 2), hostsIn('b', 6)], proxies);
  t.ok(Math.abs((zones[0] ?? 0) - 0.5) < 0.02, String(zones));
  t.equal(stats.zoneRoutingSampled.value + stats.zoneRoutingCrossZone.value, PICKS);
});

t.test('room is shared by how much there is', async (t) => {
  const proxies = [...hostsIn('a', 8), ...hostsIn('b', 1), ...hostsIn('c', 1)];
  const { zones } = shares([hostsIn('a', 2), hostsIn('b', 2), hostsIn('c', 6)], proxies);
  // a: 20 of 80 stay. b has 10 % more than it needs itself, c 50 %.
  const expected = [0.25, 0.75 / 6, (0.75 * 5) / 6];
  zones.forEach((share, index) => {
    t.ok(Math.abs(share - (expected[index] ?? 0)) < 0.02, `${share} beside ${expected[index]}`);
  });
});

t.test('a zone may be forced', async (t) => {
  const proxies = [...hostsIn('a', 2), ...hostsIn('b', 2)];
  const upstream = [hostsIn('a', 2), hostsIn('b', 6)];
  t.same(shares(upstream, proxies, zoneAware({ forcedLocalMinSize: 2 })).zones, [1, 0]);
  const { zones } = shares(upstream, proxies, zoneAware({ forcedLocalMinSize: 3 }));
  t.ok((zones[1] ?? 0) > 0.4, 'too few hosts for that');
});

t.test(
  'zones do not matter in small clusters, nor without proxies, nor where switched off',
  async (t) => {
    const proxies = hostsIn('a', 2);
    const small = shares([hostsIn('a', 2), hostsIn('b', 3)], proxies);
    t.equal(small.stats.zoneClusterTooSmall.value, 1);
    t.ok(Math.abs((small.zones[0] ?? 0) - 0.4) < 0.01);
    const alone = shares([hostsIn('a', 4), hostsIn('b', 4)], []);
    t.equal(alone.stats.localClusterNotOk.value, 1);
    t.ok(Math.abs((alone.zones[0] ?? 0) - 0.5) < 0.01);
    const off = zoneAware({ routingEnabledPercent: 0 });
    const switchedOff = shares([hostsIn('a', 4), hostsIn('b', 4)], proxies, off);
    t.ok(Math.abs((switchedOff.zones[0] ?? 0) - 0.5) < 0.01);
  },
);

t.test('proxies that panic know nothing of their zones', async (t) => {
  const proxies = [...hostsIn('a', 1), ...hostsIn('b', 3, 'unhealthy')];
  const upstream = [hostsIn('a', 4), hostsIn('b', 8)];
  const { zones, stats } = shares(upstream, proxies);
  t.ok(Math.abs((zones[0] ?? 0) - 1 / 3) < 0.01);
  t.equal(stats.localClusterNotOk.value, PICKS);
  t.equal(shares(upstream, proxies, zoneAware({ failsOnPanic: true })).none, 1);
});
