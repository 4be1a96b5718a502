// Field names as field blocks carry them, with everything that a name alone decides. Names that are
// expected exist once; another one costs an object when a block spells it out.
import { latin1Slice } from '../../base/latin1.ts';
import { TOKEN_LOWER } from '../char-tables.ts';
import { HEADER_NAME, type HeaderId, headerId } from '../header-names.ts';

const COLON = 0x3a;

/** A name, and what is known of it. */
export class FieldName {
  readonly text: string;
  /** 0 for a name that is not a known one. */
  readonly id: HeaderId;
  /** The name begins with a colon. */
  readonly isPseudo: boolean;
  /** A regular name of lower-case token characters (RFC 9113 §8.2.1). */
  readonly isValid: boolean;
  readonly hasUnderscore: boolean;
  /** `name: `, as an HTTP/1.1 line begins. */
  readonly lead: string;

  constructor(text: string) {
    this.text = text;
    this.id = headerId(text);
    this.isPseudo = text.charCodeAt(0) === COLON;
    this.isValid = isLowerToken(text);
    this.hasUnderscore = text.includes('_');
    this.lead = `${text}: `;
  }
}

function isLowerToken(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const byte = text.charCodeAt(at);
    // The table says 0 for no token, so NUL would be its own lower case.
    if (byte === 0 || byte > 0xff || TOKEN_LOWER[byte] !== byte) return false;
  }
  return text.length > 0;
}

/** Expected names besides the known ones: of the static table, and what clients commonly send. */
const OTHER_NAMES = [
  ':authority',
  ':method',
  ':path',
  ':protocol',
  ':scheme',
  ':status',
  'accept-charset',
  'accept-ranges',
  'access-control-allow-origin',
  'age',
  'allow',
  'cache-control',
  'content-disposition',
  'content-language',
  'content-location',
  'content-range',
  'etag',
  'expires',
  'from',
  'grpc-accept-encoding',
  'grpc-encoding',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'link',
  'max-forwards',
  'pragma',
  'priority',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'refresh',
  'retry-after',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'strict-transport-security',
  'traceparent',
  'tracestate',
  'upgrade-insecure-requests',
  'vary',
  'www-authenticate',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-spanid',
  'x-b3-traceid',
] as const;

const SLOTS_SIZE = 1024;
const SLOTS_MASK = SLOTS_SIZE - 1;
const SLOTS: (FieldName | null)[] = new Array<FieldName | null>(SLOTS_SIZE).fill(null);
const NAMES = new Map<string, FieldName>();

for (const text of [...HEADER_NAME.slice(1), ...OTHER_NAMES]) {
  const name = new FieldName(text);
  NAMES.set(text, name);
  let slot = hashOf(Buffer.from(text, 'latin1'), 0, text.length) & SLOTS_MASK;
  while (SLOTS[slot] !== null) slot = (slot + 1) & SLOTS_MASK;
  SLOTS[slot] = name;
}

/** The name with this text; made if need be. */
export function fieldNameOf(text: string): FieldName {
  return NAMES.get(text) ?? new FieldName(text);
}

/** The name in `buffer[start, end)`; made if it is not an expected one. */
export function fieldNameAt(buffer: Buffer, start: number, end: number): FieldName {
  let slot = hashOf(buffer, start, end) & SLOTS_MASK;
  for (;;) {
    const name = SLOTS[slot]!;
    if (name === null) return new FieldName(latin1Slice(buffer, start, end));
    if (isTextAt(buffer, start, end, name.text)) return name;
    slot = (slot + 1) & SLOTS_MASK;
  }
}

function hashOf(buffer: Buffer, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + buffer[at]!) | 0;
  return hash ^ (hash >>> 10);
}

function isTextAt(buffer: Buffer, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let at = 0; at < text.length; at += 1) {
    if (buffer[start + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}
