import t from 'tap';
import type { LoadBalancerConfig } from '../../../proxy/model/load-balancing.ts';
import { balancer, tally, testBalancer } from '../../conformance/balancer.ts';
import { host } from '../../support/hosts.ts';
import { leastRequestConfig } from '../../support/lb-configs.ts';

function leastRequest(choiceCount = 2, activeRequestBias = 1): LoadBalancerConfig {
  return leastRequestConfig({ choiceCount, activeRequestBias });
}

testBalancer(leastRequest());

t.test('of the hosts drawn the less busy one is picked', async (t) => {
  const [busy, calm] = [host(), host()];
  busy.stats.rqActive = 10;
  const picks = tally(balancer(leastRequest(), [busy, calm]).pick, 4000);
  const share = picks.get(busy) ?? 0;
  t.ok(share > 900 && share < 1100, `only when it was drawn twice: ${share} of 4000`);
});

t.test('more choices find the least busy more surely', async (t) => {
  const hosts = [host(), host(), host(), host()];
  for (const each of hosts.slice(1)) each.stats.rqActive = 1;
  const picks = tally(balancer(leastRequest(20), hosts).pick, 1000);
  t.ok((picks.get(hosts[0] ?? null) ?? 0) > 980);
});

t.test('with weights a busy host counts for less', async (t) => {
  const [heavy, light] = [host({ weight: 4 }), host({ weight: 1 })];
  const idle = tally(balancer(leastRequest(), [heavy, light]).pick, 1000);
  t.ok(Math.abs((idle.get(heavy) ?? 0) - 800) <= 3, 'both idle: by weight');
  heavy.stats.rqActive = 3;
  const busy = tally(balancer(leastRequest(), [heavy, light]).pick, 1000);
  t.ok(Math.abs((busy.get(heavy) ?? 0) - 500) <= 3, '4 / (3 + 1) is as light as 1');
});

t.test('active_request_bias 0 is plain weighting, 2 shuns busy hosts more', async (t) => {
  const [heavy, light] = [host({ weight: 4 }), host({ weight: 1 })];
  heavy.stats.rqActive = 3;
  const plain = tally(balancer(leastRequest(2, 0), [heavy, light]).pick, 1000);
  t.ok(Math.abs((plain.get(heavy) ?? 0) - 800) <= 3);
  const shunned = tally(balancer(leastRequest(2, 2), [heavy, light]).pick, 1000);
  t.ok(Math.abs((shunned.get(heavy) ?? 0) - 200) <= 3, '4 / 16 against 1');
});

t.test('FULL_SCAN takes one of the least busy of all, any of them', async (t) => {
  const hosts = Array.from({ length: 6 }, () => host());
  for (const busy of hosts.slice(0, 4)) busy.stats.rqActive = 3;
  const picks = tally(balancer(leastRequest(0), hosts).pick, 2000);
  t.strictSame(new Set(picks.keys()), new Set(hosts.slice(4)));
  const share = picks.get(hosts[4] as never) ?? 0;
  t.ok(share > 850 && share < 1150, `${share} of 2000`);
});
