// The TCP proxy's definition: the network filter that hands octets to an upstream and back.
import {
  type TcpProxy,
  TcpProxy_OnDemandSchema,
  TcpProxy_TcpAccessLogOptionsSchema,
  TcpProxy_TunnelingConfigSchema,
  TcpProxy_WeightedCluster_ClusterWeightSchema,
  TcpProxy_WeightedClusterSchema,
  TcpProxySchema,
} from '../../api/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { compileTcpProxy } from '../../config/compile/tcp-proxy.ts';
import type { SupportTable } from '../../model/extension.ts';
import type { TcpProxyConfig } from '../../model/tcp-proxy.ts';
import type { NetworkFilterDefinition } from '../network-filter.ts';
import { TcpRuntime } from './tcp-proxy/tcp-runtime.ts';
import { TcpSession } from './tcp-proxy/tcp-session.ts';

const NOBODY_READS = 'no supported filter would read what it stores';

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [TcpProxySchema.typeName]: {
    stat_prefix: 'honoured',
    cluster: 'honoured',
    weighted_clusters: 'honoured',
    idle_timeout: 'honoured',
    access_log: 'honoured',
    max_connect_attempts: 'honoured',
    tunneling_config: 'honoured',
    max_downstream_connection_duration: 'honoured',
    access_log_flush_interval: 'honoured',
    flush_access_log_on_connected: 'honoured',
    access_log_options: 'honoured',
    hash_policy: 'honoured',
    metadata_match: 'honoured',
    on_demand: { refused: 'clusters come with the configuration only' },
  },
  'envoy.type.v3.HashPolicy': { source_ip: 'honoured', filter_state: 'honoured' },
  'envoy.type.v3.HashPolicy.SourceIp': {},
  'envoy.type.v3.HashPolicy.FilterState': { key: 'honoured' },
  [TcpProxy_WeightedClusterSchema.typeName]: { clusters: 'honoured' },
  [TcpProxy_WeightedCluster_ClusterWeightSchema.typeName]: {
    name: 'honoured',
    weight: 'honoured',
    metadata_match: 'honoured',
  },
  [TcpProxy_TunnelingConfigSchema.typeName]: {
    hostname: 'honoured',
    use_post: 'honoured',
    post_path: 'honoured',
    headers_to_add: 'honoured',
    propagate_response_headers: { refused: NOBODY_READS },
    propagate_response_trailers: { refused: NOBODY_READS },
  },
  [TcpProxy_TcpAccessLogOptionsSchema.typeName]: {
    access_log_flush_interval: 'honoured',
    flush_access_log_on_connected: 'honoured',
  },
  [TcpProxy_OnDemandSchema.typeName]: {},
};

/** envoy.filters.network.tcp_proxy */
export const tcpProxyDefinition: NetworkFilterDefinition<TcpProxy, TcpProxyConfig> = {
  name: 'envoy.filters.network.tcp_proxy',
  schema: TcpProxySchema,
  isTerminal: true,
  support: SUPPORT,
  compile: compileTcpProxy,
  factory: (config, services) => {
    const runtime = new TcpRuntime(config, services);
    return {
      create: (connection, info) => TcpSession.begin(runtime, connection, info),
      refreshGauges: () => runtime.refreshGauges(),
    };
  },
};
