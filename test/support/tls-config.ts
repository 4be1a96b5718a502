// TLS contexts and secrets as compiled configuration, for tests.
import type {
  CertificateSecret,
  SecretRef,
  SecretValue,
  ValidationSecret,
} from '../../proxy/model/secret.ts';
import type {
  CommonTlsConfig,
  DownstreamTlsConfig,
  UpstreamTlsConfig,
} from '../../proxy/model/transport-socket.ts';
import type { Certificate } from '../../proxy/x509/certificate.ts';
import type { TestCertificate } from './certificates.ts';
import { parsedCertificate, validationOf } from './validation.ts';

/** Envoy's default suites below TLS 1.3. */
const SUITES = [
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** A certificate of a test, parsed. */
export function parsed(certificate: TestCertificate): Certificate {
  return parsedCertificate(certificate);
}

/** A certificate with its key. */
export function certificateSecret(
  certificate: TestCertificate,
  members: Partial<CertificateSecret> = {},
): CertificateSecret {
  return {
    kind: 'certificate',
    chainPem: certificate.chainPem,
    keyPem: certificate.keyPem,
    passphrase: '',
    chain: [parsed(certificate)],
    ocspStaple: null,
    ...members,
  };
}

/** A validation context that trusts `authority`. */
export function validationSecret(
  authority: TestCertificate | null,
  members: Partial<ValidationSecret> = {},
): ValidationSecret {
  return validationOf(authority === null ? [] : [authority], members);
}

/** A secret that stands in the configuration. */
export function inlineRef<V extends SecretValue>(value: V, key = 'inline:test'): SecretRef<V> {
  return { key, name: '', kind: value.kind, source: { kind: 'inline' }, initial: value };
}

function commonTls(own: readonly TestCertificate[]): CommonTlsConfig {
  return {
    fingerprint: 'test',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: SUITES,
    groups: 'X25519:P-256',
    signatureAlgorithms: '',
    certificates: own.map((each, index) =>
      inlineRef(certificateSecret(each), `inline:${index}:${each.pem}`),
    ),
    validation: null,
    applicationProtocols: [],
    keyLogPath: null,
  };
}

/** A server with these certificates; clients are not asked for theirs. */
export function downstreamTls(
  own: readonly TestCertificate[],
  members: Partial<DownstreamTlsConfig> = {},
): DownstreamTlsConfig {
  return {
    ...commonTls(own),
    requiresClientCertificate: false,
    requiresServerName: false,
    ticketKeys: null,
    resumesStateless: true,
    resumesStateful: true,
    sessionTimeoutS: null,
    ocspPolicy: 'lenient',
    scansAllCertificates: false,
    prefersClientCiphers: false,
    ...members,
  };
}

/** A client that trusts everybody. */
export function upstreamTls(
  own: readonly TestCertificate[] = [],
  members: Partial<UpstreamTlsConfig> = {},
): UpstreamTlsConfig {
  return {
    ...commonTls(own),
    maxVersion: 'TLSv1.2',
    serverName: '',
    usesHostName: false,
    verifiesServerName: false,
    maxSessionKeys: 1,
    enforcesRsaKeyUsage: false,
    ...members,
  };
}
