// Names (RFC 5280 §4.1.2.4) and their text by RFC 2253, octet for octet as BoringSSL prints it for
// Envoy: last attribute first, all but printable ASCII as `\XX` of its UTF-8.
import { ATTRIBUTE_TYPES } from './attribute-types.ts';
import { DER, DerReader } from './der-reader.ts';
import { readOid } from './der-values.ts';

/** One attribute of a name. */
export interface NameAttribute {
  /** Dotted. */
  readonly type: string;
  /** The value; null: of a type that is no text, printed as `#` and hexadecimal. */
  readonly text: string | null;
  /** The value's DER. */
  readonly der: Buffer;
  /** Number of the relative name it belongs to. */
  readonly group: number;
}

const COMMON_NAME = '2.5.4.3';
/** BoringSSL's room for the dotted form of a type it does not know. */
const MAX_TYPE_CHARS = 79;

/** Reads a Name's content, in the certificate's order. */
export function readName(reader: DerReader): readonly NameAttribute[] {
  const attributes: NameAttribute[] = [];
  for (let group = 0; !reader.isAtEnd; group += 1) {
    const relative = reader.read(DER.set);
    if (relative.isAtEnd) relative.fail('empty relative distinguished name');
    while (!relative.isAtEnd) {
      const pair = relative.read(DER.sequence);
      const type = readOid(pair);
      const value = pair.readAny();
      pair.finish();
      attributes.push({ type, text: textOf(value), der: value.whole, group });
    }
  }
  return attributes;
}

/** The same of a whole Name; null when it is none. */
export function parseName(der: Buffer): readonly NameAttribute[] | null {
  const document = DerReader.over(der);
  const attributes = readName(document.read(DER.sequence));
  document.finish();
  return document.error === null ? attributes : null;
}

/** The first common name; '' without one. */
export function commonNameOf(name: readonly NameAttribute[]): string {
  return name.find(({ type }) => type === COMMON_NAME)?.text ?? '';
}

/** RFC 2253; '' for an empty name. */
export function printName(name: readonly NameAttribute[]): string {
  let printed = '';
  let group = -1;
  for (const attribute of [...name].reverse()) {
    if (group >= 0) printed += attribute.group === group ? '+' : ',';
    group = attribute.group;
    printed += printAttribute(attribute);
  }
  return printed;
}

function printAttribute({ type, text, der }: NameAttribute): string {
  const known = ATTRIBUTE_TYPES.get(type);
  if (known === undefined || text === null) {
    return `${known ?? type.slice(0, MAX_TYPE_CHARS)}=#${der.toString('hex').toUpperCase()}`;
  }
  return `${known}=${escapeValue(text)}`;
}

/** RFC 2253 §2.4 */
function escapeValue(text: string): string {
  const octets = Buffer.from(text, 'utf8');
  let escaped = '';
  for (const [index, octet] of octets.entries()) {
    const isEdge = index === 0 ? octet === 0x20 || octet === 0x23 : false;
    const isLastSpace = index === octets.length - 1 && octet === 0x20;
    escaped += escapeOctet(octet, isEdge || isLastSpace);
  }
  return escaped;
}

function escapeOctet(octet: number, isSpecialHere: boolean): string {
  if (octet < 0x20 || octet >= 0x7f) return `\\${hexOctet(octet)}`;
  const character = String.fromCharCode(octet);
  return isSpecialHere || ',+<>;"\\'.includes(character) ? `\\${character}` : character;
}

function hexOctet(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

/** DirectoryString, IA5String and NumericString, which RFC 5280 and BoringSSL know in names. */
const TEXT_TAGS = new Set<number>([
  DER.utf8String,
  DER.bmpString,
  DER.universalString,
  DER.printableString,
  DER.numericString,
  DER.ia5String,
  DER.t61String,
]);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Types of values that are printed as they are encoded; others than these and text are refused. */
const OPAQUE_TAGS = new Set<number>([DER.bitString, DER.sequence]);

/** The text of a value; null for types that are none. What is not well-formed fails the reader. */
function textOf(value: DerReader): string | null {
  if (OPAQUE_TAGS.has(value.tag)) return null;
  if (!TEXT_TAGS.has(value.tag)) value.fail(`name with a value of tag 0x${value.tag.toString(16)}`);
  const text = decodeText(value.tag, value.content);
  if (text === undefined) value.fail('name with malformed text');
  return text ?? null;
}

/**
 * The text of an ASN.1 string by its tag; null: the tag is of no string, undefined: malformed.
 * T61String is read as Latin-1, as everybody does.
 */
export function decodeText(tag: number, content: Buffer): string | null | undefined {
  switch (tag) {
    case DER.utf8String:
      return decodeUtf8(content);
    case DER.bmpString:
      return decodeWide(content, 2);
    case DER.universalString:
      return decodeWide(content, 4);
    case DER.printableString:
    case DER.numericString:
    case DER.ia5String:
    case DER.visibleString:
    case DER.t61String:
      return content.toString('latin1');
    default:
      return null;
  }
}

/** Unicode will never give a meaning to these, and BoringSSL refuses them. */
const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;

function decodeUtf8(content: Buffer): string | undefined {
  try {
    const text = utf8.decode(content);
    return NONCHARACTER.test(text) ? undefined : text;
  } catch {
    // The decoder's one way to say that these octets are no UTF-8.
    return undefined;
  }
}

/** UCS-2 and UCS-4 in network order; surrogates are no characters. */
function decodeWide(content: Buffer, width: 2 | 4): string | undefined {
  if (content.length % width !== 0) return undefined;
  let text = '';
  for (let at = 0; at < content.length; at += width) {
    const point = content.readUIntBE(at, width);
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
    text += String.fromCodePoint(point);
  }
  return NONCHARACTER.test(text) ? undefined : text;
}
