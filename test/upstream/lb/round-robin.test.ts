import t from 'tap';
import type { Host } from '../../../proxy/upstream/host.ts';
import { balancer, tally, testBalancer } from '../../conformance/balancer.ts';
import { host } from '../../support/hosts.ts';
import { ROUND_ROBIN } from '../../support/lb-configs.ts';

testBalancer(ROUND_ROBIN);

t.test('hosts of equal weight are picked strictly in turn', async (t) => {
  const hosts = Array.from({ length: 3 }, () => host({ weight: 4 }));
  const { pick } = balancer(ROUND_ROBIN, hosts);
  const first = pick();
  const start = hosts.indexOf(first as Host);
  for (let turn = 1; turn < 10; turn += 1) t.equal(pick(), hosts[(start + turn) % 3]);
});

t.test('it starts anywhere', async (t) => {
  const hosts = Array.from({ length: 4 }, () => host());
  const firsts = new Set(
    Array.from({ length: 40 }, (_, seed) => balancer(ROUND_ROBIN, hosts, seed).pick()),
  );
  t.equal(firsts.size, 4);
});

t.test('weights are kept exactly and heavy hosts are spread', async (t) => {
  const [light, heavy] = [host({ weight: 1 }), host({ weight: 3 })];
  const { pick } = balancer(ROUND_ROBIN, [light, heavy]);
  const sequence = Array.from({ length: 400 }, pick);
  t.equal(sequence.filter((picked) => picked === light).length, 100);
  // One more than the period of 4: equal deadlines may fall on either side of each other.
  for (let index = 0; index + 5 <= sequence.length; index += 5) {
    t.ok(sequence.slice(index, index + 5).includes(light));
  }
});

t.test('many different weights get their shares', async (t) => {
  const hosts = Array.from({ length: 10 }, (_, index) => host({ weight: index + 1 }));
  const picks = tally(balancer(ROUND_ROBIN, hosts).pick, 5500);
  for (const each of hosts) {
    const wanted = each.endpoint.weight * 100;
    const got = picks.get(each) ?? 0;
    t.ok(Math.abs(got - wanted) <= 3, `${got} of ${wanted}`);
  }
});
