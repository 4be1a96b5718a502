// TlsCertificate: a certificate chain with its private key, checked to belong together.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { TlsCertificate } from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { CertificateSecret } from '../../../model/secret.ts';
import type { Certificate } from '../../../x509/certificate.ts';
import { errorReason } from './openssl-error.ts';
import { readPemCertificates } from './pem-text.ts';
import { readSecretBytes, sourceName } from './secret-bytes.ts';

/** Smaller keys are refused, as Envoy does: they can be broken. */
const MIN_RSA_BITS = 2048;
/** Curves by Node's names. */
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** What stands in the sources of a certificate. */
interface Material {
  readonly chain: Buffer;
  readonly key: Buffer;
  readonly password: Buffer;
  readonly ocspStaple: Buffer;
}

/** A certificate that can be shown in handshakes; null and rejections when it is unusable. */
export function compileCertificateSecret(
  message: TlsCertificate,
  context: CompileContext,
): CertificateSecret | null {
  refuseProviders(message, context);
  const material = readMaterial(message, context);
  if (material === null || !isComplete(message, material, context)) return null;
  const chain = readChain(message, material, context);
  const key = readKey(message, material, context);
  if (chain === null || key === null || !isOneThing(message, { chain, key }, context)) return null;
  if (context.failed) return null;
  return {
    kind: 'certificate',
    chainPem: chain.map(({ pem }) => pem).join(''),
    keyPem: material.key.toString('latin1'),
    passphrase: material.password.toString('utf8'),
    chain,
    ocspStaple: material.ocspStaple.length === 0 ? null : material.ocspStaple,
  };
}

function refuseProviders(message: TlsCertificate, context: CompileContext): void {
  if (message.privateKeyProvider !== undefined) {
    context.reject('private_key_provider', NO_PROVIDER);
  }
  if (message.pkcs12 !== undefined) context.reject('pkcs12', NO_PKCS12);
}

const NO_PROVIDER =
  'keys are not used through providers: give the key itself as private_key, by a file that only this process may read';
const NO_PKCS12 =
  'PKCS#12 archives are not read: convert it once, openssl pkcs12 -in FILE -nodes, and give certificate_chain and private_key as PEM';

function readMaterial(message: TlsCertificate, context: CompileContext): Material | null {
  const chain = readSecretBytes(message.certificateChain, context.at('certificate_chain'));
  const key = readSecretBytes(message.privateKey, context.at('private_key'));
  const password = readSecretBytes(message.password, context.at('password'));
  const ocspStaple = readSecretBytes(message.ocspStaple, context.at('ocsp_staple'));
  if (message.ocspStaple?.specifier.case === 'inlineString') {
    context.reject('ocsp_staple.inline_string', 'OCSP staple cannot be provided via inline_string');
  }
  if (chain === null || key === null || password === null || ocspStaple === null) return null;
  return { chain, key, password, ocspStaple };
}

function isComplete(
  message: TlsCertificate,
  { chain, key }: Material,
  context: CompileContext,
): boolean {
  const isRefused = message.pkcs12 !== undefined || message.privateKeyProvider !== undefined;
  if (chain.length === 0 && !isRefused) {
    const from = sourceName(message.certificateChain);
    context.reject(
      'certificate_chain',
      `Failed to load incomplete certificate from ${from}: certificate chain not set`,
    );
  }
  if (key.length === 0 && !isRefused) {
    const from = sourceName(message.privateKey);
    context.reject('private_key', `Failed to load incomplete private key from path: ${from}`);
  }
  return chain.length > 0 && key.length > 0;
}

function readChain(
  message: TlsCertificate,
  { chain }: Material,
  context: CompileContext,
): CertificateSecret['chain'] | null {
  const read = readPemCertificates(chain);
  const from = sourceName(message.certificateChain);
  const failure = `Failed to load certificate chain from ${from}`;
  if (!read.ok) {
    context.reject('certificate_chain', `${failure}: ${read.reason}`);
    return null;
  }
  const [own, ...above] = read.certificates;
  const fault = keyFault(own);
  if (fault === null) return [own, ...above];
  context.reject('certificate_chain', `${failure}, ${fault}`);
  return null;
}

/** Why a certificate's key is not accepted; null: it is. */
function keyFault(own: Certificate): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKeyOf(own) ?? {};
  if (type === 'rsa' && (details?.modulusLength ?? 0) < MIN_RSA_BITS) {
    return 'only RSA certificates with 2048-bit or larger keys are supported';
  }
  if (type === 'ec' && !CURVES.has(details?.namedCurve ?? '')) {
    return 'only P-256, P-384 or P-521 ECDSA certificates are supported';
  }
  if (type === 'rsa' || type === 'ec' || type === 'ed25519') return null;
  return 'only RSA, ECDSA and Ed25519 certificates are supported';
}

function publicKeyOf({ publicKeyInfo }: Certificate): KeyObject | null {
  try {
    return createPublicKey({ key: publicKeyInfo, format: 'der', type: 'spki' });
  } catch {
    // A key of a kind that OpenSSL does not know, or no key at all: the caller refuses it.
    return null;
  }
}

function readKey(
  message: TlsCertificate,
  { key, password }: Material,
  context: CompileContext,
): KeyObject | null {
  try {
    const pem = { key, format: 'pem' } as const;
    return createPrivateKey(password.length === 0 ? pem : { ...pem, passphrase: password });
  } catch (error) {
    // The reasons of OpenSSL name what it expected, never what it read.
    context.reject('private_key', `${keyFailure(message)}${errorReason(error)}`);
    return null;
  }
}

function keyFailure(message: TlsCertificate): string {
  return `Failed to load private key from ${sourceName(message.privateKey)}, Cause: `;
}

function isOneThing(
  message: TlsCertificate,
  { chain, key }: { readonly chain: CertificateSecret['chain']; readonly key: KeyObject },
  context: CompileContext,
): boolean {
  if (chain[0].native?.checkPrivateKey(key) === true) return true;
  context.reject(
    'private_key',
    `${keyFailure(message)}KEY_VALUES_MISMATCH: it is not the key of the certificate ${chain[0].subject || chain[0].serialNumber}`,
  );
  return false;
}
