// Which fields of TLS contexts and other transport sockets are honoured; those of secrets stand in
// secret-fields.ts.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';

type Tables = Readonly<Record<string, SupportTable>>;

const TLS = 'envoy.extensions.transport_sockets.tls.v3';
const NO_CERTIFICATE_PROVIDER: FieldSupport = {
  refused:
    'certificates do not come from providers; give them inline, in files, or as secrets by name',
};

const COMMON_TLS_FIELDS: Tables = {
  [`${TLS}.CommonTlsContext`]: {
    tls_params: 'honoured',
    tls_certificates: 'honoured',
    tls_certificate_sds_secret_configs: 'honoured',
    tls_certificate_provider_instance: NO_CERTIFICATE_PROVIDER,
    custom_tls_certificate_selector: {
      refused: 'certificates are chosen by server name and kind of key; list them all',
    },
    tls_certificate_certificate_provider: NO_CERTIFICATE_PROVIDER,
    tls_certificate_certificate_provider_instance: NO_CERTIFICATE_PROVIDER,
    validation_context: 'honoured',
    validation_context_sds_secret_config: 'honoured',
    combined_validation_context: 'honoured',
    validation_context_certificate_provider: NO_CERTIFICATE_PROVIDER,
    validation_context_certificate_provider_instance: NO_CERTIFICATE_PROVIDER,
    alpn_protocols: 'honoured',
    custom_handshaker: { refused: 'OpenSSL makes the handshakes; leave it out' },
    key_log: 'honoured',
  },
  [`${TLS}.CommonTlsContext.CombinedCertificateValidationContext`]: {
    default_validation_context: 'honoured',
    validation_context_sds_secret_config: 'honoured',
    validation_context_certificate_provider: NO_CERTIFICATE_PROVIDER,
    validation_context_certificate_provider_instance: NO_CERTIFICATE_PROVIDER,
  },
  [`${TLS}.TlsParameters`]: {
    tls_minimum_protocol_version: { partly: 'TLSv1_2 and TLSv1_3' },
    tls_maximum_protocol_version: { partly: 'TLSv1_2 and TLSv1_3' },
    cipher_suites: {
      partly: 'suites in one pair of brackets are preferred in their order: OpenSSL has no equals',
    },
    ecdh_curves: { partly: 'those that OpenSSL has; X25519MLKEM768 since OpenSSL 3.5' },
    signature_algorithms: 'honoured',
    compliance_policies: { partly: 'FIPS_202205' },
  },
  [`${TLS}.TlsKeyLog`]: {
    path: 'honoured',
    local_address_range: { refused: 'keys of all connections are logged, or of none' },
    remote_address_range: { refused: 'keys of all connections are logged, or of none' },
  },
};

/** Support of DownstreamTlsContext and what is in it. */
export const DOWNSTREAM_TLS_FIELDS: Tables = {
  [`${TLS}.DownstreamTlsContext`]: {
    common_tls_context: 'honoured',
    require_client_certificate: 'honoured',
    require_sni: 'honoured',
    session_ticket_keys: 'honoured',
    session_ticket_keys_sds_secret_config: 'honoured',
    disable_stateless_session_resumption: 'honoured',
    disable_stateful_session_resumption: 'honoured',
    session_timeout: 'honoured',
    ocsp_staple_policy: 'honoured',
    full_scan_certs_on_sni_mismatch: 'honoured',
    prefer_client_ciphers: 'honoured',
  },
  ...COMMON_TLS_FIELDS,
};

/** Support of UpstreamTlsContext and what is in it. */
export const UPSTREAM_TLS_FIELDS: Tables = {
  [`${TLS}.UpstreamTlsContext`]: {
    common_tls_context: 'honoured',
    sni: 'honoured',
    auto_host_sni: 'honoured',
    auto_sni_san_validation: 'honoured',
    allow_renegotiation: { partly: 'false' },
    max_session_keys: 'honoured',
    enforce_rsa_key_usage: 'honoured',
  },
  ...COMMON_TLS_FIELDS,
};

const STARTTLS = 'envoy.extensions.transport_sockets.starttls.v3';
const STARTTLS_TABLE: SupportTable = {
  cleartext_socket_config: 'honoured',
  tls_socket_config: 'honoured',
};

/** Support of starttls on filter chains. */
export const STARTTLS_FIELDS: Tables = {
  [`${STARTTLS}.StartTlsConfig`]: STARTTLS_TABLE,
  ...DOWNSTREAM_TLS_FIELDS,
};

/** Support of starttls on clusters. */
export const UPSTREAM_STARTTLS_FIELDS: Tables = {
  [`${STARTTLS}.UpstreamStartTlsConfig`]: STARTTLS_TABLE,
  ...UPSTREAM_TLS_FIELDS,
};

/** Support of upstream_proxy_protocol. */
export const PROXY_PROTOCOL_FIELDS: Tables = {
  'envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport': {
    config: 'honoured',
    transport_socket: 'honoured',
  },
  'envoy.config.core.v3.ProxyProtocolConfig': {
    version: 'honoured',
    pass_through_tlvs: { refused: 'TLVs that clients send are not kept: name them in added_tlvs' },
    added_tlvs: 'honoured',
  },
  'envoy.config.core.v3.ProxyProtocolPassThroughTLVs': {
    match_type: 'honoured',
    tlv_type: 'honoured',
  },
  'envoy.config.core.v3.TlvEntry': {
    type: 'honoured',
    value: 'honoured',
    format_string: { refused: 'only fixed values are added: write it as value' },
  },
};

/** Support of http_11_proxy. */
export const HTTP_11_PROXY_FIELDS: Tables = {
  'envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport': {
    transport_socket: 'honoured',
  },
};
