// config.core.v3.HealthCheck: active health checks of a cluster.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { HealthCheck } from '../../api/gen/envoy/config/core/v3/health_check_pb.js';
import {
  type HealthCheckEventFileSink,
  HealthCheckEventFileSinkSchema,
} from '../../api/gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb.js';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { CompileContext, ExtensionDefinition } from '../../model/extension.ts';
import type { CheckIntervalsConfig, HealthCheckConfig } from '../../model/health-check.ts';
import { compileEach } from './compile-each.ts';
import { compileExtension } from './extension-lookup.ts';
import { durationMs } from './field-values.ts';
import { compileChecker } from './health-checker.ts';
import { withLive } from './live-value.ts';
import { runtimeInteger } from './runtime-values.ts';

/** Envoy core.v3.HealthCheck.no_traffic_interval. */
export const DEFAULT_NO_TRAFFIC_INTERVAL_MS = 60_000;

const FILE_SINK: ExtensionDefinition<HealthCheckEventFileSink, string> = {
  name: 'envoy.health_check.event_sinks.file',
  schema: HealthCheckEventFileSinkSchema,
  support: {},
  compile: ({ eventLogPath }) => eventLogPath,
};

/** What checks of a cluster depend on. */
type ClusterFacts = Pick<ClusterConfig, 'discovery' | 'endpoints' | 'http'>;

/** The cluster's checks; `healthCheck` null: it has none, or they were refused. */
export function compileHealthChecks(
  cluster: Cluster,
  facts: ClusterFacts,
  context: CompileContext,
): Pick<ClusterConfig, 'healthCheck' | 'moreHealthChecks'> {
  const { healthChecks } = cluster;
  if (healthChecks.length === 0) return { healthCheck: null };
  checkNames(healthChecks, context);
  if (facts.discovery === 'original-dst' || facts.discovery === 'forward-proxy') {
    const type = facts.discovery === 'original-dst' ? 'ORIGINAL_DST' : 'dynamic_forward_proxy';
    context.warn('health_checks', `has no effect: hosts of ${type} clusters are not checked`);
    return { healthCheck: null };
  }
  refuseInternal(facts.endpoints, context);
  const names = { name: cluster.name, http: facts.http };
  const [healthCheck = null, ...moreHealthChecks] = compileEach(
    { path: 'health_checks', items: healthChecks },
    context,
    (message, at) => compileHealthCheck(message, names, at),
  );
  return { healthCheck, ...(moreHealthChecks.length > 0 && { moreHealthChecks }) };
}

/** As Envoy: the names of several tell their statistics apart. */
function checkNames(healthChecks: readonly HealthCheck[], context: CompileContext): void {
  if (healthChecks.length === 1) return;
  const seen = new Set<string>();
  for (const [index, { name }] of healthChecks.entries()) {
    const path = `health_checks[${index}].name`;
    if (name === '') {
      const rule = 'all health checks must have a name when multiple health checks are configured';
      context.reject(path, `health check at index ${index} is missing a name; ${rule}`);
    } else if (seen.has(name)) {
      const rule = 'all health check names must be unique within a cluster';
      context.reject(path, `duplicate health check name '${name}' at index ${index}; ${rule}`);
    }
    seen.add(name);
  }
}

function compileHealthCheck(
  message: HealthCheck,
  cluster: { readonly name: string; readonly http: ClusterConfig['http'] },
  at: CompileContext,
): HealthCheckConfig | null {
  const checker = compileChecker(message, cluster, at);
  if (checker === null) return null;
  const { transportSocketMatchCriteria: criteria } = message;
  const required = (path: string, value: HealthCheck['timeout']): number =>
    durationMs(at, { path, value }, 0);
  return {
    name: message.name,
    timeoutMs: required('timeout', message.timeout),
    intervals: compileIntervals(message, at),
    unhealthyThreshold: message.unhealthyThreshold ?? 0,
    healthyThreshold: message.healthyThreshold ?? 0,
    reusesConnection: message.reuseConnection ?? true,
    applicationProtocols: message.tlsOptions?.alpnProtocols ?? [],
    alwaysLogsFailures: message.alwaysLogHealthCheckFailures,
    alwaysLogsSuccesses: message.alwaysLogHealthCheckSuccess,
    eventLogPaths: compileEventLogs(message, at),
    checker,
    ...(criteria !== undefined && { transportCriteria: criteria }),
  };
}

/** Checks are made where no internal listener is. */
function refuseInternal(endpoints: ClusterConfig['endpoints'], context: CompileContext): void {
  const isInternal = endpoints.some(
    ({ port, check }) => port === -2 && check.address === null && !check.isDisabled,
  );
  if (!isInternal) return;
  const advice = 'set health_check_config.disable_active_health_check, or check another address';
  context.reject('health_checks', `internal listeners cannot be checked: ${advice}`);
}

function compileIntervals(message: HealthCheck, context: CompileContext): CheckIntervalsConfig {
  const read = (path: string, value: HealthCheck['interval'], absent: number): number =>
    durationMs(context, { path, value }, absent);
  const m = message;
  const intervalMs = read('interval', m.interval, 0);
  const unhealthyMs = read('unhealthy_interval', m.unhealthyInterval, intervalMs);
  const noTrafficMs = read(
    'no_traffic_interval',
    m.noTrafficInterval,
    DEFAULT_NO_TRAFFIC_INTERVAL_MS,
  );
  const { runtime } = context.environment;
  const most = Number.MAX_SAFE_INTEGER;
  const minMs = () => runtimeInteger(runtime, 'health_check.min_interval', 0);
  const maxMs = () => runtimeInteger(runtime, 'health_check.max_interval', most);
  const fixed = {
    intervalMs,
    unhealthyMs,
    unhealthyEdgeMs: read('unhealthy_edge_interval', m.unhealthyEdgeInterval, unhealthyMs),
    healthyEdgeMs: read('healthy_edge_interval', m.healthyEdgeInterval, intervalMs),
    noTrafficMs,
    noTrafficHealthyMs: read(
      'no_traffic_healthy_interval',
      m.noTrafficHealthyInterval,
      noTrafficMs,
    ),
    initialJitterMs: read('initial_jitter', m.initialJitter, 0),
    jitterMs: read('interval_jitter', m.intervalJitter, 0),
    jitterPercent: m.intervalJitterPercent,
  };
  return withLive(withLive(fixed, runtime, ['minMs', minMs]), runtime, ['maxMs', maxMs]);
}

function compileEventLogs(message: HealthCheck, context: CompileContext): readonly string[] {
  const paths: string[] = [];
  const add = (path: string, field: string): void => {
    const problem = context.environment.probeLogFile(path);
    if (problem === null) paths.push(path);
    else context.reject(field, problem);
  };
  if (message.eventLogPath !== '') add(message.eventLogPath, 'event_log_path');
  message.eventLogger.forEach((logger, index) => {
    const slot = {
      name: logger.name,
      typedConfig: logger.typedConfig,
      definitions: [FILE_SINK],
      category: 'health check event sink',
      typePrefix: 'envoy.extensions.health_check.event_sinks.',
    };
    const path = `event_logger[${index}]`;
    const found = compileExtension(slot, context.at(path));
    if (found !== null) add(found.config as string, path);
  });
  return paths;
}
