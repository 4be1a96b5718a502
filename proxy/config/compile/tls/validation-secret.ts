// CertificateValidationContext: whom a peer's certificate must come from, and what it must say.
import type { DataSource } from '../../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  type CertificateValidationContext,
  CertificateValidationContext_TrustChainVerification as TrustChain,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { ValidationSecret } from '../../../model/secret.ts';
import type { Certificate } from '../../../x509/certificate.ts';
import { parsePemRevocationLists } from '../../../x509/revocation-list.ts';
import { pemBlocks, readPemCertificates } from './pem-text.ts';
import { compileSanMatchers } from './san-matchers.ts';
import { readSecretBytes, sourceName } from './secret-bytes.ts';
import { compileCustomValidator } from './spiffe-validator.ts';

/** Where operating systems keep their authorities, in Envoy's order. */
const SYSTEM_CA_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const SHA256_OCTETS = 32;
/** Length of a hash in hexadecimal with a colon between octets. */
const COLON_HASH_LENGTH = 95;

/**
 * What of a validation context stands in it, unjudged as a whole: see `validationFault`. null and
 * rejections when a part is unusable.
 */
export function compileValidationSecret(
  message: CertificateValidationContext,
  context: CompileContext,
): ValidationSecret | null {
  const trusted = compileTrusted(message, context);
  const crlPem = compileCrl(message, context.at('crl'));
  const spiffe = compileCustomValidator(message.customValidatorConfig, context);
  const sanMatchers = compileSanMatchers(message, context);
  const certificateHashes = compileHashes(message.verifyCertificateHash, context);
  const publicKeyHashes = compileKeyHashes(message.verifyCertificateSpki, context);
  if (trusted === null || crlPem === undefined || spiffe === undefined || context.failed) {
    return null;
  }
  return {
    kind: 'validation',
    ...trusted,
    crlPem,
    onlyVerifyLeafCrl: message.onlyVerifyLeafCertCrl,
    sanMatchers,
    certificateHashes,
    publicKeyHashes,
    acceptsUntrusted: message.trustChainVerification === TrustChain.ACCEPT_UNTRUSTED,
    allowsExpired: message.allowExpiredCertificate,
    maxVerifyDepth: message.maxVerifyDepth ?? null,
    spiffe,
  };
}

/** A contradiction in a context with all its parts, in Envoy's words; null: it can be used. */
export function validationFault(
  secret: Omit<ValidationSecret, 'kind'>,
): { readonly path: string; readonly reason: string } | null {
  if (secret.trustedCaPem !== null || secret.spiffe !== null) return null;
  if (secret.crlPem !== null) {
    return { path: 'crl', reason: 'Failed to load CRL without trusted CA' };
  }
  if (secret.sanMatchers.length > 0) {
    return {
      path: 'match_typed_subject_alt_names',
      reason:
        'SAN-based verification of peer certificates without trusted CA is insecure and not allowed: give trusted_ca, or let the peer be known by verify_certificate_hash',
    };
  }
  if (!secret.allowsExpired) return null;
  return {
    path: 'allow_expired_certificate',
    reason: 'Certificate validity period is always ignored without trusted CA',
  };
}

function compileTrusted(
  message: CertificateValidationContext,
  context: CompileContext,
): Pick<ValidationSecret, 'trustedCaPem' | 'trustedCas'> | null {
  if (message.trustedCa === undefined && message.systemRootCerts !== undefined) {
    return systemTrusted(context.at('system_root_certs'));
  }
  const at = context.at('trusted_ca');
  const bytes = readSecretBytes(message.trustedCa, at);
  if (bytes === null) return null;
  if (message.trustedCa === undefined) return { trustedCaPem: null, trustedCas: [] };
  // No authorities would mean that nobody is verified.
  if (bytes.length === 0) return rejectEmpty(message.trustedCa, at);
  return compileAuthorities(bytes, sourceName(message.trustedCa), at);
}

function rejectEmpty(source: DataSource, context: CompileContext): null {
  const isFile = source.specifier.case === 'filename';
  context.reject('', isFile ? `file ${sourceName(source)} is empty` : 'DataSource cannot be empty');
  return null;
}

/** Authorities in PEM; null and a rejection when there are none. */
function compileAuthorities(
  bytes: Buffer,
  from: string,
  context: CompileContext,
): { readonly trustedCaPem: string; readonly trustedCas: readonly Certificate[] } | null {
  const read = readPemCertificates(bytes);
  const failure = `Failed to load trusted CA certificates from ${from}`;
  if (!read.ok) {
    context.reject('', `${failure}: ${read.reason}`);
    return null;
  }
  return {
    trustedCaPem: read.certificates.map(({ pem }) => pem).join(''),
    trustedCas: read.certificates,
  };
}

function systemTrusted(
  context: CompileContext,
): Pick<ValidationSecret, 'trustedCaPem' | 'trustedCas'> | null {
  for (const path of SYSTEM_CA_FILES) {
    const content = context.environment.readFile(path);
    if (content !== null) return compileAuthorities(Buffer.from(content), path, context);
  }
  context.reject('', `none of the system's files is there: ${SYSTEM_CA_FILES.join(', ')}`);
  return null;
}

/** undefined: refused. A file of authorities may hold revocation lists too, as in Envoy. */
function compileCrl(
  message: CertificateValidationContext,
  context: CompileContext,
): string | null | undefined {
  const bytes = readSecretBytes(message.crl, context);
  if (bytes === null) return undefined;
  if (message.crl === undefined) return null;
  const text = bytes.toString('latin1');
  const lists = parsePemRevocationLists(text);
  if (!('error' in lists)) return pemBlocks(text, 'X509 CRL').join('');
  const failure = `Failed to load CRL from ${sourceName(message.crl)}`;
  context.reject('', `${failure}: line ${lists.line}: ${lists.error}`);
  return undefined;
}

function compileHashes(written: readonly string[], context: CompileContext): readonly string[] {
  return written.map((text, index) => {
    const hex = text.length === COLON_HASH_LENGTH ? text.replaceAll(':', '') : text;
    if (/^[0-9a-f]{64}$/i.test(hex)) return hex.toLowerCase();
    context.reject(`verify_certificate_hash[${index}]`, `Invalid hex-encoded SHA-256 ${text}`);
    return '';
  });
}

function compileKeyHashes(written: readonly string[], context: CompileContext): readonly string[] {
  return written.map((text, index) => {
    const octets = Buffer.from(text, 'base64');
    const isBase64 = /^[A-Za-z0-9+/]+=?$/.test(text) && octets.length === SHA256_OCTETS;
    if (!isBase64) {
      context.reject(`verify_certificate_spki[${index}]`, `Invalid base64-encoded SHA-256 ${text}`);
    }
    return octets.toString('hex');
  });
}
