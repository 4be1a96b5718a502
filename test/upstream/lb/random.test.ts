import t from 'tap';
import { balancer, tally, testBalancer } from '../../conformance/balancer.ts';
import { host } from '../../support/hosts.ts';
import { RANDOM } from '../../support/lb-configs.ts';

testBalancer(RANDOM);

t.test('weights are not looked at', async (t) => {
  const hosts = [host({ weight: 1 }), host({ weight: 100 })];
  const picks = tally(balancer(RANDOM, hosts).pick, 2000);
  for (const each of hosts) t.ok((picks.get(each) ?? 0) > 900);
});
