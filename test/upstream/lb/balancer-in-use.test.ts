// A balancer is made when somebody wants to pick, and goes on from the one that picked last.
import t from 'tap';
import type { Host } from '../../../proxy/upstream/host.ts';
import { BalancerInUse, isMadeInNoTime } from '../../../proxy/upstream/lb/balancer-in-use.ts';
import type { LoadBalancer } from '../../../proxy/upstream/lb/load-balancer.ts';
import { balancerContext, host } from '../../support/hosts.ts';
import { ROUND_ROBIN, subsetConfig } from '../../support/lb-configs.ts';

class Named implements LoadBalancer {
  readonly host: Host;
  readonly previous: LoadBalancer | null;

  constructor(host: Host, previous: LoadBalancer | null) {
    this.host = host;
    this.previous = previous;
  }

  pick(): Host {
    return this.host;
  }
}

t.test('hosts that change while nobody asks cost no balancer', async (t) => {
  const made: Named[] = [];
  let current = host();
  const inUse = new BalancerInUse({
    makeBalancer: (previous) => {
      const balancer = new Named(current, previous);
      made.push(balancer);
      return balancer;
    },
  });
  inUse.renew(false);
  inUse.renew(false);
  t.equal(made.length, 0);
  t.equal(inUse.pick(balancerContext()), current);
  t.equal(inUse.pick(balancerContext()), current);
  t.equal(made.length, 1);
  t.equal(made[0]?.previous, null);
  for (let change = 0; change < 3; change += 1) {
    current = host();
    inUse.renew(false);
  }
  t.equal(inUse.pick(balancerContext()), current, 'the hosts of now');
  t.equal(made.length, 2);
  t.equal(made[1]?.previous, made[0], 'the one that picked last');
  inUse.renew(true);
  t.equal(made.length, 3, 'where nobody is to wait');
  t.equal(made[2]?.previous, made[1]);
});

t.test('what takes its time, or is counted, does not wait for a request', async (t) => {
  t.ok(isMadeInNoTime(ROUND_ROBIN, false));
  t.notOk(isMadeInNoTime(ROUND_ROBIN, true), 'zones are counted');
  t.notOk(isMadeInNoTime(subsetConfig(), false));
});
