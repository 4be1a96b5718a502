import t from 'tap';
import { socketAddress } from '../../../proxy/base/address.ts';
import type { HealthCheckConfig } from '../../../proxy/model/health-check.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { CheckStats } from '../../../proxy/upstream/health/check-stats.ts';
import {
  type CheckEvent,
  CheckedHost,
  type CheckFailure,
} from '../../../proxy/upstream/health/checked-host.ts';
import { printFlags } from '../../../proxy/upstream/host-health.ts';
import { endpointConfig } from '../../support/cluster-config.ts';
import { healthCheckConfig } from '../../support/health-config.ts';

const PLACE = { address: socketAddress('127.0.0.1', 80), endpoint: endpointConfig() };
const NETWORK = { type: 'NETWORK', isRetriable: false, isImmediate: false, status: 0 } as const;
const TIMEOUT = { ...NETWORK, type: 'NETWORK_TIMEOUT' } as const;
const DEFINITE = { ...NETWORK, type: 'ACTIVE', status: 503 } as const;
const RETRIABLE: CheckFailure = { ...DEFINITE, isRetriable: true };
const PASSIVE = { ...NETWORK, type: 'PASSIVE', isImmediate: true } as const;

function fixture(members: Partial<HealthCheckConfig> = {}, ignoresUnchecked = false) {
  const store = new StatsStore(null);
  const events: CheckEvent[] = [];
  const books = {
    config: healthCheckConfig(members),
    stats: new CheckStats(store.scope('cluster').scope('c'), ''),
    ignoresUnchecked,
    onEvent: (_host: CheckedHost, event: CheckEvent) => events.push(event),
  };
  const host = new CheckedHost(PLACE, books, null);
  const stat = (name: string): number => {
    const { counters, gauges } = store.snapshot();
    const full = `cluster.c.health_check.${name}`;
    return counters[full] ?? gauges[full] ?? -1;
  };
  return { books, host, events, stat, flags: () => printFlags(host.flags) };
}

/** Healthy after its first check. */
function healthy(members: Partial<HealthCheckConfig> = {}) {
  const made = fixture(members);
  made.host.pass(false);
  made.events.length = 0;
  return made;
}

t.test('a new host has failed until its first check', async (t) => {
  const { host, flags, stat } = fixture();
  t.equal(flags(), '/failed_active_hc');
  t.equal(host.isUnchecked, true);
  t.equal(stat('healthy'), 0);
});

t.test('a new host is pending where unchecked ones are to be ignored', async (t) => {
  const { host, flags } = fixture({}, true);
  t.equal(flags(), '/failed_active_hc/pending_active_hc');
  t.equal(host.fail(NETWORK), 'changed', 'it counts from now on');
  t.equal(flags(), '/failed_active_hc');
});

t.test('the first success is enough, whatever the threshold', async (t) => {
  const { host, events, flags, stat } = fixture({ healthyThreshold: 5 });
  t.equal(host.pass(false), 'changed');
  t.equal(flags(), 'healthy');
  t.strictSame(events, [{ kind: 'add-healthy', isFirstCheck: true }]);
  t.equal(stat('healthy'), 1);
  t.equal(stat('success'), 1);
});

t.test('after a first failure the threshold of successes holds', async (t) => {
  const { host, events, flags } = fixture();
  t.equal(host.fail(NETWORK), 'unchanged');
  t.strictSame(events, [{ kind: 'failure', type: 'NETWORK', isFirstCheck: true, status: 0 }]);
  t.equal(host.pass(false), 'change-pending');
  t.equal(flags(), '/failed_active_hc');
  t.equal(host.pass(false), 'changed');
  t.equal(flags(), 'healthy');
  t.strictSame(events.at(-1), { kind: 'add-healthy', isFirstCheck: false });
});

t.test('a failure in between begins successes anew, and the other way round', async (t) => {
  const { host, flags } = fixture();
  host.fail(NETWORK);
  host.pass(false);
  host.fail(NETWORK);
  t.equal(host.pass(false), 'change-pending');
  t.equal(host.pass(false), 'changed');
  t.equal(host.fail(NETWORK), 'change-pending');
  t.equal(host.fail(NETWORK), 'change-pending');
  t.equal(host.pass(false), 'unchanged');
  t.equal(host.fail(NETWORK), 'change-pending');
  t.equal(host.fail(NETWORK), 'change-pending');
  t.equal(flags(), 'healthy');
  t.equal(host.fail(NETWORK), 'changed');
  t.equal(flags(), '/failed_active_hc');
});

t.test('what fails by the network or is retriable counts towards the threshold', async (t) => {
  const { host, events, flags, stat } = healthy();
  t.equal(host.fail(NETWORK), 'change-pending');
  t.equal(host.fail(RETRIABLE), 'change-pending');
  t.equal(host.fail(TIMEOUT), 'changed');
  t.equal(flags(), '/failed_active_hc/active_hc_timeout');
  t.strictSame(events, [{ kind: 'eject-unhealthy', type: 'NETWORK_TIMEOUT', status: 0 }]);
  t.equal(stat('failure'), 3);
  t.equal(stat('network_failure'), 2);
  t.equal(stat('healthy'), 0);
});

t.test('a definite failure is enough', async (t) => {
  const { host, events, flags } = healthy();
  t.equal(host.fail(DEFINITE), 'changed');
  t.equal(flags(), '/failed_active_hc');
  t.strictSame(events, [{ kind: 'eject-unhealthy', type: 'ACTIVE', status: 503 }]);
});

t.test('the timeout flag says how a failed host failed last', async (t) => {
  const { host, flags } = healthy({ unhealthyThreshold: 1 });
  host.fail(TIMEOUT);
  t.equal(flags(), '/failed_active_hc/active_hc_timeout');
  host.fail(NETWORK);
  t.equal(flags(), '/failed_active_hc');
  host.fail(TIMEOUT);
  host.pass(false);
  t.equal(flags(), '/failed_active_hc/active_hc_timeout', 'one success is not enough');
  host.pass(false);
  t.equal(flags(), 'healthy');
});

t.test('a host that says so is out at once, and of all shares until it passes', async (t) => {
  const { host, flags, stat } = healthy();
  t.equal(host.fail(PASSIVE), 'changed');
  t.equal(flags(), '/failed_active_hc/excluded_via_immediate_hc_fail');
  t.equal(stat('passive_failure'), 1);
  t.equal(stat('network_failure'), 0);
  host.pass(false);
  t.equal(flags(), '/failed_active_hc/excluded_via_immediate_hc_fail');
  host.pass(false);
  t.equal(flags(), 'healthy');
});

t.test('a host is degraded from one check to the next', async (t) => {
  const { host, events, flags, stat } = healthy();
  t.equal(host.pass(true), 'changed');
  t.equal(flags(), '/degraded_active_hc');
  t.equal(stat('degraded'), 1);
  t.equal(host.pass(true), 'unchanged');
  t.equal(host.pass(false), 'changed');
  t.equal(flags(), 'healthy');
  t.strictSame(
    events.map(({ kind }) => kind),
    ['degraded', 'no-longer-degraded'],
  );
  t.equal(stat('degraded'), 0);
});

t.test('every result is logged where that is asked for', async (t) => {
  const { host, events } = healthy({ alwaysLogsFailures: true, alwaysLogsSuccesses: true });
  host.pass(false);
  host.fail(NETWORK);
  t.strictSame(events, [
    { kind: 'success' },
    { kind: 'failure', type: 'NETWORK', isFirstCheck: false, status: 0 },
  ]);
});

t.test('what is known survives a new configuration; gauges forget who leaves', async (t) => {
  const { books, host, stat } = healthy();
  const next = new CheckedHost(PLACE, books, host);
  t.equal(next.isUnchecked, false);
  t.equal(next.isHealthy, true);
  t.equal(stat('healthy'), 2);
  host.leave();
  t.equal(stat('healthy'), 1);
});
