import t from 'tap';
import { SharedInts } from '../../../proxy/base/cells/shared-ints.ts';
import type { OutlierConfig } from '../../../proxy/model/outlier.ts';
import type { LocalOriginEvent } from '../../../proxy/upstream/host-monitor.ts';
import { OutlierMonitor } from '../../../proxy/upstream/outlier/outlier-monitor.ts';
import {
  HOST_COUNT_CELLS,
  SharedHostCounts,
} from '../../../proxy/upstream/outlier/shared-host-counts.ts';
import { outlierConfig } from '../../support/outlier-config.ts';

/** A response's status, or what the proxy saw itself. */
type Outcome = number | LocalOriginEvent | 'degraded';

const THRESHOLDS = {
  ...{ consecutive5xx: 3, consecutiveGatewayFailure: 2, consecutiveLocalOriginFailure: 2 },
};

function rig(config: Partial<OutlierConfig> = {}, isShared = true) {
  const counts = new SharedHostCounts(new SharedInts(HOST_COUNT_CELLS));
  const streaks: string[] = [];
  const monitor = new OutlierMonitor({
    ...{ cluster: 'c', address: 'a', counts, isShared },
    config: outlierConfig({ ...THRESHOLDS, ...config }),
    sink: {
      onStreak: (cluster, address, streak) => streaks.push(`${cluster} ${address} ${streak}`),
    },
  });
  const tell = (...outcomes: Outcome[]) => {
    for (const outcome of outcomes) {
      if (typeof outcome === 'number') monitor.onResponse(outcome);
      else if (outcome === 'degraded') monitor.onDegradedResponse();
      else monitor.onLocalOrigin(outcome);
    }
    return streaks.splice(0);
  };
  return { tell, counts, monitor };
}

const GATEWAY = 'c a gateway';
const ERRORS = 'c a 5xx';
const LOCAL = 'c a local-origin';

t.test('the last failure in a row that is allowed is told of, and no other', async (t) => {
  const { tell, counts } = rig();
  t.same(tell(500, 501), []);
  t.same(tell(599), [ERRORS]);
  t.same(tell(500, 500, 500, 500), [], 'until the primary has begun anew');
  counts.resetStreak('5xx');
  t.same(tell(500, 500, 500), [ERRORS]);
});

t.test('what is no server error ends both streaks', async (t) => {
  for (const status of [200, 302, 404, 499, 600]) {
    const { tell } = rig();
    t.same(tell(503, 500, status, 503, 500), [], String(status));
  }
});

t.test('of gateway failures another error is the end', async (t) => {
  const { tell } = rig({ consecutive5xx: 100 });
  t.same(tell(502, 500, 503, 501, 504), []);
  t.same(tell(502), [GATEWAY]);
});

t.test('both are told where both are complete, gateway failures first', async (t) => {
  const { tell } = rig({ consecutive5xx: 2 });
  t.same(tell(502, 503), [GATEWAY, ERRORS]);
});

t.test('what the proxy saw itself counts as an answer of the host', async (t) => {
  const { tell, counts } = rig();
  t.same(tell('connect-failed', 'timed-out'), [GATEWAY]);
  t.same(tell('reset'), [ERRORS]);
  t.same(counts.take('external'), { total: 3, success: 0 });
  t.same(tell('connect-succeeded'), []);
  t.same(counts.take('external'), { total: 0, success: 0 }, 'a response will follow');
  tell('session-began');
  t.same(counts.take('external'), { total: 1, success: 1 }, 'of plain TCP nothing follows');
  t.same(counts.take('local'), { total: 0, success: 0 });
});

t.test('apart, it has a streak of its own that connecting ends', async (t) => {
  const { tell, counts } = rig({ splitsLocalOrigin: true });
  t.same(tell('reset', 'connect-succeeded', 'timed-out', 'session-began', 'connect-failed'), []);
  t.same(tell('connect-failed'), [LOCAL]);
  t.same(counts.take('local'), { total: 6, success: 2 });
  t.same(counts.take('external'), { total: 0, success: 0 });
});

t.test('apart, responses say nothing of it, and it nothing of them', async (t) => {
  const { tell } = rig({ splitsLocalOrigin: true });
  t.same(tell('reset', 200, 500, 500, 'connect-succeeded', 'reset'), []);
  t.same(tell(500), [ERRORS]);
});

t.test('a degraded response is told of once, where somebody asks', async (t) => {
  const { tell, counts, monitor } = rig({ detectsDegraded: true });
  t.equal(monitor.detectsDegraded, true);
  t.same(tell('degraded', 'degraded'), ['c a degraded']);
  counts.resetStreak('degraded');
  t.same(tell('degraded'), ['c a degraded']);
  t.same(rig().tell('degraded'), []);
});

t.test('a worker that counts for itself begins anew by itself', async (t) => {
  const { tell } = rig({}, false);
  t.same(tell(500, 500, 500, 500, 500, 500), [ERRORS, ERRORS]);
});

t.test('a threshold of 0 is never met', async (t) => {
  const { tell } = rig({ consecutive5xx: 0, consecutiveGatewayFailure: 0 });
  t.same(tell(503, 503, 503), []);
});
