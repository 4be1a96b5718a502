import t from 'tap';
import type { HashingConfig } from '../../../../proxy/model/load-balancing.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import type { Host } from '../../../../proxy/upstream/host.ts';
import { hashedHosts } from '../../../../proxy/upstream/lb/consistent/hashed-hosts.ts';
import { RenewedTable } from '../../../../proxy/upstream/lb/consistent/renewed-table.ts';
import { PickRequest } from '../../../../proxy/upstream/lb/load-balancer.ts';
import { LoadBalancerStats } from '../../../../proxy/upstream/lb/load-balancer-stats.ts';
import { host } from '../../../support/hosts.ts';
import { maglevConfig, ringHashConfig } from '../../../support/lb-configs.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const LARGE: readonly HashingConfig[] = [
  ringHashConfig({ minimumRingSize: 200_000 }),
  maglevConfig({ tableSize: 200_003 }),
];
const random = seededRandom(1);

/** A table, and the tasks that it put off. */
function table(config: HashingConfig, mayWait: boolean) {
  const tasks: (() => void)[] = [];
  const stats = new LoadBalancerStats(new StatsStore(null).scope('c'));
  const later = (task: () => void) => void tasks.push(task);
  const services = { random, stats, nowMs: () => 0, ...(mayWait && { later }) };
  const made = new RenewedTable();
  const renew = (hosts: readonly Host[]): void =>
    made.renew({ hosts: hashedHosts(hosts, config.consistent), config, services });
  const finish = (): number => {
    let slices = 0;
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      task();
      slices += 1;
    }
    return slices;
  };
  return { made, renew, finish, tasks };
}

/** Where 500 hashes lead. */
function picks(made: RenewedTable): readonly (Host | null)[] {
  const request = new PickRequest();
  return Array.from({ length: 500 }, (_, index) => {
    request.hash.high = Math.imul(index, 0x9e37_79b1) >>> 0;
    request.hash.low = index;
    return made.pick(request);
  });
}

for (const config of LARGE) {
  t.test(`${config.kind}: made in slices it is what it is at once`, async (t) => {
    const hosts = Array.from({ length: 20 }, (_, index) => host({ weight: 1 + (index % 3) }));
    const atOnce = table(config, false);
    atOnce.renew(hosts);
    const inSlices = table(config, true);
    inSlices.renew(hosts);
    t.ok(inSlices.made.hasHosts, 'a smaller one serves meanwhile');
    t.ok(inSlices.finish() > 40, 'it took many turns');
    t.strictSame(picks(inSlices.made), picks(atOnce.made));
  });

  t.test(`${config.kind}: the old one serves until the new one is ready`, async (t) => {
    const [first, second, third] = [host(), host(), host()];
    const { made, renew, finish, tasks } = table(config, true);
    renew([first]);
    finish();
    renew([second]);
    tasks.shift()?.();
    t.ok(picks(made).every((each) => each === first));
    renew([third]);
    t.equal(tasks.length, 1, 'one is made at a time');
    finish();
    t.ok(
      picks(made).every((each) => each === third),
      'the last one that was wanted',
    );
  });

  t.test(`${config.kind}: without hosts, or dropped, nothing goes on`, async (t) => {
    const { made, renew, finish } = table(config, true);
    renew([host()]);
    renew([]);
    t.notOk(made.hasHosts);
    t.equal(finish(), 1);
    const kept = host();
    renew([kept]);
    made.drop();
    t.equal(finish(), 1);
    renew([kept]);
    t.ok(finish() > 40, 'it may be asked again');
    t.ok(picks(made).every((each) => each === kept));
  });
}
