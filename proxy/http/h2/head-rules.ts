// The rules of RFC 9113 §8 that need a whole field section: which pseudo-fields stand together, and
// what they say about each other.
import { hasPort } from '../authority.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { type FieldSection, pseudoBit } from './field-section.ts';
import { AUTHORITY, METHOD, PATH, PROTOCOL, SCHEME, STATUS } from './field-verdicts.ts';
import { H2_HEAD_ERROR } from './head-errors.ts';

const SLASH = 0x2f;
const TARGET_BITS = pseudoBit(METHOD) | pseudoBit(SCHEME) | pseudoBit(PATH);
const AUTHORITY_BIT = pseudoBit(AUTHORITY);
const PROTOCOL_BIT = pseudoBit(PROTOCOL);
const STATUS_BIT = pseudoBit(STATUS);
const CONNECT_BITS = pseudoBit(METHOD) | AUTHORITY_BIT;
const EXTENDED_BITS = TARGET_BITS | AUTHORITY_BIT | PROTOCOL_BIT;

/** What is wrong with a section as a request's head; its authority is final afterwards. */
export function checkRequest(section: FieldSection, allowConnect: boolean): ProtocolError | null {
  const error = section.error ?? checkPseudoFields(section, allowConnect);
  if (error !== null) return error;
  return settleAuthority(section);
}

/** §8.3.1, §8.5; RFC 8441 §4. */
function checkPseudoFields(section: FieldSection, allowConnect: boolean): ProtocolError | null {
  const { seen } = section;
  if ((seen & STATUS_BIT) !== 0) return H2_HEAD_ERROR.unknownPseudo;
  if ((seen & PROTOCOL_BIT) !== 0) {
    // To Envoy it is then as unknown as any other.
    if (!allowConnect) return H2_HEAD_ERROR.unknownPseudo;
    const isAllowed = section.method === 'CONNECT' && isExtended(section);
    return isAllowed ? null : H2_HEAD_ERROR.protocol;
  }
  if (section.method === 'CONNECT') {
    return seen === CONNECT_BITS && namesPort(section.authority) ? null : H2_HEAD_ERROR.connect;
  }
  if ((seen & ~AUTHORITY_BIT) !== TARGET_BITS) return H2_HEAD_ERROR.missingPseudo;
  return isOriginForm(section.path) || isStar(section) ? null : H2_HEAD_ERROR.path;
}

function isOriginForm(path: string): boolean {
  return path.charCodeAt(0) === SLASH;
}

/** RFC 9110 §7.1. */
function isStar(section: FieldSection): boolean {
  return section.path === '*' && section.method === 'OPTIONS';
}

function isExtended(section: FieldSection): boolean {
  return section.seen === EXTENDED_BITS && isOriginForm(section.path);
}

function namesPort(authority: string): boolean {
  const octets = Buffer.from(authority, 'latin1');
  return hasPort(octets, 0, octets.length);
}

/** §8.3.1: Host alone is the authority, and beside :authority it says nothing else. */
function settleAuthority(section: FieldSection): ProtocolError | null {
  if (section.hosts === 0) {
    return section.authority === '' ? H2_HEAD_ERROR.missingAuthority : null;
  }
  if (section.hosts > 1) return H2_HEAD_ERROR.host;
  if ((section.seen & AUTHORITY_BIT) === 0) {
    section.authority = section.host;
    return null;
  }
  const isSame = section.host.toLowerCase() === section.authority.toLowerCase();
  return isSame ? null : H2_HEAD_ERROR.hostContradicts;
}

/** What is wrong with a section as a response's head (§8.3.2). */
export function checkResponse(section: FieldSection): ProtocolError | null {
  if (section.error !== null) return section.error;
  if ((section.seen & ~STATUS_BIT) !== 0) return H2_HEAD_ERROR.unknownPseudo;
  if (section.seen === 0) return H2_HEAD_ERROR.missingPseudo;
  const { status } = section;
  // §8.6: there is no switching of protocols.
  if (status === '101') return H2_HEAD_ERROR.status;
  const isBodyless = status.startsWith('1') || status === '204';
  return isBodyless && section.contentLength > 0 ? H2_HEAD_ERROR.bodyless : null;
}

/** What is wrong with a section as trailers (§8.1). */
export function checkTrailers(section: FieldSection): ProtocolError | null {
  return section.error ?? (section.seen === 0 ? null : H2_HEAD_ERROR.trailerPseudo);
}
