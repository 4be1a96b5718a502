// Extensions of certificates and of requests for them (RFC 5280 §4.2).
import { createHash, type KeyObject } from 'node:crypto';
import { EXTENSION, KEY_USAGE } from '../x509/certificate.ts';
import {
  type DerNode,
  isTrue,
  namedBits,
  octetString,
  oid,
  sequence,
  setOfOne,
  smallInteger,
  taggedOctets,
  toDer,
  utf8,
} from './der.ts';
import { ipOctets, type WantedName } from './identity.ts';
import { publicKeyInfo } from './keys.ts';

/** What a certificate may be used for. */
export type Usage =
  /** Client and server of mutual TLS. */
  | { readonly kind: 'workload' }
  /** Signs others; `pathLength`: authorities that may follow below it, null: any number. */
  | { readonly kind: 'authority'; readonly pathLength: number | null };

const PURPOSES = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
/** Tags of GeneralName. */
const NAME_TAGS: Readonly<Record<WantedName['kind'], number>> = { dns: 2, uri: 6, ip: 7 };
const ORGANIZATION = '2.5.4.10';
const COMMON_NAME = '2.5.4.3';

/** Extension { id, critical, value } */
export function extension(id: string, isCritical: boolean, value: DerNode): DerNode {
  const octets = octetString(toDer(value));
  return isCritical ? sequence(oid(id), isTrue(), octets) : sequence(oid(id), octets);
}

/** basicConstraints, keyUsage and extendedKeyUsage. */
export function usageExtensions(usage: Usage, key: KeyObject): readonly DerNode[] {
  const { basicConstraints, keyUsage, extendedKeyUsage } = EXTENSION;
  if (usage.kind === 'authority') {
    const { pathLength } = usage;
    const limit = pathLength === null ? [] : [smallInteger(pathLength)];
    const bits = namedBits(KEY_USAGE.certSign | KEY_USAGE.crlSign);
    return [
      extension(basicConstraints, true, sequence(isTrue(), ...limit)),
      extension(keyUsage, true, bits),
    ];
  }
  // RSA of TLS 1.2 may be asked to decrypt; an EC key never is.
  const encipherment = key.asymmetricKeyType === 'rsa' ? KEY_USAGE.keyEncipherment : 0;
  return [
    extension(basicConstraints, true, sequence()),
    extension(keyUsage, true, namedBits(KEY_USAGE.digitalSignature | encipherment)),
    extension(extendedKeyUsage, false, sequence(...PURPOSES.map(oid))),
  ];
}

/** subjectAltName; RFC 5280 §4.2.1.6 wants it critical where the subject is empty. */
export function namesExtension(names: readonly WantedName[], isCritical: boolean): DerNode {
  const nodes = names.map(({ kind, value }) =>
    taggedOctets(NAME_TAGS[kind], kind === 'ip' ? ipOctets(value) : Buffer.from(value, 'latin1')),
  );
  return extension(EXTENSION.subjectAltName, isCritical, sequence(...nodes));
}

/** RFC 7093 §2 (1): the left-most 160 bits of SHA-256 over the key. */
export function subjectKeyId(key: KeyObject): Buffer {
  return createHash('sha256').update(publicKeyInfo(key)).digest().subarray(0, 20);
}

/** subjectKeyIdentifier */
export function subjectKeyExtension(keyId: Buffer): DerNode {
  return extension(EXTENSION.subjectKeyId, false, octetString(keyId));
}

/** authorityKeyIdentifier */
export function authorityKeyExtension(keyId: Buffer): DerNode {
  return extension(EXTENSION.authorityKeyId, false, sequence(taggedOctets(0, keyId)));
}

/** Name of an organization and a common name. */
export function distinguishedName(subject: Subject): DerNode {
  const { organization, commonName } = subject;
  const parts: DerNode[] = [];
  if (organization !== null) parts.push(attribute(ORGANIZATION, organization));
  if (commonName !== null) parts.push(attribute(COMMON_NAME, commonName));
  return sequence(...parts);
}

/** A subject; null: without that attribute. */
export interface Subject {
  readonly organization: string | null;
  readonly commonName: string | null;
}

/** The subject of workloads: their names say it all. */
export const NO_SUBJECT: Subject = Object.freeze({ organization: null, commonName: null });

function attribute(type: string, text: string): DerNode {
  return setOfOne(sequence(oid(type), utf8(text)));
}
