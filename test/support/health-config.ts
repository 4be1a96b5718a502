// Configurations of active health checks, for tests.
import type {
  CheckerConfig,
  CheckIntervalsConfig,
  HealthCheckConfig,
  HttpCheckConfig,
} from '../../proxy/model/health-check.ts';

/** Every second, without chance. */
export function checkIntervals(members: Partial<CheckIntervalsConfig> = {}): CheckIntervalsConfig {
  return {
    intervalMs: 1000,
    unhealthyMs: 1000,
    unhealthyEdgeMs: 1000,
    healthyEdgeMs: 1000,
    noTrafficMs: 1000,
    noTrafficHealthyMs: 1000,
    initialJitterMs: 0,
    jitterMs: 0,
    jitterPercent: 0,
    minMs: 0,
    maxMs: Number.MAX_SAFE_INTEGER,
    ...members,
  };
}

/** GET /hc over HTTP/1.1 with some members replaced. */
export function httpCheck(members: Partial<HttpCheckConfig> = {}): CheckerConfig {
  return {
    kind: 'http',
    host: '',
    path: '/hc',
    method: 'GET',
    protocol: 'http1',
    send: new Uint8Array(0),
    receive: [],
    responseBufferBytes: 1024,
    addHeaders: [],
    removeHeaders: [],
    expectedStatuses: [{ start: 200, end: 201 }],
    retriableStatuses: [],
    serviceName: null,
    ...members,
  };
}

/** Thresholds of 3 failures and 2 successes, half a second for each check. */
export function healthCheckConfig(members: Partial<HealthCheckConfig> = {}): HealthCheckConfig {
  return {
    name: '',
    timeoutMs: 500,
    intervals: checkIntervals(),
    unhealthyThreshold: 3,
    healthyThreshold: 2,
    reusesConnection: true,
    applicationProtocols: [],
    alwaysLogsFailures: false,
    alwaysLogsSuccesses: false,
    eventLogPaths: [],
    checker: httpCheck(),
    ...members,
  };
}
