// extensions.filters.network.tcp_proxy.v3.TcpProxy.
import type {
  TcpProxy,
  TcpProxy_TunnelingConfig as TunnelingConfig,
} from '../../api/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { parseTextFormat } from '../../formatter/parse.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { ConnectionHashConfig } from '../../model/route-policies.ts';
import type {
  TcpClusterConfig,
  TcpProxyConfig,
  TcpTunnelingConfig,
} from '../../model/tcp-proxy.ts';
import { compileAccessLogs } from './access-log.ts';
import { durationMs } from './field-values.ts';
import { acceptFormat, formatOptions } from './format-string.ts';
import { deepFreeze } from './freeze.ts';
import { compileHeaderOptions } from './header-mutations.ts';
import { compileMetadataMatch } from './metadata-match.ts';

/** Envoy TcpProxy.idle_timeout. Shorter cuts quiet sessions, longer keeps dead peers. */
export const DEFAULT_TCP_IDLE_TIMEOUT_MS = 3_600_000;
/** Envoy TcpProxy.max_connect_attempts. */
export const DEFAULT_MAX_CONNECT_ATTEMPTS = 1;
/** Weights are drawn by a 32-bit number. */
const MAX_TOTAL_WEIGHT = 2 ** 32 - 1;

/** A compiled, frozen TCP proxy; null when anything in it was refused. */
export function compileTcpProxy(message: TcpProxy, context: CompileContext): TcpProxyConfig | null {
  const clusters = compileClusters(message, context);
  const duration = (path: string, value: TcpProxy['idleTimeout'], absent: number): number =>
    durationMs(context, { path, value }, absent);
  const config = {
    statPrefix: message.statPrefix,
    clusters,
    totalWeight: totalWeight(clusters, context),
    hashPolicy: compileHashPolicy(message),
    idleTimeoutMs: duration('idle_timeout', message.idleTimeout, DEFAULT_TCP_IDLE_TIMEOUT_MS),
    maxDownstreamConnectionDurationMs: duration(
      'max_downstream_connection_duration',
      message.maxDownstreamConnectionDuration,
      0,
    ),
    maxConnectAttempts: message.maxConnectAttempts ?? DEFAULT_MAX_CONNECT_ATTEMPTS,
    accessLogs: compileAccessLogs(message.accessLog, context),
    ...compileLogOptions(message, context),
    tunneling: compileTunneling(message.tunnelingConfig, context.at('tunneling_config')),
  };
  return context.failed ? null : deepFreeze(config);
}

function compileClusters(
  { clusterSpecifier: specifier, metadataMatch: common }: TcpProxy,
  context: CompileContext,
): readonly TcpClusterConfig[] {
  if (specifier.case === 'cluster')
    return [{ name: specifier.value, weight: 1, metadataMatch: compileMetadataMatch(common) }];
  if (specifier.case === 'weightedClusters') {
    return specifier.value.clusters.map(({ name, weight, metadataMatch: own }) => ({
      ...{ name, weight },
      metadataMatch: { ...compileMetadataMatch(common), ...compileMetadataMatch(own) },
    }));
  }
  context.reject('', 'cluster_specifier is required: use cluster or weighted_clusters');
  return [];
}

/** Only the first is there, as in Envoy. */
function compileHashPolicy({ hashPolicy: [first] }: TcpProxy): ConnectionHashConfig | null {
  const source = first?.policySpecifier;
  if (source?.case === 'sourceIp') return { kind: 'source-ip' };
  return source?.case === 'filterState' ? { kind: 'filter-state', key: source.value.key } : null;
}

function totalWeight(clusters: readonly TcpClusterConfig[], context: CompileContext): number {
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (total > MAX_TOTAL_WEIGHT) {
    const reason = `the weights add up to ${total}, which is more than ${MAX_TOTAL_WEIGHT}`;
    context.reject('weighted_clusters.clusters', reason);
  }
  return total;
}

type LogOptions = Pick<TcpProxyConfig, 'accessLogFlushIntervalMs' | 'flushesLogOnConnected'>;

/** As Envoy, access_log_options replaces the two older fields. */
function compileLogOptions(message: TcpProxy, context: CompileContext): LogOptions {
  const options = message.accessLogOptions;
  const { accessLogFlushInterval, flushAccessLogOnConnected } = options ?? message;
  const path =
    options === undefined
      ? 'access_log_flush_interval'
      : 'access_log_options.access_log_flush_interval';
  return {
    accessLogFlushIntervalMs: durationMs(context, { path, value: accessLogFlushInterval }, 0),
    flushesLogOnConnected: flushAccessLogOnConnected,
  };
}

function compileTunneling(
  message: TunnelingConfig | undefined,
  context: CompileContext,
): TcpTunnelingConfig | null {
  if (message === undefined) return null;
  const options = formatOptions(context.environment, { forHeader: true, omitEmptyValues: false });
  const parsed = parseTextFormat(message.hostname, options);
  const hostname = acceptFormat(parsed, context, 'hostname');
  if (message.postPath !== '' && !message.usePost) {
    context.reject('post_path', "Can't set a post path when POST method isn't used");
  } else if (message.postPath !== '' && !message.postPath.startsWith('/')) {
    context.reject('post_path', `must begin with '/', is '${message.postPath}'`);
  }
  const added = { path: 'headers_to_add', options: message.headersToAdd };
  const set = compileHeaderOptions(added, context);
  if (hostname === null) return null;
  return {
    hostname,
    usesPost: message.usePost,
    postPath: message.postPath === '' ? '/' : message.postPath,
    headers: { remove: [], set },
  };
}
