import t from 'tap';
import { eventJson } from '../../proxy/server/outlier-log.ts';
import { EjectableHost } from '../../proxy/upstream/outlier/ejectable-host.ts';
import type { HostCounts } from '../../proxy/upstream/outlier/host-counts.ts';
import type { OutlierEvent } from '../../proxy/upstream/outlier/outlier-detector.ts';

const NO_COUNTS: HostCounts = {
  take: () => ({ total: 0, success: 0 }),
  resetStreak: () => undefined,
};
const WALL_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const RATES = { host: 12.9, average: 80.5, threshold: -3.2 };

function line(members: Partial<OutlierEvent>, wallMs = WALL_MS): string {
  const host = new EjectableHost('10.0.0.1:80', NO_COUNTS);
  host.ejections = 2;
  const event: OutlierEvent = {
    ...{ host, action: 'EJECT', type: 'CONSECUTIVE_5XX', enforced: true },
    ...{ msSinceLastAction: null, rates: null },
    ...members,
  };
  return JSON.stringify(eventJson('c', event, wallMs));
}

const COMMON = '"cluster_name":"c","upstream_url":"10.0.0.1:80"';

t.test('an ejection for failures in a row', async (t) => {
  t.equal(
    line({}),
    `{"type":"CONSECUTIVE_5XX","timestamp":"2026-01-02T03:04:05.678Z",${COMMON},` +
      '"action":"EJECT","num_ejections":2,"enforced":true,"eject_consecutive_event":{}}',
  );
});

t.test('seconds are whole and written as text; a whole second has no fraction', async (t) => {
  const told = line({ action: 'UNEJECT', enforced: false, msSinceLastAction: 30_999 }, 0);
  t.equal(
    told,
    `{"type":"CONSECUTIVE_5XX","timestamp":"1970-01-01T00:00:00Z","secs_since_last_action":"30",${COMMON},` +
      '"action":"UNEJECT","num_ejections":2,"enforced":false}',
  );
});

t.test('rates are whole numbers from 0', async (t) => {
  t.match(
    line({ type: 'SUCCESS_RATE_LOCAL_ORIGIN', rates: RATES }),
    '"eject_success_rate_event":{"host_success_rate":12,"cluster_average_success_rate":80,"cluster_success_rate_ejection_threshold":0}}',
  );
  for (const type of ['FAILURE_PERCENTAGE', 'FAILURE_PERCENTAGE_LOCAL_ORIGIN'] as const) {
    t.match(
      line({ type, rates: RATES }),
      '"eject_failure_percentage_event":{"host_success_rate":12}}',
    );
  }
});
