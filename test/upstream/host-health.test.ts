import t from 'tap';
import {
  endpointFlags,
  HEALTH_FLAG,
  healthOf,
  isExcluded,
  PRIMARY_FLAGS,
  printFlags,
} from '../../proxy/upstream/host-health.ts';

t.test('a host is as healthy as its worst flag', async (t) => {
  t.equal(healthOf(0), 'healthy');
  t.equal(healthOf(HEALTH_FLAG.pendingActiveCheck), 'healthy');
  t.equal(healthOf(HEALTH_FLAG.degradedEds), 'degraded');
  t.equal(healthOf(HEALTH_FLAG.degradedEds | HEALTH_FLAG.failedOutlierCheck), 'unhealthy');
  t.equal(healthOf(HEALTH_FLAG.edsDraining), 'unhealthy');
});

t.test('flags print as in /clusters', async (t) => {
  t.equal(printFlags(0), 'healthy');
  const both = HEALTH_FLAG.failedActiveCheck | HEALTH_FLAG.pendingActiveCheck;
  t.equal(printFlags(both), '/failed_active_hc/pending_active_hc');
  t.equal(printFlags(endpointFlags('unhealthy')), '/failed_eds_health');
  t.equal(printFlags(endpointFlags('degraded')), '/degraded_eds_health');
});

t.test('what endpoints say is not the primary’s to take back', async (t) => {
  t.equal(PRIMARY_FLAGS & endpointFlags('unhealthy'), 0);
  t.equal(PRIMARY_FLAGS & endpointFlags('degraded'), 0);
  t.not(PRIMARY_FLAGS & HEALTH_FLAG.failedOutlierCheck, 0);
});

t.test('hosts that were not checked yet are out of the count only if asked for', async (t) => {
  t.equal(isExcluded(HEALTH_FLAG.pendingActiveCheck, true), true);
  t.equal(isExcluded(HEALTH_FLAG.pendingActiveCheck, false), false);
  t.equal(isExcluded(HEALTH_FLAG.excludedByImmediateFailure, false), true);
});
