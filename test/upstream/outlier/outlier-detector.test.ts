import t from 'tap';
import type { OutlierConfig } from '../../../proxy/model/outlier.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import type { HostCounts, Origin } from '../../../proxy/upstream/outlier/host-counts.ts';
import {
  OutlierDetector,
  type OutlierEvent,
} from '../../../proxy/upstream/outlier/outlier-detector.ts';
import { OutlierStats } from '../../../proxy/upstream/outlier/outlier-stats.ts';
import { outlierConfig } from '../../support/outlier-config.ts';

/** Counts that a test sets. */
class Counts implements HostCounts {
  readonly buckets: Record<Origin, { total: number; success: number }> = {
    external: { total: 0, success: 0 },
    local: { total: 0, success: 0 },
  };
  resets = 0;

  take(origin: Origin): { total: number; success: number } {
    const taken = this.buckets[origin];
    this.buckets[origin] = { total: 0, success: 0 };
    return taken;
  }

  resetStreak(): void {
    this.resets += 1;
  }
}

function rig(config: Partial<OutlierConfig> = {}, hosts = 10, chance = 0) {
  const counts = new Map<string, Counts>();
  const events: OutlierEvent[] = [];
  const told: string[] = [];
  const store = new StatsStore(null);
  const stats = new OutlierStats(store.scope('cluster').scope('c'));
  const detector = new OutlierDetector(outlierConfig(config), {
    stats,
    random: { next: () => chance, uuid: () => '' },
    observer: {
      onFlags: (host) => told.push(`${host.address} ${host.flags()}`),
      onLeft: (host) => told.push(`${host.address} left`),
      onEvent: (event) => events.push(event),
      openCounts: (address) => {
        const own = new Counts();
        counts.set(address, own);
        return own;
      },
    },
  });
  const names = Array.from({ length: hosts }, (_, index) => `10.0.0.${index}:80`);
  detector.setHosts(names);
  const ejected = () => [...detector.hosts()].filter((it) => it.isEjected).map((it) => it.address);
  const count = (name: string) =>
    store.scope('cluster').scope('c').scope('outlier_detection').counter(name).value;
  return { detector, counts, events, told, stats, names, ejected, count };
}

t.test('a host that failed too often in a row is ejected for the base time', async (t) => {
  const { detector, events, ejected, counts } = rig();
  detector.onStreak('10.0.0.1:80', '5xx', 1000);
  t.same(ejected(), ['10.0.0.1:80']);
  t.match(events[0], { action: 'EJECT', type: 'CONSECUTIVE_5XX', enforced: true });
  t.equal(events[0]?.msSinceLastAction, null);
  t.equal(counts.get('10.0.0.1:80')?.resets, 1, 'its streak begins anew');
  detector.onInterval(30_999);
  t.equal(ejected().length, 1, 'not yet');
  detector.onInterval(31_000);
  t.same(ejected(), []);
  t.match(events[1], { action: 'UNEJECT', msSinceLastAction: 30_000 });
});

t.test('each ejection in a row lasts a base time longer, up to the maximum', async (t) => {
  const { detector, ejected } = rig({ baseEjectionTimeMs: 10_000, maxEjectionTimeMs: 25_000 });
  let nowMs = 0;
  const served = () => {
    detector.onStreak('10.0.0.1:80', '5xx', nowMs);
    const startMs = nowMs;
    while (ejected().length > 0) {
      nowMs += 1000;
      detector.onInterval(nowMs);
    }
    return nowMs - startMs;
  };
  t.same([served(), served(), served(), served()], [10_000, 20_000, 25_000, 25_000]);
});

t.test('a host that behaves for an interval is forgiven one ejection', async (t) => {
  const { detector, ejected } = rig({ baseEjectionTimeMs: 10_000 });
  detector.onStreak('10.0.0.1:80', '5xx', 0);
  detector.onInterval(10_000);
  detector.onInterval(20_000);
  detector.onStreak('10.0.0.1:80', '5xx', 20_000);
  detector.onInterval(29_999);
  t.equal(ejected().length, 1);
  detector.onInterval(30_000);
  t.equal(ejected().length, 0, 'one base time again');
});

t.test('no more hosts are ejected than the percentage allows', async (t) => {
  const few = rig({ maxEjectionPercent: 10 }, 9);
  few.detector.onStreak('10.0.0.0:80', '5xx', 0);
  t.same(few.ejected(), [], 'one of nine is more than 10 percent');
  t.equal(few.count('ejections_overflow'), 1);
  t.equal(few.count('ejections_detected_consecutive_5xx'), 1);
  const ten = rig({ maxEjectionPercent: 10 }, 10);
  ten.detector.onStreak('10.0.0.0:80', '5xx', 0);
  ten.detector.onStreak('10.0.0.1:80', '5xx', 0);
  t.same(ten.ejected(), ['10.0.0.0:80']);
  const always = rig({ maxEjectionPercent: 0, alwaysEjectOneHost: true }, 3);
  always.detector.onStreak('10.0.0.0:80', '5xx', 0);
  always.detector.onStreak('10.0.0.1:80', '5xx', 0);
  t.same(always.ejected(), ['10.0.0.0:80']);
});

t.test('what is not enforced is told and not done', async (t) => {
  const { detector, events, ejected, count } = rig();
  detector.onStreak('10.0.0.1:80', 'gateway', 0);
  t.same(ejected(), []);
  t.match(events, [{ action: 'EJECT', type: 'CONSECUTIVE_GATEWAY_FAILURE', enforced: false }]);
  t.equal(count('ejections_enforced_total'), 0);
});

t.test('a host whose success rate is far below the others is ejected', async (t) => {
  const { detector, counts, events, ejected } = rig();
  for (const own of counts.values()) own.buckets.external = { total: 200, success: 200 };
  (counts.get('10.0.0.3:80') as Counts).buckets.external = { total: 200, success: 100 };
  detector.onInterval(10_000);
  t.same(ejected(), ['10.0.0.3:80']);
  t.match(events[0], { type: 'SUCCESS_RATE', rates: { host: 50, average: 95 } });
  t.equal(Math.round(events[0]?.rates?.threshold ?? 0), Math.round(95 - 1.9 * 15));
  t.equal(detector.host('10.0.0.1:80')?.rates.external, 100);
});

t.test('too few requests, or too few hosts with enough of them, tell nothing', async (t) => {
  const { detector, counts, ejected } = rig({}, 5);
  for (const own of counts.values()) own.buckets.external = { total: 100, success: 100 };
  (counts.get('10.0.0.3:80') as Counts).buckets.external = { total: 100, success: 0 };
  (counts.get('10.0.0.4:80') as Counts).buckets.external = { total: 99, success: 99 };
  detector.onInterval(10_000);
  t.same(ejected(), []);
  t.equal(detector.host('10.0.0.4:80')?.rates.external, 100, 'known all the same');
});

t.test('a failure percentage over the threshold ejects where it is enforced', async (t) => {
  const enforcing = { ...outlierConfig().enforcing, FAILURE_PERCENTAGE: 100, SUCCESS_RATE: 0 };
  const { detector, counts, ejected, count } = rig({ enforcing });
  for (const own of counts.values()) own.buckets.external = { total: 50, success: 50 };
  (counts.get('10.0.0.3:80') as Counts).buckets.external = { total: 60, success: 9 };
  detector.onInterval(10_000);
  t.same(ejected(), ['10.0.0.3:80']);
  t.equal(count('ejections_enforced_failure_percentage'), 1);
});

t.test('a passed check lets a host back in, unless that is switched off', async (t) => {
  const { detector, ejected } = rig();
  detector.onStreak('10.0.0.1:80', '5xx', 0);
  detector.onCheckPassed('10.0.0.1:80', 5);
  t.same(ejected(), []);
  const stubborn = rig({ successfulCheckUnejects: false });
  stubborn.detector.onStreak('10.0.0.1:80', '5xx', 0);
  stubborn.detector.onCheckPassed('10.0.0.1:80', 5);
  t.equal(stubborn.ejected().length, 1);
});

t.test('hosts that go take their ejection with them; who stays keeps it', async (t) => {
  const { detector, stats, names, ejected } = rig();
  detector.onStreak('10.0.0.1:80', '5xx', 0);
  detector.onStreak('10.0.0.2:80', '5xx', 0);
  detector.setHosts(names.slice(2));
  t.same(ejected(), ['10.0.0.2:80']);
  t.equal(stats.active.value, 1);
  detector.onStreak('10.0.0.1:80', '5xx', 0);
  t.equal(stats.active.value, 1, 'a host that is gone is nobody');
});

t.test('older counters count what was found, whether it was ejected or not', async (t) => {
  const none = {
    ...outlierConfig().enforcing,
    CONSECUTIVE_5XX: 0,
    CONSECUTIVE_GATEWAY_FAILURE: 100,
  };
  const { detector, count } = rig({ enforcing: none });
  detector.onStreak('10.0.0.1:80', '5xx', 0);
  detector.onStreak('10.0.0.1:80', 'gateway', 0);
  t.equal(count('ejections_consecutive_5xx'), 1);
  t.equal(count('ejections_total'), 1, 'of gateway failures it knows nothing');
  t.equal(count('ejections_enforced_total'), 1);
  const full = rig({ maxEjectionPercent: 0 });
  full.detector.onStreak('10.0.0.1:80', '5xx', 0);
  t.equal(full.count('ejections_consecutive_5xx'), 1);
  t.equal(full.count('ejections_total'), 0);
});

t.test('a host that is guilty of both in one interval is ejected once', async (t) => {
  const enforcing = { ...outlierConfig().enforcing, FAILURE_PERCENTAGE: 100 };
  const { detector, counts, events, stats, count } = rig({ enforcing });
  for (const own of counts.values()) own.buckets.external = { total: 200, success: 200 };
  (counts.get('10.0.0.3:80') as Counts).buckets.external = { total: 200, success: 0 };
  detector.onInterval(10_000);
  t.equal(events.length, 1);
  t.equal(stats.active.value, 1);
  t.equal(count('ejections_detected_success_rate'), 1);
  t.equal(count('ejections_detected_failure_percentage'), 1);
});

t.test('a degraded host is degraded for the base time, whatever the limits are', async (t) => {
  const { detector, events, told, stats, count } = rig({ maxEjectionPercent: 0 });
  detector.onStreak('10.0.0.1:80', 'degraded', 0);
  detector.onStreak('10.0.0.1:80', 'degraded', 10);
  t.equal(count('ejections_detected_degradation'), 1);
  t.equal(stats.active.value, 0);
  detector.onInterval(29_999);
  t.same(told, ['10.0.0.1:80 1024']);
  detector.onInterval(30_000);
  t.same(told, ['10.0.0.1:80 1024', '10.0.0.1:80 0']);
  t.match(events, [
    { action: 'EJECT', type: 'DEGRADED', enforced: true, msSinceLastAction: null },
    { action: 'UNEJECT', type: 'CONSECUTIVE_5XX', enforced: false, msSinceLastAction: null },
  ]);
  const out = rig();
  out.detector.onStreak('10.0.0.1:80', '5xx', 0);
  out.detector.onStreak('10.0.0.1:80', 'degraded', 0);
  t.equal(out.count('ejections_detected_degradation'), 0, 'who is out says nothing');
});

t.test('what rates are compared with is known until the next interval', async (t) => {
  const { detector, counts } = rig({}, 5);
  for (const own of counts.values()) own.buckets.local = { total: 100, success: 90 };
  detector.onInterval(10_000);
  t.same(detector.limits.local, { average: 90, threshold: 90 });
  t.same(detector.limits.external, { average: -1, threshold: -1 });
  t.equal(detector.host('10.0.0.1:80')?.rates.local, 90);
  detector.onInterval(20_000);
  t.same(detector.limits.local, { average: -1, threshold: -1 });
  t.equal(detector.host('10.0.0.1:80')?.rates.local, -1);
});

t.test('another configuration holds from now on; hosts stay what they are', async (t) => {
  const { detector, ejected } = rig();
  detector.onStreak('10.0.0.1:80', '5xx', 0);
  detector.config = outlierConfig({ baseEjectionTimeMs: 1000 });
  t.equal(ejected().length, 1);
  detector.onInterval(1000);
  t.same(ejected(), []);
});
