// Hosts of what is told with the objects of before are those of what is told in copies.
import t from 'tap';
import { randomBelow } from '../../proxy/base/random.ts';
import type { EndpointConfig } from '../../proxy/model/cluster.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import { updateHosts } from '../../proxy/upstream/host-update.ts';
import type { ResolvedEndpoint } from '../../proxy/upstream/resolved-endpoint.ts';
import { clusterConfig, endpointConfig } from '../support/cluster-config.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';

const CONFIG = clusterConfig({ discovery: 'eds', endpoints: [] });

function told(endpoints: readonly EndpointConfig[]): readonly ResolvedEndpoint[] {
  return endpoints.map((endpoint, endpointIndex) => {
    return { ip: endpoint.address, port: endpoint.port, endpointIndex, endpoint };
  });
}

const at = (port: number, members: Partial<EndpointConfig> = {}) =>
  endpointConfig({ port, ...members });

function namesOf(hosts: readonly Host[]): readonly string[] {
  return hosts.map(({ address, endpoint }) =>
    [address.text, endpoint.priority, endpoint.weight].join(' '),
  );
}

t.test('hosts whose endpoint is the object that it was are kept as they are', async (t) => {
  const [a, b, c, d] = [at(1), at(2), at(3), at(4)];
  const { hosts } = updateHosts(CONFIG, [], told([a, b, c]));
  const same = updateHosts(CONFIG, hosts, told([a, b, c]));
  t.ok(same.hosts.every((host, index) => host === hosts[index]));
  t.match(same, { added: [], removed: [], isRevised: false });
  const next = updateHosts(CONFIG, hosts, told([a, d, c]));
  t.equal(next.hosts[0], hosts[0]);
  t.equal(next.hosts[2], hosts[2]);
  t.same(namesOf(next.added), ['127.0.0.1:4 0 1']);
  t.same(next.removed, [hosts[1]]);
});

t.test('what is said otherwise of a host that stays is seen', async (t) => {
  const [a, b] = [at(1), at(2)];
  const { hosts } = updateHosts(CONFIG, [], told([a, b]));
  const heavy = at(2, { weight: 7 });
  const next = updateHosts(CONFIG, hosts, told([a, heavy]));
  t.equal(next.hosts[1], hosts[1]);
  t.equal(hosts[1]?.weight, 7);
  t.match(next, { added: [], removed: [], isRevised: true });
});

t.test('with or without the objects of before it comes to the same', async (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const below = (count: number): number => randomBelow(random, count);
  const pool = Array.from({ length: 12 }, (_, index) =>
    at(1 + (index % 6), { priority: index % 2, weight: 1 + (index % 3) }),
  );
  let shared: readonly Host[] = [];
  let copied: readonly Host[] = [];
  let before: EndpointConfig[] = [];
  for (let round = 0; round < 500; round += 1) {
    const next = [...before];
    for (let changes = 1 + below(3); changes > 0; changes -= 1) {
      next.splice(below(next.length + 1), below(3), ...pool.slice(below(12)).slice(0, below(3)));
    }
    before = next.slice(0, 10);
    const left = updateHosts(CONFIG, shared, told(before));
    const right = updateHosts(CONFIG, copied, told(before.map((each) => ({ ...each }))));
    const what = `seed ${seed}, round ${round}`;
    t.same(namesOf(left.hosts), namesOf(right.hosts), what);
    t.same(namesOf(left.added), namesOf(right.added), what);
    t.same(namesOf(left.removed).toSorted(), namesOf(right.removed).toSorted(), what);
    t.equal(left.isRevised, right.isRevised, what);
    t.ok(left.hosts.every((host) => left.added.includes(host) || shared.includes(host)));
    [shared, copied] = [left.hosts, right.hosts];
  }
});
