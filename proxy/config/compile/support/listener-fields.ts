// Which fields of a listener are honoured; those not listed are refused by name.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';

const ONLY_FALSE: FieldSupport = { partly: 'only false, the default' };
const NO_OVERLOAD_MANAGER: FieldSupport = { accepted: 'there is no overload manager' };

/** Support of envoy.config.listener.v3 messages, by type name. */
export const LISTENER_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.listener.v3.Listener': {
    name: 'honoured',
    address: 'honoured',
    additional_addresses: 'honoured',
    stat_prefix: 'honoured',
    filter_chains: 'honoured',
    filter_chain_matcher: {
      refused: 'there are no matchers: choose chains by filter_chain_match',
    },
    use_original_dst: 'honoured',
    default_filter_chain: 'honoured',
    per_connection_buffer_limit_bytes: 'honoured',
    metadata: 'honoured',
    deprecated_v1: 'honoured',
    drain_type: 'honoured',
    listener_filters: 'honoured',
    listener_filters_timeout: 'honoured',
    continue_on_listener_filters_timeout: 'honoured',
    transparent: { partly: 'Linux; the address itself must be one of the host, or a wildcard' },
    freebind: ONLY_FALSE,
    tcp_fast_open_queue_length: { accepted: 'connections open as usual, one round trip later' },
    traffic_direction: 'honoured',
    connection_balance_config: { accepted: 'the kernel spreads connections over the workers' },
    reuse_port: { accepted: 'replaced by enable_reuse_port, which is true by default' },
    enable_reuse_port: { partly: 'all workers share one socket, true or false' },
    access_log: 'honoured',
    tcp_backlog_size: 'honoured',
    tcp_keepalive: 'honoured',
    max_connections_to_accept_per_socket_event: {
      accepted: 'Node decides how many are accepted at once',
    },
    bind_to_port: 'honoured',
    internal_listener: 'honoured',
    ignore_global_conn_limit: 'honoured',
    bypass_overload_manager: NO_OVERLOAD_MANAGER,
  },
  'envoy.config.listener.v3.Listener.InternalListenerConfig': {},
  'envoy.config.listener.v3.Listener.DeprecatedV1': { bind_to_port: 'honoured' },
  'envoy.config.listener.v3.AdditionalAddress': {
    address: 'honoured',
    tcp_keepalive: 'honoured',
  },
  'envoy.config.listener.v3.ListenerFilter': {
    name: 'honoured',
    typed_config: 'honoured',
    config_discovery: 'honoured',
    filter_disabled: 'honoured',
  },
  'envoy.config.listener.v3.ListenerFilterChainMatchPredicate': {
    or_match: 'honoured',
    and_match: 'honoured',
    not_match: 'honoured',
    any_match: 'honoured',
    destination_port_range: 'honoured',
  },
  'envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet': { rules: 'honoured' },
  'envoy.type.v3.Int32Range': { start: 'honoured', end: 'honoured' },
  'envoy.config.listener.v3.FilterChain': {
    filter_chain_match: 'honoured',
    filters: 'honoured',
    use_proxy_proto: ONLY_FALSE,
    metadata: 'honoured',
    transport_socket: 'honoured',
    transport_socket_connect_timeout: 'honoured',
    name: 'honoured',
  },
  'envoy.config.listener.v3.FilterChainMatch': {
    destination_port: 'honoured',
    prefix_ranges: 'honoured',
    // Refused when the listener is compiled, with the text of Envoy, which has them no more.
    address_suffix: { partly: 'only empty' },
    suffix_len: { partly: 'only absent' },
    direct_source_prefix_ranges: 'honoured',
    source_type: 'honoured',
    source_prefix_ranges: 'honoured',
    source_ports: 'honoured',
    server_names: 'honoured',
    transport_protocol: 'honoured',
    application_protocols: 'honoured',
  },
  'envoy.config.listener.v3.Filter': {
    name: 'honoured',
    typed_config: 'honoured',
    config_discovery: 'honoured',
  },
};
