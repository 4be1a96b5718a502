// Which fields of the messages that many others share are honoured.
import type { SupportTable } from '../../../model/extension.ts';

const UNREAD_TYPED_METADATA = { accepted: 'no supported extension reads it' } as const;

/** Support of envoy.config.core.v3, envoy.type and google.protobuf messages, by type name. */
export const SHARED_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.core.v3.Address': {
    socket_address: 'honoured',
    pipe: 'honoured',
    envoy_internal_address: { partly: 'addresses of endpoints' },
  },
  'envoy.config.core.v3.EnvoyInternalAddress': {
    server_listener_name: 'honoured',
    endpoint_id: 'honoured',
  },
  'envoy.config.core.v3.SocketAddress': {
    protocol: { partly: 'TCP only' },
    address: 'honoured',
    port_value: 'honoured',
  },
  'envoy.config.core.v3.Pipe': {
    path: { partly: 'paths in the file system, no abstract sockets' },
  },
  'envoy.config.core.v3.TcpKeepalive': {
    keepalive_time: 'honoured',
    keepalive_probes: {
      partly: 'on Linux, with the optional package koffi; else ten, one a second',
    },
    keepalive_interval: {
      partly: 'on Linux, with the optional package koffi; else ten, one a second',
    },
  },
  'envoy.config.core.v3.CidrRange': { address_prefix: 'honoured', prefix_len: 'honoured' },
  'envoy.config.core.v3.Locality': { region: 'honoured', zone: 'honoured', sub_zone: 'honoured' },
  'envoy.config.core.v3.Metadata': {
    filter_metadata: 'honoured',
    typed_filter_metadata: UNREAD_TYPED_METADATA,
  },
  'envoy.config.core.v3.DataSource': {
    filename: { partly: 'UTF-8 text' },
    watched_directory: { partly: 'bodies of direct responses; other files are read once' },
    inline_bytes: { partly: 'UTF-8 text' },
    inline_string: 'honoured',
    environment_variable: 'honoured',
  },
  'envoy.config.core.v3.WatchedDirectory': {
    path: 'honoured',
    watch_modify: { accepted: 'files are read again however they change' },
  },
  'envoy.config.core.v3.HeaderValue': { key: 'honoured', value: 'honoured', raw_value: 'honoured' },
  'envoy.config.core.v3.HeaderValueOption': {
    header: 'honoured',
    append: 'honoured',
    append_action: 'honoured',
    keep_empty_value: 'honoured',
  },
  'envoy.config.core.v3.TransportSocket': {
    name: 'honoured',
    typed_config: 'honoured',
  },
  'envoy.config.core.v3.TypedExtensionConfig': { name: 'honoured', typed_config: 'honoured' },
  'envoy.config.core.v3.RuntimeFractionalPercent': {
    default_value: 'honoured',
    runtime_key: 'honoured',
  },
  'envoy.config.core.v3.HealthStatusSet': { statuses: 'honoured' },
  'envoy.config.core.v3.RuntimeFeatureFlag': {
    default_value: 'honoured',
    runtime_key: 'honoured',
  },
  'envoy.config.core.v3.RuntimeUInt32': {
    default_value: 'honoured',
    runtime_key: 'honoured',
  },
  'envoy.config.core.v3.RuntimePercent': {
    default_value: 'honoured',
    runtime_key: 'honoured',
  },
  'envoy.config.core.v3.RuntimeDouble': {
    default_value: 'honoured',
    runtime_key: 'honoured',
  },
  'envoy.config.core.v3.SchemeHeaderTransformation': {
    scheme_to_overwrite: 'honoured',
    match_upstream: { partly: 'only false, the default' },
  },
  'envoy.config.core.v3.SubstitutionFormatString': {
    text_format: 'honoured',
    text_format_source: 'honoured',
    json_format: 'honoured',
    omit_empty_values: 'honoured',
    content_type: { partly: 'bodies of local replies; lines of a log have no type' },
    json_format_options: 'honoured',
    formatters: { partly: 'envoy.formatter.req_without_query and envoy.formatter.metadata' },
  },
  'envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery': {},
  'envoy.extensions.formatter.metadata.v3.Metadata': {},
  'envoy.config.core.v3.JsonFormatOptions': {
    sort_properties: { accepted: 'members are always sorted' },
  },
  'envoy.type.v3.FractionalPercent': { numerator: 'honoured', denominator: 'honoured' },
  'envoy.type.v3.Percent': { value: 'honoured' },
  'envoy.type.v3.Int64Range': { start: 'honoured', end: 'honoured' },
};
