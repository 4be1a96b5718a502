// What one field means by itself, before it is known what kind of message it stands in. Table
// entries remember it, so that a repeated field costs one number.
import { isAuthority } from '../authority.ts';
import { TARGET } from '../char-tables.ts';
import { parseContentLength } from '../content-length.ts';
import { HEADER_ID, type HeaderId } from '../header-names.ts';
import type { TableEntry } from '../hpack/table-entry.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { isFieldName } from '../validation.ts';
import { H2_HEAD_ERROR } from './head-errors.ts';

/** A regular field that is kept as it is. */
export const PLAIN = 1;
/** Regular fields that are kept in another way, or not at all. */
export const HOST = 2;
export const CONTENT_LENGTH = 3;
export const DROPPED = 4;
/** Pseudo-fields with a valid value. */
export const METHOD = 6;
export const SCHEME = 7;
export const PATH = 8;
export const AUTHORITY = 9;
export const PROTOCOL = 10;
export const STATUS = 11;
/** From here on: the field is wrong, and `verdictError` says how. */
export const FIRST_ERROR = 16;

const ERRORS: readonly ProtocolError[] = [
  H2_HEAD_ERROR.name,
  H2_HEAD_ERROR.value,
  H2_HEAD_ERROR.connectionField,
  H2_HEAD_ERROR.te,
  H2_HEAD_ERROR.pseudoValue,
  H2_HEAD_ERROR.host,
  H2_HEAD_ERROR.contentLength,
  H2_HEAD_ERROR.unknownPseudo,
  H2_HEAD_ERROR.underscore,
];

/** The error of a verdict from FIRST_ERROR. */
export function verdictError(verdict: number): ProtocolError {
  return ERRORS[verdict - FIRST_ERROR] as ProtocolError;
}

function wrong(error: ProtocolError): number {
  return FIRST_ERROR + ERRORS.indexOf(error);
}

/** What to do with a field whose name holds an underscore. */
export type UnderscoreAction = 'allow' | 'reject' | 'drop';

/** Judges a field for the first time. */
export function judgeField(entry: TableEntry, underscores: UnderscoreAction): number {
  const { name } = entry;
  if (name.isPseudo) return judgePseudo(entry);
  if (!name.isValid) return wrong(H2_HEAD_ERROR.name);
  if (!entry.isValueClean) return wrong(H2_HEAD_ERROR.value);
  if (name.hasUnderscore && underscores !== 'allow') {
    return underscores === 'drop' ? DROPPED : wrong(H2_HEAD_ERROR.underscore);
  }
  return name.id === 0 ? PLAIN : judgeKnown(name.id, entry.value);
}

function judgeKnown(id: HeaderId, value: string): number {
  switch (id) {
    case HEADER_ID.connection:
    case HEADER_ID['keep-alive']:
    case HEADER_ID['proxy-connection']:
    case HEADER_ID['transfer-encoding']:
    case HEADER_ID.upgrade:
      return wrong(H2_HEAD_ERROR.connectionField);
    case HEADER_ID.te:
      // RFC 9113 §8.2.2; keywords have no case (RFC 9110 §10.1.4).
      return value.toLowerCase() === 'trailers' ? PLAIN : wrong(H2_HEAD_ERROR.te);
    case HEADER_ID.host:
      return isAuthorityText(value) ? HOST : wrong(H2_HEAD_ERROR.host);
    case HEADER_ID['content-length']:
      return parseContentLength(value) === -1 ? wrong(H2_HEAD_ERROR.contentLength) : CONTENT_LENGTH;
    default:
      return PLAIN;
  }
}

/** RFC 9113 §8.3. */
function judgePseudo(entry: TableEntry): number {
  const { value } = entry;
  switch (entry.name.text) {
    case ':method':
      return isFieldName(value) ? METHOD : wrong(H2_HEAD_ERROR.pseudoValue);
    case ':scheme':
      return /^[A-Za-z][A-Za-z0-9+\-.]*$/.test(value) ? SCHEME : wrong(H2_HEAD_ERROR.pseudoValue);
    case ':path':
      return isPath(value) ? PATH : wrong(H2_HEAD_ERROR.pseudoValue);
    case ':authority':
      return isAuthorityText(value) ? AUTHORITY : wrong(H2_HEAD_ERROR.pseudoValue);
    case ':protocol':
      return isFieldName(value) ? PROTOCOL : wrong(H2_HEAD_ERROR.pseudoValue);
    case ':status':
      return /^[1-9][0-9][0-9]$/.test(value) ? STATUS : wrong(H2_HEAD_ERROR.pseudoValue);
    default:
      return wrong(H2_HEAD_ERROR.unknownPseudo);
  }
}

/** A fragment is for the connection manager to refuse, as in HTTP/1.1. */
function isPath(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    if (TARGET[value.charCodeAt(at)] !== 1) return false;
  }
  return value.length > 0;
}

function isAuthorityText(value: string): boolean {
  const octets = Buffer.from(value, 'latin1');
  return isAuthority(octets, 0, octets.length);
}
