import t from 'tap';
import { socketAddress } from '../../../../proxy/base/address.ts';
import { xxHash64 } from '../../../../proxy/base/xx-hash.ts';
import type { EndpointConfig } from '../../../../proxy/model/cluster.ts';
import type { LoadBalancerConfig } from '../../../../proxy/model/load-balancing.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import { Host } from '../../../../proxy/upstream/host.ts';
import { HostSet } from '../../../../proxy/upstream/host-set.ts';
import {
  hashedHosts,
  hashedLocalities,
} from '../../../../proxy/upstream/lb/consistent/hashed-hosts.ts';
import { MaglevWork } from '../../../../proxy/upstream/lb/consistent/maglev.ts';
import { RingWork } from '../../../../proxy/upstream/lb/consistent/ring-hash.ts';
import { finish } from '../../../../proxy/upstream/lb/consistent/sliced-work.ts';
import { PickRequest } from '../../../../proxy/upstream/lb/load-balancer.ts';
import { LoadBalancerStats } from '../../../../proxy/upstream/lb/load-balancer-stats.ts';
import { makeBalancer } from '../../../../proxy/upstream/lb/make-balancer.ts';
import { testBalancer } from '../../../conformance/balancer.ts';
import { endpointConfig } from '../../../support/cluster-config.ts';
import { balancerContext } from '../../../support/hosts.ts';
import { maglevConfig, ringHashConfig } from '../../../support/lb-configs.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const CLUSTER = { name: 'c', observabilityName: 'c' };
const CONSISTENT = { usesHostname: false, balanceFactorPercent: 0, isLocalityWeighted: false };
const SAMPLE = 20_000;

testBalancer(ringHashConfig({ minimumRingSize: 65_536 }));
testBalancer(maglevConfig());

function hostAt(port: number, members: Partial<EndpointConfig> = {}): Host {
  const endpoint = endpointConfig({ port, ...members });
  return new Host(socketAddress('10.0.0.1', port), endpoint, CLUSTER);
}

function hostsAt(count: number): Host[] {
  return Array.from({ length: count }, (_, index) => hostAt(8000 + index));
}

/** Picks with the hash of `key`, as a route's hash policy would have it. */
function picker(config: LoadBalancerConfig, hosts: readonly Host[]) {
  const options = {
    ...{ config, random: seededRandom(1), nowMs: () => 0 },
    stats: new LoadBalancerStats(new StatsStore(null).scope('c')),
    own: { locality: null, isNamed: false, hosts: () => null },
    priorities: {
      overprovisioningPercent: 140,
      panicThresholdPercent: 50,
      ignoresUncheckedHosts: false,
      isHealthWeighted: false,
    },
  };
  const made = makeBalancer(new HostSet(hosts), options, null);
  return (key: string, rejected: readonly Host[] = [], attempts = 0): Host | null => {
    const hash = { high: 0, low: 0 };
    xxHash64(key, hash);
    const rejectsHost = (host: Host) => rejected.includes(host);
    const context = { ...balancerContext(), hash: () => hash, rejectsHost };
    return made.pick({ ...context, hostSelectionAttempts: attempts });
  };
}

for (const config of [ringHashConfig(), maglevConfig()]) {
  t.test(
    `${config.kind}: a key goes to the same host, whatever the order of the hosts`,
    async (t) => {
      const hosts = hostsAt(7);
      const pick = picker(config, hosts);
      const reversed = picker(config, [...hosts].reverse());
      for (let key = 0; key < 200; key += 1) {
        t.equal(pick(`k${key}`), pick(`k${key}`));
        t.equal(pick(`k${key}`), reversed(`k${key}`));
      }
    },
  );

  t.test(`${config.kind}: a host that goes moves few keys but its own`, async (t) => {
    const hosts = hostsAt(10);
    const before = picker(config, hosts);
    const after = picker(config, hosts.slice(0, 9));
    let moved = 0;
    for (let key = 0; key < SAMPLE; key += 1) {
      const old = before(`k${key}`);
      if (old !== hosts[9] && old !== after(`k${key}`)) moved += 1;
    }
    // As Envoy: with fewer hosts each stands on the ring more often, which moves some more.
    t.ok(moved < SAMPLE / 10, `${moved} of ${SAMPLE}`);
  });

  t.test(`${config.kind}: shares follow weights`, async (t) => {
    const hosts = [hostAt(8000, { weight: 1 }), hostAt(8001, { weight: 3 })];
    const pick = picker(config, hosts);
    let heavy = 0;
    for (let key = 0; key < SAMPLE; key += 1) if (pick(`k${key}`) === hosts[1]) heavy += 1;
    t.ok(heavy > SAMPLE * 0.68 && heavy < SAMPLE * 0.82, `${heavy} of ${SAMPLE}`);
  });

  t.test(`${config.kind}: a host that is not wanted is passed by`, async (t) => {
    const hosts = hostsAt(5);
    const pick = picker(config, hosts);
    for (let key = 0; key < 50; key += 1) {
      const first = pick(`k${key}`) as Host;
      t.equal(pick(`k${key}`, [first]), first, 'without another attempt it is taken all the same');
      t.not(pick(`k${key}`, [first], 64), first);
    }
  });

  t.test(`${config.kind}: a host over its share passes on what hashes to it`, async (t) => {
    const consistent = { ...CONSISTENT, balanceFactorPercent: 100 };
    const hosts = hostsAt(4);
    const pick = picker({ ...config, consistent } as LoadBalancerConfig, hosts);
    const first = pick('k') as Host;
    first.stats.rqActive = 8;
    const second = pick('k') as Host;
    t.not(second, first);
    t.equal(pick('k'), second, 'and always to the same other');
    first.stats.rqActive = 0;
    t.equal(pick('k'), first, 'until it has room again');
  });
}

t.test('a ring has as many points as were asked for, each host its share', async (t) => {
  const ring = (weights: readonly number[], minimumRingSize: number) => {
    const hosts = weights.map((weight, index) => hostAt(8000 + index, { weight }));
    return finish(new RingWork(hashedHosts(hosts, CONSISTENT), ringHashConfig({ minimumRingSize })))
      .facts;
  };
  t.same(ring([1, 1, 1], 1024), { size: 1026, minHashesPerHost: 342, maxHashesPerHost: 342 });
  t.same(ring([1, 2, 3], 12), { size: 12, minHashesPerHost: 2, maxHashesPerHost: 6 });
  t.same(ring([1, 1], 1), { size: 2, minHashesPerHost: 1, maxHashesPerHost: 1 });
});

t.test('a table is full, and fair to within a slot or two', async (t) => {
  const table = finish(new MaglevWork(hashedHosts(hostsAt(6), CONSISTENT), 65_537));
  t.same(table.facts, { minEntriesPerHost: 10_922, maxEntriesPerHost: 10_923 });
});

t.test('metadata or the hostname may stand for a host', async (t) => {
  const metadata = { 'envoy.lb': { hash_key: 'stable' } };
  const named = hostAt(8000, { metadata, hostname: 'a.test' });
  const plain = hostAt(8001, { hostname: 'b.test' });
  const keys = (usesHostname: boolean) =>
    hashedHosts([named, plain], { ...CONSISTENT, usesHostname }).map(({ key }) => key);
  t.same(keys(false), ['stable', '10.0.0.1:8001']);
  t.same(keys(true), ['stable', 'b.test']);
});

t.test('weighted localities share first, their hosts then', async (t) => {
  const localities = [
    { hosts: [hostAt(1)], weight: 3 },
    { hosts: [hostAt(2), hostAt(3)], weight: 1 },
    { hosts: [hostAt(4)], weight: 0 },
  ];
  const weights = hashedLocalities(localities, CONSISTENT);
  t.same(
    weights.map(({ weight }) => weight),
    [0.75, 0.125, 0.125],
  );
});

t.test('the hash of a request beyond the last point wraps around', async (t) => {
  const ring = finish(new RingWork(hashedHosts(hostsAt(3), CONSISTENT), ringHashConfig()));
  const request = new PickRequest();
  request.hash.high = 0xffff_ffff;
  request.hash.low = 0xffff_ffff;
  const last = ring.pick(request);
  request.hash.high = 0;
  request.hash.low = 0;
  t.equal(ring.pick(request), last);
});
