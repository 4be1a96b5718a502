// Which fields of a listener are honoured; those not listed are refused by name.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';

const ONLY_FALSE: FieldSupport = { partly: 'only false, the default' };
const NO_OVERLOAD_MANAGER: FieldSupport = { accepted: 'there is no overload manager' };
const NO_LISTENER_FILTERS: FieldSupport = {
  accepted: 'no listener filter runs, so none is waited for',
};

/** Support of envoy.config.listener.v3 messages, by type name. */
export const LISTENER_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.listener.v3.Listener': {
    name: 'honoured',
    address: 'honoured',
    additional_addresses: 'honoured',
    stat_prefix: 'honoured',
    filter_chains: { partly: 'one chain, which takes every connection' },
    use_original_dst: ONLY_FALSE,
    default_filter_chain: 'honoured',
    per_connection_buffer_limit_bytes: 'honoured',
    metadata: { accepted: 'no supported filter reads it' },
    deprecated_v1: 'honoured',
    drain_type: 'honoured',
    listener_filters: { partly: 'only an empty list' },
    listener_filters_timeout: NO_LISTENER_FILTERS,
    continue_on_listener_filters_timeout: NO_LISTENER_FILTERS,
    transparent: ONLY_FALSE,
    freebind: ONLY_FALSE,
    tcp_fast_open_queue_length: { accepted: 'connections open as usual, one round trip later' },
    traffic_direction: 'honoured',
    connection_balance_config: { accepted: 'the kernel spreads connections over the workers' },
    reuse_port: { accepted: 'replaced by enable_reuse_port, which is true by default' },
    enable_reuse_port: { partly: 'all workers share one socket, true or false' },
    access_log: 'honoured',
    tcp_backlog_size: 'honoured',
    max_connections_to_accept_per_socket_event: {
      accepted: 'Node decides how many are accepted at once',
    },
    bind_to_port: 'honoured',
    ignore_global_conn_limit: 'honoured',
    bypass_overload_manager: NO_OVERLOAD_MANAGER,
  },
  'envoy.config.listener.v3.Listener.DeprecatedV1': { bind_to_port: 'honoured' },
  'envoy.config.listener.v3.AdditionalAddress': { address: 'honoured' },
  // What its typed_config holds is in no table, so it is refused with the name of its type.
  'envoy.config.listener.v3.ListenerFilter': { name: 'honoured', typed_config: 'honoured' },
  'envoy.config.listener.v3.FilterChain': {
    filter_chain_match: { partly: 'only an empty one' },
    filters: 'honoured',
    use_proxy_proto: ONLY_FALSE,
    metadata: { accepted: 'no supported filter reads it' },
    transport_socket: 'honoured',
    transport_socket_connect_timeout: 'honoured',
    name: 'honoured',
  },
  'envoy.config.listener.v3.FilterChainMatch': {},
  'envoy.config.listener.v3.Filter': { name: 'honoured', typed_config: 'honoured' },
};
