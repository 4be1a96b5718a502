import t from 'tap';
import type { Host } from '../../../proxy/upstream/host.ts';
import { HEALTH_FLAG } from '../../../proxy/upstream/host-health.ts';
import { balancer, tally } from '../../conformance/balancer.ts';
import { host } from '../../support/hosts.ts';
import { leastRequestConfig, ROUND_ROBIN, zoneAware } from '../../support/lb-configs.ts';

const WEIGHTED = { kind: 'weighted' } as const;
const SLOW = { windowMs: 10_000, aggression: 1, minWeightPercent: 10 };

function inZone(zone: string, localityWeight: number): Host {
  return host({ localityWeight, locality: { region: 'r', zone, subZone: '' } });
}

function share(picks: Map<Host | null, number>, hosts: readonly Host[]): number {
  return hosts.reduce((sum, each) => sum + (picks.get(each) ?? 0), 0);
}

for (const policy of [ROUND_ROBIN, leastRequestConfig()]) {
  t.test(`${policy.kind}: localities share by their weights, not by their hosts`, async (t) => {
    const near = [inZone('a', 3)];
    const far = [inZone('b', 1), inZone('b', 1), inZone('b', 1)];
    const none = [inZone('c', 0)];
    const { pick } = balancer({ ...policy, locality: WEIGHTED }, [...near, ...far, ...none]);
    const picks = tally(pick, 4000);
    t.equal(share(picks, near), 3000);
    t.equal(share(picks, far), 1000);
    t.equal(share(picks, none), 0);
  });

  t.test(`${policy.kind}: a locality whose hosts fail gives way as far as it must`, async (t) => {
    const ill = Array.from({ length: 4 }, () => inZone('a', 1));
    const well = Array.from({ length: 8 }, () => inZone('b', 1));
    for (const each of ill.slice(0, 2)) each.healthFlags = HEALTH_FLAG.failedOutlierCheck;
    const { pick } = balancer({ ...policy, locality: WEIGHTED }, [...ill, ...well]);
    // Half of its hosts times 1.4 is 0.7 of its weight, beside the other's 1.
    const got = share(tally(pick, 17_000), ill);
    t.ok(Math.abs(got - 7000) <= 2, `${got} of 17000`);
  });

  t.test(`${policy.kind}: a new host gets its share little by little`, async (t) => {
    const [old, young] = [host(), host()];
    const clock = { ms: 20_000 };
    young.healthySinceMs = 20_000;
    const slowly = { ...policy, slowStart: SLOW };
    const { pick } = balancer(slowly, [old, young], 1, clock);
    const shareNow = () => (tally(pick, 1100).get(young) ?? 0) / 1100;
    t.ok(Math.abs(shareNow() - 0.1 / 1.1) < 0.02, 'the least that it gets at once');
    clock.ms = 25_000;
    t.ok(Math.abs(shareNow() - 0.5 / 1.5) < 0.02, 'half of its weight in the middle');
    clock.ms = 30_000;
    t.ok(Math.abs(shareNow() - 0.5) < 0.02, 'all of it at the end');
  });
}

t.test('aggression makes the beginning steeper', async (t) => {
  const [old, young] = [host(), host()];
  young.healthySinceMs = 20_000;
  const slowStart = { ...SLOW, aggression: 2 };
  const { pick } = balancer({ ...ROUND_ROBIN, slowStart }, [old, young], 1, { ms: 22_500 });
  const got = (tally(pick, 3000).get(young) ?? 0) / 3000;
  t.ok(Math.abs(got - 0.5 / 1.5) < 0.02, 'a quarter of the window, half of the weight');
});

t.test(
  'traffic fails rather than to go to hosts that are not well, if that is asked for',
  async (t) => {
    const hosts = [
      host(),
      host({ healthStatus: 'unhealthy' }),
      host({ healthStatus: 'unhealthy' }),
    ];
    const locality = zoneAware({ failsOnPanic: true });
    const { pick, panics } = balancer({ ...ROUND_ROBIN, locality }, hosts);
    t.equal(pick(), null);
    t.equal(panics(), 1);
  },
);
