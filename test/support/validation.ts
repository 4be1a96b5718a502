// Validation contexts for tests, as if they were compiled.
import type {
  SanMatcherConfig,
  TextMatchConfig,
  ValidationSecret,
} from '../../proxy/model/secret.ts';
import type { Certificate } from '../../proxy/x509/certificate.ts';
import { parseCertificate } from '../../proxy/x509/parse-certificate.ts';
import type { TestCertificate } from './certificates.ts';

/** The certificate as the proxy reads it. */
export function parsedCertificate({ der }: Pick<TestCertificate, 'der'>): Certificate {
  const certificate = parseCertificate(der);
  if ('error' in certificate) throw new Error(certificate.error);
  return certificate;
}

/** A context that trusts `authorities`, with `more` set. */
export function validationOf(
  authorities: readonly TestCertificate[],
  more: Partial<ValidationSecret> = {},
): ValidationSecret {
  return {
    kind: 'validation',
    trustedCaPem: authorities.length === 0 ? null : authorities.map(({ pem }) => pem).join(''),
    trustedCas: authorities.map(parsedCertificate),
    crlPem: null,
    onlyVerifyLeafCrl: false,
    sanMatchers: [],
    certificateHashes: [],
    publicKeyHashes: [],
    acceptsUntrusted: false,
    allowsExpired: false,
    maxVerifyDepth: null,
    spiffe: null,
    ...more,
  };
}

/** A matcher of subjectAltNames; exact unless `match` says otherwise. */
export function sanMatcher(
  kind: SanMatcherConfig['kind'],
  text: string,
  match: Partial<TextMatchConfig> & { readonly oid?: string } = {},
): SanMatcherConfig {
  const { oid = '', ...rest } = match;
  return { kind, oid, match: { kind: 'exact', text, regex: null, ignoresCase: false, ...rest } };
}
