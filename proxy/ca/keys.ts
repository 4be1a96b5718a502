// Keys of authorities and workloads, and signatures with them: made by node:crypto alone.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';
import { bitString, type DerNode, encoded, nothing, oid, sequence, toDer } from './der.ts';

/** Kinds of keys that are made here, as the command line calls them. */
export const KEY_KINDS = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;

/** One of KEY_KINDS. */
export type KeyKind = (typeof KEY_KINDS)[number];

/** Fast, short, and understood by everybody. */
export const DEFAULT_KEY_KIND: KeyKind = 'ec-p256';
/** What Istio asks of workloads, and NIST SP 800-131A of everybody. */
export const MIN_RSA_BITS = 2048;
/** Above it a signature is dear enough to be an attack. */
const MAX_RSA_BITS = 8192;

const CURVES: ReadonlyMap<string, CurveFacts> = new Map([
  ['prime256v1', { hash: 'sha256', algorithm: '1.2.840.10045.4.3.2' }],
  ['secp384r1', { hash: 'sha384', algorithm: '1.2.840.10045.4.3.3' }],
]);
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';

interface CurveFacts {
  readonly hash: string;
  /** Object identifier of ECDSA with that hash. */
  readonly algorithm: string;
}

/** True for the names of KEY_KINDS. */
export function isKeyKind(text: string): text is KeyKind {
  return (KEY_KINDS as readonly string[]).includes(text);
}

/** A fresh private key, made beside the event loop: RSA takes a tenth of a second and more. */
export async function generateKey(kind: KeyKind): Promise<KeyObject> {
  const generate = promisify(generateKeyPair);
  if (kind.startsWith('rsa-')) {
    const modulusLength = Number(kind.slice('rsa-'.length));
    return (await generate('rsa', { modulusLength })).privateKey;
  }
  const namedCurve = kind === 'ec-p256' ? 'P-256' : 'P-384';
  return (await generate('ec', { namedCurve })).privateKey;
}

/** `pkcs8`, or the older forms (PKCS#1, SEC 1) that Istio's agent writes unless told otherwise. */
export function keyPem(key: KeyObject, form: 'pkcs8' | 'traditional' = 'pkcs8'): string {
  if (form === 'pkcs8') return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1';
  return key.export({ type, format: 'pem' }).toString();
}

/** A private key in PEM, without a word of it in the error. */
export function readKeyPem(text: string): KeyObject | { readonly error: string } {
  try {
    const key = createPrivateKey(text);
    const fault = keyFault(key);
    return fault === null ? key : { error: fault };
  } catch {
    // OpenSSL's words on a broken key help nobody.
    return { error: 'no private key in PEM, or an encrypted one' };
  }
}

/** The SubjectPublicKeyInfo of a private or public key. */
export function publicKeyInfo(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** Why a key is not certified, or does not sign; null: it may. */
export function keyFault(key: KeyObject): string | null {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  if (kind === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS) return `RSA key of ${bits} bits: at least ${MIN_RSA_BITS} are needed`;
    return bits > MAX_RSA_BITS ? `RSA key of ${bits} bits: more than ${MAX_RSA_BITS}` : null;
  }
  if (kind === 'ec') {
    const curve = details?.namedCurve ?? '';
    return CURVES.has(curve) ? null : `EC key on ${curve}: P-256 and P-384 are known`;
  }
  return `key of kind ${kind ?? 'unknown'}: RSA and EC are known`;
}

/** SIGNED{}: the part, how it was signed, and the signature. */
export function signed(part: DerNode, key: KeyObject): Buffer {
  const der = toDer(part);
  const signature = sign(curveOf(key)?.hash ?? 'sha256', der, key);
  return toDer(sequence(encoded(der), signatureAlgorithm(key), bitString(signature)));
}

/** AlgorithmIdentifier of `signed` with this key. */
export function signatureAlgorithm(key: KeyObject): DerNode {
  const curve = curveOf(key);
  // RFC 3279 §2.2.1, RFC 5758 §3.2: RSA has a NULL there, ECDSA has nothing.
  return curve === null
    ? sequence(oid(SHA256_WITH_RSA), nothing())
    : sequence(oid(curve.algorithm));
}

function curveOf(key: KeyObject): CurveFacts | null {
  return CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? '') ?? null;
}
