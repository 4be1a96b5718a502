import t from 'tap';
import { CellRegistry } from '../../../proxy/base/cells/cell-registry.ts';
import { layoutFor, regionCells, SharedRegion } from '../../../proxy/base/cells/region.ts';
import { SharedCells } from '../../../proxy/base/cells/shared-cells.ts';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { HostFlags } from '../../../proxy/upstream/host-flags.ts';
import { HEALTH_FLAG } from '../../../proxy/upstream/host-health.ts';
import { OutlierClusters } from '../../../proxy/upstream/outlier/outlier-clusters.ts';
import {
  HOST_COUNT_CELLS,
  hostCountsKey,
  SharedHostCounts,
} from '../../../proxy/upstream/outlier/shared-host-counts.ts';
import { clusterConfig, endpointConfig } from '../../support/cluster-config.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { outlierConfig } from '../../support/outlier-config.ts';

const EJECTED = HEALTH_FLAG.failedOutlierCheck;
const HOSTS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];

function cluster(members: Partial<ClusterConfig> = {}, hosts = HOSTS): ClusterConfig {
  return clusterConfig({
    endpoints: hosts.map((address) => endpointConfig({ address, port: 80 })),
    outlier: outlierConfig({ intervalMs: 1000, baseEjectionTimeMs: 2000 }),
    ...members,
  });
}

function rig() {
  const clock = new FakeClock();
  const stats = new StatsStore(null);
  const layout = layoutFor(2);
  const region = new SharedRegion(new Int32Array(regionCells(layout)), layout);
  const registry = new CellRegistry(region);
  const [cells, workerCells] = [registry.join(), registry.join()].map((slot) => {
    const source = {
      want: (request: Parameters<CellRegistry['want']>[1]) => registry.want(slot, request),
      giveUp: (key: string) => registry.giveUp(slot, key),
    };
    return new SharedCells({ region, slot, source, nowMs: () => clock.nowMs() });
  }) as [SharedCells, SharedCells];
  const flags = new HostFlags({ sink: () => undefined, later: () => undefined });
  const events: string[] = [];
  const outliers = new OutlierClusters({
    ...{ clock, timers: clock.timers, stats, cells, flags },
    random: { next: () => 0, uuid: () => '' },
    events: {
      onOutlierEvent: (name, { action, type, host }) =>
        events.push(`${name} ${action} ${type} ${host.address}`),
    },
  });
  const stat = (name: string): number => {
    const { counters, gauges } = stats.snapshot();
    return counters[name] ?? gauges[name] ?? -1;
  };
  /** As a worker counts. */
  const countsOf = (address: string) =>
    new SharedHostCounts(workerCells.ints(hostCountsKey('c', address), HOST_COUNT_CELLS));
  return { clock, outliers, flags, events, stat, countsOf };
}

const ACTIVE = 'cluster.c.outlier_detection.ejections_active';

t.test(
  'an ejection is told of, counted, and over with the first interval behind its time',
  async (t) => {
    const { clock, outliers, flags, events, stat } = rig();
    outliers.follow(cluster());
    clock.advance(500);
    outliers.onStreak('c', '10.0.0.2:80', '5xx');
    t.equal(flags.get('c', '10.0.0.2:80'), EJECTED);
    t.equal(stat(ACTIVE), 1);
    clock.advance(1600);
    t.equal(flags.get('c', '10.0.0.2:80'), EJECTED);
    clock.advance(1000);
    t.equal(flags.get('c', '10.0.0.2:80'), 0);
    t.equal(stat(ACTIVE), 0);
    t.same(events, [
      'c EJECT CONSECUTIVE_5XX 10.0.0.2:80',
      'c UNEJECT CONSECUTIVE_5XX 10.0.0.2:80',
    ]);
  },
);

t.test('what workers counted is judged at each interval', async (t) => {
  const { clock, outliers, flags, countsOf } = rig();
  const enforcing = { ...outlierConfig().enforcing, FAILURE_PERCENTAGE: 100 };
  const members = { intervalMs: 1000, failurePercentageMinimumHosts: 2, enforcing };
  outliers.follow(
    cluster({ outlier: outlierConfig({ ...members, failurePercentageRequestVolume: 10 }) }),
  );
  const [good, bad] = [countsOf('10.0.0.1:80'), countsOf('10.0.0.2:80')];
  for (let count = 0; count < 10; count += 1) {
    good.succeed('external');
    bad.fail('external');
  }
  clock.advance(1100);
  t.equal(flags.get('c', '10.0.0.2:80'), EJECTED);
  t.equal(flags.get('c', '10.0.0.1:80'), 0);
  t.equal(outliers.findings('c')?.rates('10.0.0.1:80').external, 100);
  t.equal(outliers.findings('c')?.rates('10.9.9.9:80').external, -1);
  clock.advance(1000);
  t.equal(outliers.findings('c')?.rates('10.0.0.1:80').external, -1, 'nobody asked it since');
});

t.test('hosts that stay keep their ejection when their cluster changes', async (t) => {
  const { clock, outliers, flags, stat } = rig();
  outliers.follow(cluster());
  outliers.onStreak('c', '10.0.0.1:80', '5xx');
  outliers.onStreak('c', '10.0.0.2:80', '5xx');
  const outlier = outlierConfig({ intervalMs: 500, baseEjectionTimeMs: 1000 });
  outliers.follow(cluster({ connectTimeoutMs: 1, outlier }, HOSTS.slice(1)));
  t.equal(flags.get('c', '10.0.0.1:80'), 0, 'it left');
  t.equal(flags.get('c', '10.0.0.2:80'), EJECTED);
  t.equal(stat(ACTIVE), 1);
  clock.advance(1100);
  t.equal(flags.get('c', '10.0.0.2:80'), 0, 'by the times of the new configuration');
});

t.test('without detection nothing is known or counted', async (t) => {
  const { clock, outliers, flags, stat } = rig();
  outliers.follow(cluster());
  outliers.onStreak('c', '10.0.0.1:80', '5xx');
  outliers.follow(cluster({ outlier: null }));
  t.equal(flags.get('c', '10.0.0.1:80'), 0);
  t.equal(stat(ACTIVE), -1);
  t.equal(outliers.findings('c'), null);
  t.equal(clock.timers.armedCount, 0);
  outliers.onStreak('c', '10.0.0.1:80', '5xx');
  outliers.onCheckPassed('c', '10.0.0.1:80');
  outliers.setEndpoints('c', []);
  outliers.forget('c');
  t.equal(flags.get('c', '10.0.0.1:80'), 0);
});

t.test('a cluster whose statistics have another name begins anew', async (t) => {
  const { outliers, flags, stat } = rig();
  outliers.follow(cluster());
  outliers.onStreak('c', '10.0.0.1:80', '5xx');
  outliers.follow(cluster({ observabilityName: 'other' }));
  t.equal(flags.get('c', '10.0.0.1:80'), 0);
  t.equal(stat(ACTIVE), -1);
  t.equal(stat('cluster.other.outlier_detection.ejections_active'), 0);
});

t.test('names are followed as they are resolved; a logical host is one', async (t) => {
  const { outliers, flags } = rig();
  const found = [1, 2].map((last) => ({ ip: `10.1.0.${last}`, port: 80, endpointIndex: 0 }));
  outliers.follow(cluster({ discovery: 'strict-dns' }, ['a.test']));
  outliers.onStreak('c', '10.1.0.2:80', '5xx');
  t.equal(flags.get('c', '10.1.0.2:80'), 0, 'not found yet');
  outliers.setEndpoints('c', found);
  outliers.onStreak('c', '10.1.0.2:80', '5xx');
  t.equal(flags.get('c', '10.1.0.2:80'), EJECTED);
  outliers.setEndpoints('c', found.slice(0, 1));
  t.equal(flags.get('c', '10.1.0.2:80'), 0);
  outliers.follow(cluster({ discovery: 'logical-dns' }, ['a.test']));
  outliers.setEndpoints('c', found);
  outliers.onStreak('c', '10.1.0.2:80', '5xx');
  t.equal(flags.get('c', '10.1.0.2:80'), 0);
});

t.test('a check that passes ends an ejection at once; stopping ends all', async (t) => {
  const { clock, outliers, flags } = rig();
  outliers.follow(cluster());
  outliers.onStreak('c', '10.0.0.1:80', '5xx');
  outliers.onCheckPassed('c', '10.0.0.1:80');
  t.equal(flags.get('c', '10.0.0.1:80'), 0);
  outliers.stop();
  t.equal(clock.timers.armedCount, 0);
});
