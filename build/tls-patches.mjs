// Additions to the protos of TLS and of other transport sockets; see api-patches.mjs.

const TLS_DIRECTORY = 'envoy/extensions/transport_sockets/tls/v3';
const TLS = `${TLS_DIRECTORY}/tls.proto`;
const COMMON = `${TLS_DIRECTORY}/common.proto`;
const SECRET = `${TLS_DIRECTORY}/secret.proto`;
const SPIFFE = `${TLS_DIRECTORY}/tls_spiffe_validator_config.proto`;
const CORE_PROXY_PROTOCOL = 'envoy/config/core/v3/proxy_protocol.proto';
const UPSTREAM_PROXY_PROTOCOL =
  'envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto';
const HTTP_11_PROXY =
  'envoy/extensions/transport_sockets/http_11_proxy/v3/upstream_http_11_connect.proto';

const HTTP_CONNECTION_MANAGER =
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto';

/** Each: the first place of `after` in `file`, and the text to put behind it. */
export const TLS_PATCHES = [
  {
    file: HTTP_CONNECTION_MANAGER,
    after: 'import "validate/validate.proto";',
    insert: '\nimport "xds/type/matcher/v3/matcher.proto";',
  },
  {
    file: HTTP_CONNECTION_MANAGER,
    after: 'bool uri = 5;',
    insert: `
    ForwardClientCertFormat format = 7 [(validate.rules).enum = {defined_only: true}];
    bool issuer = 8;`,
  },
  {
    file: HTTP_CONNECTION_MANAGER,
    after: 'SetCurrentClientCertDetails set_current_client_cert_details = 17;',
    insert: `
  .xds.type.matcher.v3.Matcher forward_client_cert_matcher = 60;
  enum ForwardClientCertFormat {
    TEXT = 0;
    JSON = 1;
  }
  message ForwardClientCertConfig {
    ForwardClientCertDetails forward_client_cert_details = 1
        [(validate.rules).enum = {defined_only: true}];
    SetCurrentClientCertDetails set_current_client_cert_details = 2;
  }`,
  },
  {
    file: TLS,
    after: 'string sni = 2 [(validate.rules).string = {max_bytes: 255}];',
    insert: `
  bool auto_host_sni = 6;
  bool auto_sni_san_validation = 7;`,
  },
  {
    file: TLS,
    after: 'google.protobuf.BoolValue full_scan_certs_on_sni_mismatch = 9;',
    insert: '\n  bool prefer_client_ciphers = 11;',
  },
  {
    file: TLS,
    after: 'config.core.v3.TypedExtensionConfig custom_handshaker = 13;',
    insert: '\n  config.core.v3.TypedExtensionConfig custom_tls_certificate_selector = 16;',
  },
  {
    file: COMMON,
    after: 'repeated string signature_algorithms = 5;',
    insert: `
  enum CompliancePolicy {
    FIPS_202205 = 0;
    CNSA2_202603 = 1;
    CNSA1_202603 = 2;
  }
  repeated CompliancePolicy compliance_policies = 6 [(validate.rules).repeated = {max_items: 1}];`,
  },
  {
    file: COMMON,
    after: 'repeated config.core.v3.DataSource signed_certificate_timestamp = 5;',
    insert: '\n  TlsParameters tls_params = 9;',
  },
  {
    file: COMMON,
    after:
      'google.protobuf.UInt32Value max_verify_depth = 16 [(validate.rules).uint32 = {lte: 100}];',
    insert: '\n  bool suppress_client_ca_list = 18;',
  },
  {
    file: SECRET,
    after: 'config.core.v3.DataSource secret = 1 [(udpa.annotations.sensitive) = true];',
    insert:
      '\n  map<string, config.core.v3.DataSource> secrets = 2 [(udpa.annotations.sensitive) = true];',
  },
  {
    file: SPIFFE,
    after: 'config.core.v3.DataSource trust_bundle = 2;',
    insert: '\n    string workload_trust_domain = 3;',
  },
  {
    file: SPIFFE,
    // Envoy does not look at its rule of one trust domain: bundles alone are enough.
    after: 'repeated TrustDomain trust_domains = 1',
    insert: `;
  config.core.v3.DataSource trust_bundles = 2; //`,
  },
  {
    file: CORE_PROXY_PROTOCOL,
    after: 'import "udpa/annotations/status.proto";',
    insert: '\nimport "envoy/config/core/v3/substitution_format_string.proto";',
  },
  {
    file: CORE_PROXY_PROTOCOL,
    after: 'option (udpa.annotations.file_status).package_version_status = ACTIVE;',
    insert: `
message TlvEntry {
  uint32 type = 1 [(validate.rules).uint32 = {lt: 256}];
  bytes value = 2;
  SubstitutionFormatString format_string = 3;
}
message PerHostConfig {
  repeated TlvEntry added_tlvs = 1;
}`,
  },
  {
    file: CORE_PROXY_PROTOCOL,
    after: 'ProxyProtocolPassThroughTLVs pass_through_tlvs = 2;',
    insert: '\n  repeated TlvEntry added_tlvs = 3;',
  },
  {
    file: UPSTREAM_PROXY_PROTOCOL,
    after:
      'config.core.v3.TransportSocket transport_socket = 2 [(validate.rules).message = {required: true}];',
    insert: `
  bool allow_unspecified_address = 3;
  bool tlv_as_pool_key = 4;`,
  },
  {
    file: HTTP_11_PROXY,
    after: 'import "envoy/config/core/v3/base.proto";',
    insert: '\nimport "envoy/config/core/v3/address.proto";',
  },
  {
    file: HTTP_11_PROXY,
    after: 'config.core.v3.TransportSocket transport_socket = 1',
    insert: `;
  config.core.v3.Address default_proxy_address = 2; //`,
  },
];
