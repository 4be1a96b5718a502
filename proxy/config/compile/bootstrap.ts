// config.bootstrap.v3.Bootstrap: what it says about the process. Its listeners and clusters are
// resources of their own.
import type { Admin, Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Node } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { GoogleRE2Schema } from '../../api/gen/envoy/extensions/regex_engines/v3/google_re2_pb.js';
import type { AccessLogConfig } from '../../model/access-log.ts';
import type { AdminConfig, BootstrapConfig, NodeConfig } from '../../model/bootstrap.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';
import { compileAccessLogs } from './access-log.ts';
import { defaultFileAccessLog } from './access-loggers.ts';
import { compileReporting } from './config-source.ts';
import { compileDynamicResources } from './dynamic-resources.ts';
import { compileLocalityName } from './endpoints.ts';
import { durationMs } from './field-values.ts';
import { deepFreeze } from './freeze.ts';
import { compileInternalBuffer } from './internal-listeners.ts';
import { compileOverload } from './overload.ts';
import { compileRuntimeLayers, mergeRuntimeLayers } from './runtime-layers.ts';
import { compileAddress } from './socket-address.ts';
import { compileStatsConfig } from './stats-config.ts';

/** Envoy bootstrap.v3.Bootstrap.stats_flush_interval. */
export const DEFAULT_STATS_FLUSH_INTERVAL_MS = 5000;
/** Envoy bootstrap.v3.Bootstrap.header_prefix. */
export const DEFAULT_HEADER_PREFIX = 'x-envoy';

/** A compiled, frozen bootstrap without its resources; null when anything in it was refused. */
export function compileBootstrap(
  message: Bootstrap,
  context: CompileContext,
): BootstrapConfig | null {
  const node = compileNode(message.node);
  const runtimeLayers = compileRuntimeLayers(message.layeredRuntime, node.cluster, context);
  const runtime = mergeRuntimeLayers(runtimeLayers);
  checkFixedFields(message, context);
  const interval = { path: 'stats_flush_interval', value: message.statsFlushInterval };
  const config: BootstrapConfig = {
    node,
    localClusterName: message.clusterManager?.localClusterName ?? '',
    dynamic: compileDynamicResources(message, context.at('dynamic_resources')),
    loadStats: compileReporting(
      message.clusterManager?.loadStatsConfig,
      context.at('cluster_manager.load_stats_config'),
    ),
    hds: compileReporting(message.hdsConfig, context.at('hds_config')),
    admin: compileAdmin(message.admin, context.at('admin')),
    stats: compileStatsConfig(message.statsConfig, context.at('stats_config')),
    runtimeLayers,
    runtime,
    ...compileOverload(message, context),
    internalBufferBytes: compileInternalBuffer(message.bootstrapExtensions, context),
    outlierLogPath: message.clusterManager?.outlierDetection?.eventLogPath ?? '',
    statsFlushIntervalMs: durationMs(context, interval, DEFAULT_STATS_FLUSH_INTERVAL_MS),
  };
  return context.failed ? null : deepFreeze(config);
}

function compileNode(node: Node | undefined): NodeConfig {
  return {
    id: node?.id ?? '',
    cluster: node?.cluster ?? '',
    locality: compileLocalityName(node?.locality),
  };
}

/** Fields that may be set to the one value that is built in. */
function checkFixedFields(message: Bootstrap, context: CompileContext): void {
  if (message.headerPrefix !== '' && message.headerPrefix !== DEFAULT_HEADER_PREFIX) {
    context.reject('header_prefix', `only ${DEFAULT_HEADER_PREFIX}, the default, is supported yet`);
  }
  const engine = message.defaultRegexEngine?.typedConfig;
  if (engine !== undefined && typeIn(engine) !== GoogleRE2Schema.typeName) {
    context.reject('default_regex_engine', 'only envoy.regex_engines.google_re2 is supported');
  }
  if (message.statsFlushInterval !== undefined && message.statsFlush.case !== undefined) {
    const rule = 'Only one of stats_flush_interval or stats_flush_on_admin should be set!';
    context.reject('stats_flush_on_admin', rule);
  }
}

function compileAdmin(message: Admin | undefined, context: CompileContext): AdminConfig | null {
  if (message === undefined) return null;
  const accessLogs = [
    ...compileAccessLogs(message.accessLog, context),
    ...oldAccessLog(message, context),
  ];
  // Envoy: an admin without an address is no admin.
  if (message.address === undefined) return null;
  const address = compileAddress(message.address, context.at('address'));
  return address === null ? null : { address, accessLogs };
}

function oldAccessLog(message: Admin, context: CompileContext): readonly AccessLogConfig[] {
  if (message.accessLogPath === '') return [];
  const log = defaultFileAccessLog(message.accessLogPath, context.at('access_log_path'));
  return log === null ? [] : [{ filter: null, ...log }];
}
