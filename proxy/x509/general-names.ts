// GeneralNames (RFC 5280 §4.2.1.6): the names a certificate is for. Values are what the octets
// say; whether a name may be used as an identity is asked with `isUsableName`.
import { printIp } from '../base/ip-address.ts';
import type { SubjectAltName } from './certificate.ts';
import { DER, DerReader } from './der-reader.ts';
import { oidText, readOid } from './der-values.ts';
import { decodeText } from './distinguished-name.ts';

/** Tags of GeneralName. */
export const GENERAL_NAME = {
  other: 0xa0,
  email: 0x81,
  dns: 0x82,
  directory: 0xa4,
  uri: 0x86,
  ip: 0x87,
} as const;

const KNOWN_TAGS = new Set([0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x86, 0x87, 0x88]);

/** One name as it stands there. */
export interface GeneralName {
  readonly tag: number;
  readonly content: Buffer;
}

/** Reads the content of GeneralNames; RFC 5280 wants at least one. */
export function readGeneralNames(reader: DerReader): readonly GeneralName[] {
  const names: GeneralName[] = [];
  if (reader.isAtEnd) reader.fail('no name in it');
  while (!reader.isAtEnd) {
    const { tag, content } = reader.readAny();
    if (!KNOWN_TAGS.has(tag)) reader.fail('name of an unknown kind');
    if (tag === GENERAL_NAME.ip && content.length !== 4 && content.length !== 16) {
      reader.fail(`IP address of ${content.length} octets`);
    }
    names.push({ tag, content });
  }
  return names;
}

/** Those of the kinds that identities are made of; a malformed one fails `reader`. */
export function toSubjectAltNames(
  names: readonly GeneralName[],
  reader: DerReader,
): readonly SubjectAltName[] {
  const list: SubjectAltName[] = [];
  for (const name of names) {
    const alt = toSubjectAltName(name, reader);
    if (alt !== null) list.push(alt);
  }
  return list;
}

function toSubjectAltName({ tag, content }: GeneralName, reader: DerReader): SubjectAltName | null {
  switch (tag) {
    case GENERAL_NAME.dns:
      return { kind: 'dns', value: content.toString('latin1'), oid: '' };
    case GENERAL_NAME.uri:
      return { kind: 'uri', value: content.toString('latin1'), oid: '' };
    case GENERAL_NAME.email:
      return { kind: 'email', value: content.toString('latin1'), oid: '' };
    case GENERAL_NAME.ip:
      return { kind: 'ip', value: printIp([...content]), oid: '' };
    case GENERAL_NAME.other:
      return otherName(content, reader);
    default:
      return null;
  }
}

/** OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY } */
function otherName(content: Buffer, outer: DerReader): SubjectAltName {
  const reader = DerReader.over(content);
  const oid = readOid(reader);
  const wrapper = reader.read(0xa0);
  reader.finish();
  const value = wrapper.readAny();
  wrapper.finish();
  if (reader.error !== null) outer.fail(`otherName: ${reader.error}`);
  return { kind: 'other', value: reader.error === null ? otherText(value) : '', oid };
}

/** As Envoy makes text of any value. */
function otherText({ tag, content, whole }: DerReader): string {
  switch (tag) {
    case DER.boolean:
      return content[0] === 0 ? 'false' : 'true';
    case DER.integer:
    case DER.enumerated:
      return content.length === 0 ? '' : signedDecimal(content);
    case DER.oid:
      return oidText(content);
    case DER.null:
    case DER.numericString:
      return '';
    case DER.sequence:
    case DER.set:
      return whole.toString('latin1');
    case DER.bitString:
      return content.subarray(1).toString('latin1');
    default:
      return decodeText(tag, content) ?? content.toString('latin1');
  }
}

function signedDecimal(content: Buffer): string {
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`)).toString();
}

// NUL, other controls and DEL end or hide text wherever somebody prints or compares it.
const CONTROLS = /[\x00-\x1f\x7f-\x9f]/;
const NOT_ASCII = /[^\x20-\x7e]/;

/** False for a name that must not be anybody's identity: controls, or octets that are no IA5. */
export function isUsableName({ kind, value }: SubjectAltName): boolean {
  if (value === '') return false;
  return kind === 'other' ? !CONTROLS.test(value) : !NOT_ASCII.test(value);
}
