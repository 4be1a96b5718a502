// Which fields of sources of configuration, and of the servers among them, are honoured.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';

const CORE = 'envoy.config.core.v3';
const GOOGLE_ONLY: FieldSupport = {
  refused: "it is for Google's services: use access_token, or from_plugin with a file",
};

/** Support of envoy.config.core.v3 messages about sources, by type name. */
export const DISCOVERY_FIELDS: Readonly<Record<string, SupportTable>> = {
  [`${CORE}.ConfigSource`]: {
    path: 'honoured',
    path_config_source: 'honoured',
    api_config_source: 'honoured',
    ads: 'honoured',
    self: { partly: 'means ads' },
    initial_fetch_timeout: 'honoured',
    resource_api_version: { partly: 'V3, which AUTO means too' },
    authorities: { refused: 'names of the form xdstp:// are not supported: use plain names' },
  },
  [`${CORE}.ExtensionConfigSource`]: {
    config_source: 'honoured',
    default_config: 'honoured',
    apply_default_config_without_warming: 'honoured',
    type_urls: 'honoured',
  },
  [`${CORE}.AggregatedConfigSource`]: {},
  [`${CORE}.SelfConfigSource`]: { transport_api_version: { partly: 'V3, which AUTO means too' } },
  [`${CORE}.PathConfigSource`]: { path: 'honoured', watched_directory: 'honoured' },
  [`${CORE}.ApiConfigSource`]: {
    api_type: { partly: 'REST, GRPC and DELTA_GRPC; aggregated servers are named by ads' },
    transport_api_version: { partly: 'V3, which AUTO means too' },
    cluster_names: { partly: 'the one of REST' },
    grpc_services: 'honoured',
    refresh_delay: 'honoured',
    request_timeout: 'honoured',
    rate_limit_settings: 'honoured',
    set_node_on_first_message_only: 'honoured',
    config_validators: { refused: 'what servers send is judged by the same rules as files' },
  },
  [`${CORE}.RateLimitSettings`]: { max_tokens: 'honoured', fill_rate: 'honoured' },
  [`${CORE}.GrpcService`]: {
    envoy_grpc: 'honoured',
    google_grpc: 'honoured',
    timeout: { accepted: 'streams have no end, as in Envoy' },
    initial_metadata: 'honoured',
    retry_policy: { accepted: 'streams are begun again after 0.5 s to 30 s' },
  },
  [`${CORE}.GrpcService.EnvoyGrpc`]: {
    cluster_name: 'honoured',
    authority: 'honoured',
    retry_policy: { partly: 'retry_back_off: when a stream that ended is begun again' },
    max_receive_message_length: 'honoured',
    skip_envoy_headers: { accepted: 'no x-envoy-* fields are sent to servers' },
  },
  [`${CORE}.GrpcService.GoogleGrpc`]: {
    target_uri: { partly: 'host:port, dns:, ipv4:, ipv6: and unix:' },
    channel_credentials: 'honoured',
    call_credentials: 'honoured',
    stat_prefix: 'honoured',
    credentials_factory_name: {
      partly: 'envoy.grpc_credentials.default and envoy.grpc_credentials.file_based_metadata',
    },
    config: { accepted: 'the factories that are known read nothing there' },
    per_stream_buffer_limit_bytes: { accepted: 'a stream stops for a server that does not read' },
    channel_args: {
      partly:
        'grpc.default_authority, grpc.ssl_target_name_override, grpc.keepalive_time_ms, grpc.keepalive_timeout_ms and grpc.max_receive_message_length',
    },
  },
  [`${CORE}.GrpcService.GoogleGrpc.ChannelCredentials`]: {
    ssl_credentials: 'honoured',
    google_default: { refused: 'say ssl_credentials: without root_certs the system judges' },
    local_credentials: { partly: 'for unix: targets' },
  },
  [`${CORE}.GrpcService.GoogleGrpc.SslCredentials`]: {
    root_certs: 'honoured',
    private_key: 'honoured',
    cert_chain: 'honoured',
  },
  [`${CORE}.GrpcService.GoogleGrpc.GoogleLocalCredentials`]: {},
  [`${CORE}.GrpcService.GoogleGrpc.CallCredentials`]: {
    access_token: 'honoured',
    google_compute_engine: GOOGLE_ONLY,
    google_refresh_token: GOOGLE_ONLY,
    service_account_jwt_access: GOOGLE_ONLY,
    google_iam: 'honoured',
    from_plugin: { partly: 'envoy.grpc_credentials.file_based_metadata' },
    sts_service: GOOGLE_ONLY,
  },
  [`${CORE}.GrpcService.GoogleGrpc.CallCredentials.GoogleIAMCredentials`]: {
    authorization_token: 'honoured',
    authority_selector: 'honoured',
  },
  [`${CORE}.GrpcService.GoogleGrpc.CallCredentials.MetadataCredentialsFromPlugin`]: {
    name: 'honoured',
    typed_config: 'honoured',
  },
  [`${CORE}.GrpcService.GoogleGrpc.ChannelArgs`]: { args: 'honoured' },
  [`${CORE}.GrpcService.GoogleGrpc.ChannelArgs.Value`]: {
    string_value: 'honoured',
    int_value: 'honoured',
  },
  'envoy.config.grpc_credential.v3.FileBasedMetadataConfig': {
    secret_data: { partly: 'a file is read again for each stream' },
    header_key: 'honoured',
    header_prefix: 'honoured',
  },
  [`${CORE}.RetryPolicy`]: {
    retry_back_off: 'honoured',
    num_retries: { accepted: 'a stream is begun again as often as it ends' },
    retry_on: { accepted: 'a stream is begun again whatever ended it' },
    retry_priority: { accepted: 'addresses of the cluster are tried in turn' },
    retry_host_predicate: { accepted: 'addresses of the cluster are tried in turn' },
    host_selection_retry_max_attempts: { accepted: 'addresses of the cluster are tried in turn' },
  },
  [`${CORE}.BackoffStrategy`]: { base_interval: 'honoured', max_interval: 'honoured' },
  [`${CORE}.BuildVersion`]: { version: 'honoured', metadata: 'honoured' },
  [`${CORE}.Extension`]: {
    name: 'honoured',
    category: 'honoured',
    type_descriptor: 'honoured',
    version: 'honoured',
    disabled: 'honoured',
    type_urls: 'honoured',
  },
  'envoy.type.v3.SemanticVersion': {
    major_number: 'honoured',
    minor_number: 'honoured',
    patch: 'honoured',
  },
  'xds.core.v3.ContextParams': { params: 'honoured' },
  'istio.networking.nds.v1.NameTable': { table: 'honoured' },
  'istio.networking.nds.v1.NameTable.NameInfo': {
    ips: 'honoured',
    registry: 'honoured',
    shortname: 'honoured',
    namespace: 'honoured',
    alt_hosts: { accepted: 'control planes list such names by themselves' },
  },
};
