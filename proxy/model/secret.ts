// Secrets as the data path knows them: what a TLS context refers to by key, whoever supplies it.
import type { Message } from '@bufbuild/protobuf';
import type { SafeRegex } from '../base/safe-regex.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { ConfigSourceConfig } from './config-source.ts';

/**
 * A secret that a context wants. References with equal keys mean one secret: it is supplied once,
 * and everybody who refers to it sees a new version at the same moment.
 */
export interface SecretRef<V extends SecretValue = SecretValue> {
  /** `static/<name>`, `path:<file>/<name>`, `ads/<name>`, `api:<hash>/<name>`, `files:<hash of paths>`, `inline:<hash>`. */
  readonly key: string;
  /** What the author called it; '' for what stands in the context itself. */
  readonly name: string;
  readonly kind: V['kind'];
  readonly source: SecretSource;
  /** Known while the configuration was compiled; null: whoever supplies it says later. */
  readonly initial: V | null;
}

/** Who supplies a secret. */
export type SecretSource =
  /** It stands in the configuration and changes with it only. */
  | { readonly kind: 'inline' }
  /**
   * It stands in the configuration, but parts of it in files, which are read again when they
   * change: `secret` is the extensions.transport_sockets.tls.v3.Secret that names them.
   */
  | { readonly kind: 'files'; readonly secret: Message }
  /** static_resources.secrets of the bootstrap. */
  | { readonly kind: 'static' }
  /** A file of DiscoveryResponse, watched (core.v3.PathConfigSource). */
  | {
      readonly kind: 'path';
      readonly path: string;
      /** '' : the file's own renames count. */
      readonly directory: string;
      readonly fetchTimeoutMs: number;
    }
  /** A server. */
  | { readonly kind: 'xds'; readonly from: ConfigSourceConfig; readonly fetchTimeoutMs: number };

/** What a secret holds. */
export type SecretValue =
  | CertificateSecret
  | ValidationSecret
  | TicketKeysSecret
  | { readonly kind: 'generic'; readonly value: Buffer };

/** TlsCertificate */
export interface CertificateSecret {
  readonly kind: 'certificate';
  /** PEM, the own certificate first. */
  readonly chainPem: string;
  /** PEM; never printed. */
  readonly keyPem: string;
  /** Of an encrypted key; '' for none. */
  readonly passphrase: string;
  /** Those of `chainPem`, parsed; at least one. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  /** DER of an OCSP response; null: none. */
  readonly ocspStaple: Buffer | null;
}

/** CertificateValidationContext; what is unset is null, false or empty, so that two can be merged. */
export interface ValidationSecret {
  readonly kind: 'validation';
  /** PEM of authorities; null: the chain is not judged. */
  readonly trustedCaPem: string | null;
  /** The same, parsed. */
  readonly trustedCas: readonly Certificate[];
  /** PEM of revocation lists; null: none. */
  readonly crlPem: string | null;
  readonly onlyVerifyLeafCrl: boolean;
  readonly sanMatchers: readonly SanMatcherConfig[];
  /** SHA-256 of certificates, and of their SubjectPublicKeyInfo: lower-case hexadecimal. */
  readonly certificateHashes: readonly string[];
  readonly publicKeyHashes: readonly string[];
  readonly acceptsUntrusted: boolean;
  readonly allowsExpired: boolean;
  /** null: 100. */
  readonly maxVerifyDepth: number | null;
  /** envoy.tls.cert_validator.spiffe; null: the default validator. */
  readonly spiffe: SpiffeValidatorConfig | null;
}

/** SubjectAltNameMatcher */
export interface SanMatcherConfig {
  readonly kind: 'dns' | 'uri' | 'email' | 'ip' | 'other';
  /** Of `other`. */
  readonly oid: string;
  readonly match: TextMatchConfig;
}

/** type.matcher.v3.StringMatcher */
export interface TextMatchConfig {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';
  /** As the author wrote it. */
  readonly text: string;
  readonly regex: SafeRegex | null;
  readonly ignoresCase: boolean;
}

/** SPIFFECertValidatorConfig: authorities by trust domain. */
export interface SpiffeValidatorConfig {
  readonly trustDomains: ReadonlyMap<string, readonly Certificate[]>;
}

/** TlsSessionTicketKeys: 80 octets each; the first one encrypts, all of them decrypt. */
export interface TicketKeysSecret {
  readonly kind: 'ticket-keys';
  readonly keys: readonly Buffer[];
}
