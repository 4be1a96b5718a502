// Which fields of secrets, and of where they come from, are honoured.
import type { SupportTable } from '../../../model/extension.ts';

const TLS = 'envoy.extensions.transport_sockets.tls.v3';

/** Support of extensions.transport_sockets.tls.v3 messages that hold secrets, by type name. */
export const SECRET_FIELDS: Readonly<Record<string, SupportTable>> = {
  [`${TLS}.Secret`]: {
    name: 'honoured',
    tls_certificate: 'honoured',
    session_ticket_keys: 'honoured',
    validation_context: 'honoured',
    generic_secret: 'honoured',
  },
  [`${TLS}.SdsSecretConfig`]: { name: 'honoured', sds_config: 'honoured' },
  [`${TLS}.TlsCertificate`]: {
    certificate_chain: 'honoured',
    private_key: 'honoured',
    pkcs12: {
      refused:
        'PKCS#12 archives are not read: convert it once, openssl pkcs12 -in FILE -nodes, and give certificate_chain and private_key as PEM',
    },
    watched_directory: 'honoured',
    private_key_provider: {
      refused:
        'keys are not used through providers: give private_key, as a file that only this process may read',
    },
    password: 'honoured',
    ocsp_staple: 'honoured',
    signed_certificate_timestamp: { accepted: 'Envoy does not use it either' },
    tls_params: { refused: 'parameters are those of the context: write them in its tls_params' },
  },
  [`${TLS}.TlsSessionTicketKeys`]: { keys: 'honoured' },
  [`${TLS}.GenericSecret`]: {
    secret: 'honoured',
    secrets: { refused: 'nothing that is supported reads several: use secret' },
  },
  [`${TLS}.CertificateValidationContext`]: {
    trusted_ca: 'honoured',
    ca_certificate_provider_instance: {
      refused: 'authorities do not come from providers; use trusted_ca or a secret by name',
    },
    system_root_certs: 'honoured',
    watched_directory: 'honoured',
    verify_certificate_spki: 'honoured',
    verify_certificate_hash: 'honoured',
    match_typed_subject_alt_names: 'honoured',
    match_subject_alt_names: 'honoured',
    require_signed_certificate_timestamp: { refused: 'Envoy does not check timestamps either' },
    crl: 'honoured',
    allow_expired_certificate: 'honoured',
    trust_chain_verification: 'honoured',
    custom_validator_config: { partly: 'envoy.tls.cert_validator.spiffe' },
    only_verify_leaf_cert_crl: 'honoured',
    max_verify_depth: 'honoured',
    suppress_client_ca_list: {
      accepted:
        'clients are sent the names of all authorities, or of none where OpenSSL decides so',
    },
  },
  [`${TLS}.SubjectAltNameMatcher`]: {
    san_type: 'honoured',
    matcher: 'honoured',
    oid: 'honoured',
  },
  [`${TLS}.SPIFFECertValidatorConfig`]: {
    trust_domains: 'honoured',
    trust_bundles: { partly: 'read with the configuration; its file is not watched' },
  },
  [`${TLS}.SPIFFECertValidatorConfig.TrustDomain`]: {
    name: 'honoured',
    trust_bundle: 'honoured',
    workload_trust_domain: { refused: 'trust domains are those of the certificates' },
  },
};
