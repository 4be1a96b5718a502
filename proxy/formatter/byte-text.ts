// Byte strings: text with one character per octet, as messages carry it and as it is written
// (latin1). Text from configuration is made into UTF-8 octets once; what peers sent is one already.
import { isUtf8 } from 'node:buffer';

/**
 * Longest value of one operator on a log line: bounds the line by the number of operators.
 * Longer paths and fields are cut; smaller would cut what people log (cookies, long URLs).
 */
export const MAX_LOGGED_VALUE_BYTES = 16_384;

const NOT_ASCII = /[^\x00-\x7f]/;
const CONTROL = /[\x00-\x1f\x7f]/;
const CONTROLS = /[\x00-\x1f\x7f]/g;
const CONTROLS_BUT_TAB = /[\x00-\x08\x0a-\x1f\x7f]/g;
/** Everything that cannot stand as it is between the quotes of JSON. */
const NOT_PLAIN_JSON = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
const NOT_PLAIN_JSON_EACH = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/** UTF-8 octets of `text` as a byte string. */
export function utf8Bytes(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The characters of a byte string; what is no UTF-8 becomes U+FFFD. */
export function charactersOf(bytes: string): string {
  return NOT_ASCII.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

/** A text that may be either kind: what cannot be a byte string is made into one. */
export function asByteString(text: string): string {
  return /[^\x00-\xff]/.test(text) ? utf8Bytes(text) : text;
}

/** Control bytes as `\xHH`, so that one exchange is one line whatever a peer sent. */
export function escapeControls(bytes: string): string {
  return CONTROL.test(bytes) ? bytes.replace(CONTROLS, hexEscape) : bytes;
}

/** The same for header values, where a tab is an ordinary character (RFC 9110 §5.5). */
export function escapeControlsButTab(bytes: string): string {
  return CONTROL.test(bytes) ? bytes.replace(CONTROLS_BUT_TAB, hexEscape) : bytes;
}

/** What stands between the quotes of a JSON string; octets that are not UTF-8 become `\u00XX`. */
export function escapeJson(bytes: string): string {
  if (!NOT_PLAIN_JSON.test(bytes)) return bytes;
  if (NOT_ASCII.test(bytes) && !isUtf8(Buffer.from(bytes, 'latin1'))) {
    return bytes.replace(NOT_PLAIN_JSON_EACH, unicodeEscape);
  }
  return JSON.stringify(bytes).slice(1, -1).replaceAll('\x7f', '\\u007f');
}

function hexEscape(control: string): string {
  return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function unicodeEscape(octet: string): string {
  return `\\u${octet.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
