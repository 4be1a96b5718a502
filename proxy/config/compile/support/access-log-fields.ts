// Which fields of access logs and their filters are honoured; those not listed are refused by name.
import type { SupportTable } from '../../../model/extension.ts';

/** Support of envoy.config.accesslog.v3 messages, by type name. */
export const ACCESS_LOG_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.accesslog.v3.AccessLog': {
    name: 'honoured',
    filter: 'honoured',
    typed_config: 'honoured',
  },
  'envoy.config.accesslog.v3.AccessLogFilter': {
    status_code_filter: 'honoured',
    duration_filter: 'honoured',
    not_health_check_filter: 'honoured',
    traceable_filter: { partly: 'nothing is traced yet, so it keeps nothing' },
    runtime_filter: 'honoured',
    and_filter: 'honoured',
    or_filter: 'honoured',
    header_filter: 'honoured',
    response_flag_filter: 'honoured',
    grpc_status_filter: 'honoured',
    log_type_filter: 'honoured',
    metadata_filter: 'honoured',
    extension_filter: { partly: 'envoy.access_loggers.extension_filters.cel' },
  },
  'envoy.config.accesslog.v3.ExtensionFilter': { name: 'honoured', typed_config: 'honoured' },
  'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter': {
    expression: {
      partly: "Envoy's attributes and the operators and functions named in docs/istio.md",
    },
  },
  'envoy.config.accesslog.v3.ComparisonFilter': { op: 'honoured', value: 'honoured' },
  'envoy.config.accesslog.v3.StatusCodeFilter': { comparison: 'honoured' },
  'envoy.config.accesslog.v3.DurationFilter': { comparison: 'honoured' },
  'envoy.config.accesslog.v3.MetadataFilter': {
    matcher: 'honoured',
    match_if_key_not_found: 'honoured',
  },
  'envoy.config.accesslog.v3.NotHealthCheckFilter': {},
  'envoy.config.accesslog.v3.TraceableFilter': {},
  'envoy.config.accesslog.v3.RuntimeFilter': {
    runtime_key: 'honoured',
    percent_sampled: 'honoured',
    use_independent_randomness: 'honoured',
  },
  'envoy.config.accesslog.v3.AndFilter': { filters: 'honoured' },
  'envoy.config.accesslog.v3.OrFilter': { filters: 'honoured' },
  'envoy.config.accesslog.v3.HeaderFilter': { header: 'honoured' },
  'envoy.config.accesslog.v3.ResponseFlagFilter': { flags: 'honoured' },
  'envoy.config.accesslog.v3.GrpcStatusFilter': { statuses: 'honoured', exclude: 'honoured' },
  'envoy.config.accesslog.v3.LogTypeFilter': { types: 'honoured', exclude: 'honoured' },
};
