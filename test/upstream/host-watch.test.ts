import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { privateCells } from '../../proxy/base/cells/shared-cells.ts';
import type { ClusterConfig } from '../../proxy/model/cluster.ts';
import { HEALTH_FLAG } from '../../proxy/upstream/host-health.ts';
import { HostWatch } from '../../proxy/upstream/host-watch.ts';
import { clusterConfig } from '../support/cluster-config.ts';
import { host } from '../support/hosts.ts';
import { outlierConfig } from '../support/outlier-config.ts';

function rig(outlier: ClusterConfig['outlier'], flags: ReadonlyMap<string, number> = new Map()) {
  const streaks: string[] = [];
  const watch = new HostWatch({
    config: clusterConfig({ outlier }),
    cells: privateCells(() => 0),
    streaks: { onStreak: (cluster, address) => streaks.push(`${cluster} ${address}`) },
    checks: null,
    flags: () => flags,
  });
  return { watch, streaks };
}

t.test('hosts of a cluster without detection have no monitor', async (t) => {
  const { watch } = rig(null);
  const one = host();
  watch.follow([one], [one]);
  t.equal(one.monitor, null);
  watch.forget(one);
});

t.test('a host has a monitor while it is a member', async (t) => {
  const { watch, streaks } = rig(outlierConfig({ consecutive5xx: 2 }));
  const one = host();
  watch.follow([one], [one]);
  const { monitor } = one;
  watch.follow([one], []);
  t.equal(one.monitor, monitor, 'the same as long as it stays');
  monitor?.onResponse(500);
  monitor?.onResponse(500);
  t.same(streaks, [`c ${one.address.text}`]);
  watch.forget(one);
  t.equal(one.monitor, null);
});

t.test('a host that comes anew begins without failures', async (t) => {
  const { watch, streaks } = rig(outlierConfig({ consecutive5xx: 2 }));
  const one = host();
  watch.follow([one], [one]);
  one.monitor?.onResponse(500);
  watch.forget(one);
  watch.follow([one], [one]);
  one.monitor?.onResponse(500);
  t.same(streaks, []);
});

t.test('so does a logical host whose name points elsewhere', async (t) => {
  const { watch, streaks } = rig(outlierConfig({ consecutive5xx: 2 }));
  const one = host();
  watch.follow([one], [one]);
  one.monitor?.onResponse(500);
  one.address = socketAddress('10.9.9.9', 80);
  watch.follow([one], []);
  one.monitor?.onResponse(500);
  one.monitor?.onResponse(500);
  t.same(streaks, ['c 10.9.9.9:80']);
});

t.test('hosts learn what the primary said of them before they came', async (t) => {
  const [one, two] = [host(), host()];
  const flags = new Map([[one.address.text, HEALTH_FLAG.failedOutlierCheck]]);
  rig(null, flags).watch.follow([one, two], [one, two]);
  t.equal(one.healthFlags, HEALTH_FLAG.failedOutlierCheck);
  t.equal(two.healthFlags, 0);
});
