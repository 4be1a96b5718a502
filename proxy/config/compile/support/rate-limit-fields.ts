// Which fields of the rate limits of routes are honoured.
import type { SupportTable } from '../../../model/extension.ts';

const DESCRIPTOR_VALUE: SupportTable = {
  descriptor_key: 'honoured',
  descriptor_value: 'honoured',
  default_value: 'honoured',
};

/** Support of envoy.config.route.v3.RateLimit and what it is made of, by type name. */
export const RATE_LIMIT_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.route.v3.RateLimit': {
    stage: 'honoured',
    disable_key: { partly: 'local rate limits with a key are left out, as in Envoy' },
    actions: 'honoured',
    limit: 'honoured',
    hits_addend: 'honoured',
    apply_on_stream_done: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action': {
    source_cluster: 'honoured',
    destination_cluster: 'honoured',
    request_headers: 'honoured',
    query_parameters: 'honoured',
    remote_address: 'honoured',
    masked_remote_address: 'honoured',
    remote_address_match: 'honoured',
    generic_key: 'honoured',
    header_value_match: 'honoured',
    query_parameter_value_match: 'honoured',
    dynamic_metadata: 'honoured',
    metadata: 'honoured',
    extension: { refused: 'no descriptor extension is built in; use one of the other actions' },
  },
  'envoy.config.route.v3.RateLimit.Action.SourceCluster': {},
  'envoy.config.route.v3.RateLimit.Action.DestinationCluster': {},
  'envoy.config.route.v3.RateLimit.Action.RemoteAddress': {},
  'envoy.config.route.v3.RateLimit.Action.RequestHeaders': {
    header_name: 'honoured',
    descriptor_key: 'honoured',
    skip_if_absent: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action.QueryParameters': {
    query_parameter_name: 'honoured',
    descriptor_key: 'honoured',
    skip_if_absent: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action.MaskedRemoteAddress': {
    v4_prefix_mask_len: 'honoured',
    v6_prefix_mask_len: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action.RemoteAddressMatch': {
    ...DESCRIPTOR_VALUE,
    address_matcher: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action.GenericKey': DESCRIPTOR_VALUE,
  'envoy.config.route.v3.RateLimit.Action.HeaderValueMatch': {
    ...DESCRIPTOR_VALUE,
    expect_match: 'honoured',
    headers: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action.QueryParameterValueMatch': {
    ...DESCRIPTOR_VALUE,
    expect_match: 'honoured',
    query_parameters: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action.DynamicMetaData': {
    descriptor_key: 'honoured',
    metadata_key: 'honoured',
    default_value: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Action.MetaData': {
    descriptor_key: 'honoured',
    metadata_key: 'honoured',
    default_value: 'honoured',
    source: { partly: 'DYNAMIC and ROUTE_ENTRY' },
    skip_if_absent: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Override': {
    dynamic_metadata: 'honoured',
    rate_limit: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.Override.DynamicMetadata': { metadata_key: 'honoured' },
  'envoy.config.route.v3.RateLimit.Override.RateLimitOverride': {
    requests_per_unit: 'honoured',
    unit: 'honoured',
  },
  'envoy.config.route.v3.RateLimit.HitsAddend': {
    number: 'honoured',
    format: 'honoured',
    is_negative_hits: 'honoured',
  },
  'envoy.type.metadata.v3.MetadataKey': { key: 'honoured', path: 'honoured' },
  'envoy.type.metadata.v3.MetadataKey.PathSegment': { key: 'honoured' },
};
