import t from 'tap';
import type { SubsetsConfig } from '../../../../proxy/model/load-balancing.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import type { Host } from '../../../../proxy/upstream/host.ts';
import { HostSet } from '../../../../proxy/upstream/host-set.ts';
import type { LoadBalancer } from '../../../../proxy/upstream/lb/load-balancer.ts';
import { LoadBalancerStats } from '../../../../proxy/upstream/lb/load-balancer-stats.ts';
import { makeBalancer } from '../../../../proxy/upstream/lb/make-balancer.ts';
import { testBalancer } from '../../../conformance/balancer.ts';
import { clusterConfig } from '../../../support/cluster-config.ts';
import { balancerContext, host } from '../../../support/hosts.ts';
import { ROUND_ROBIN, subsetConfig } from '../../../support/lb-configs.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const BY_STAGE = { selectors: [selector('stage')] };

testBalancer(subsetConfig({ fallback: 'any-endpoint' }));

function selector(...keys: readonly string[]): SubsetsConfig['selectors'][number] {
  return { keys, singleHostPerSubset: false, fallback: 'not-defined', fallbackKeys: [] };
}

function at(stage: string, more: Readonly<Record<string, unknown>> = {}): Host {
  return host({ metadata: { 'envoy.lb': { stage, ...more } } });
}

const stats = new LoadBalancerStats(new StatsStore(null).scope('c'));

function balancerOf(
  hosts: readonly Host[],
  members: Partial<SubsetsConfig>,
  previous: LoadBalancer | null = null,
): LoadBalancer {
  const options = {
    ...{ config: subsetConfig(members), priorities: clusterConfig().priorities, stats },
    ...{
      random: seededRandom(1),
      nowMs: () => 0,
      own: { locality: null, isNamed: false, hosts: () => null },
    },
  };
  return makeBalancer(new HostSet(hosts), options, previous);
}

function picked(balancer: LoadBalancer, metadataMatch: Readonly<Record<string, unknown>>) {
  const context = { ...balancerContext(), metadataMatch };
  return new Set(Array.from({ length: 10 }, () => balancer.pick(context)));
}

t.test(
  'a subset without healthy hosts panics within; only one without hosts falls back',
  async (t) => {
    const well = at('prod');
    const ill = host({ healthStatus: 'unhealthy', metadata: { 'envoy.lb': { stage: 'dev' } } });
    const balancer = balancerOf([well, ill], { ...BY_STAGE, fallback: 'any-endpoint' });
    t.same(picked(balancer, { stage: 'dev' }), new Set([ill]));
    // One of two is 50 %, enough not to panic.
    t.same(picked(balancer, { stage: 'none' }), new Set([well]));
  },
);

t.test('counts subsets that come and go', async (t) => {
  const hosts = [at('prod'), at('prod'), at('dev')];
  const first = balancerOf(hosts, BY_STAGE);
  t.equal(stats.subsetsActive.value, 2);
  const created = stats.subsetsCreated.value;
  balancerOf([...hosts.slice(0, 2), at('test'), at('qa')], BY_STAGE, first);
  t.equal(stats.subsetsActive.value, 3);
  t.equal(stats.subsetsCreated.value - created, 2);
  t.equal(stats.subsetsRemoved.value, 1);
});

t.test('values are the same when their JSON is, whatever the order of keys', async (t) => {
  const one = host({ metadata: { 'envoy.lb': { a: { x: 1, y: [true, null] } } } });
  const balancer = balancerOf([one, at('b')], { selectors: [selector('a')] });
  t.same(picked(balancer, { a: { y: [true, null], x: 1 } }), new Set([one]));
  t.same(picked(balancer, { a: { y: [null, true], x: 1 } }), new Set([null]));
  t.same(picked(balancer, { a: '{"x":1,"y":[true,null]}' }), new Set([null]));
});

t.test('keys that end as others begin are other subsets', async (t) => {
  const one = host({ metadata: { 'envoy.lb': { a: 'x\n"b":"y"', b: 'z' } } });
  const balancer = balancerOf([one], { selectors: [selector('a', 'b')] });
  t.same(picked(balancer, { a: 'x', b: 'y"\n"b":"z' }), new Set([null]));
  t.same(picked(balancer, { a: 'x\n"b":"y"', b: 'z' }), new Set([one]));
});

t.test('the selector with most keys wins where a request may have more', async (t) => {
  const [first, second] = [at('prod', { v: 1 }), at('prod', { v: 2 })];
  const selectors = [selector('stage'), selector('stage', 'v')];
  const balancer = balancerOf([first, second], { selectors, allowsRedundantKeys: true });
  t.same(picked(balancer, { stage: 'prod', v: 2, more: 'x' }), new Set([second]));
  t.same(picked(balancer, { stage: 'prod', more: 'x' }), new Set([first, second]));
  t.same(picked(balancer, { stage: 'prod', v: 3 }), new Set([null]), 'its values must be there');
});

t.test('a weight of a locality follows its hosts in the subset', async (t) => {
  const inZone = (zone: string, localityWeight: number, stage: string) =>
    host({
      ...{ localityWeight, locality: { region: 'r', zone, subZone: '' } },
      metadata: { 'envoy.lb': { stage } },
    });
  const zoneA = [
    inZone('a', 8, 'x'),
    inZone('a', 8, 'y'),
    inZone('a', 8, 'y'),
    inZone('a', 8, 'y'),
  ];
  const zoneB = [inZone('b', 2, 'x')];
  const inner = { ...ROUND_ROBIN, locality: { kind: 'weighted' } as const };
  const aware = { ...BY_STAGE, isLocalityWeightAware: true };
  const share = (members: Partial<SubsetsConfig>) => {
    const config = { ...subsetConfig(members), inner };
    const options = {
      ...{ config, priorities: clusterConfig().priorities, stats, random: seededRandom(1) },
      ...{ nowMs: () => 0, own: { locality: null, isNamed: false, hosts: () => null } },
    };
    const balancer = makeBalancer(new HostSet([...zoneA, ...zoneB]), options, null);
    const context = { ...balancerContext(), metadataMatch: { stage: 'x' } };
    let count = 0;
    for (let pick = 0; pick < 1000; pick += 1) if (balancer.pick(context) === zoneA[0]) count += 1;
    return count;
  };
  t.equal(share(aware), 800, 'as written');
  t.equal(share({ ...aware, scalesLocalityWeight: true }), 500, 'a quarter of 8 beside 2');
  t.equal(share(BY_STAGE), 500, 'nobody looks at it');
});
