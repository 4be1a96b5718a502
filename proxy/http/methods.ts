// The request methods that are let in without `allow_custom_methods`: Envoy's fixed list.

/** RFC 9110, WebDAV and its relatives, and what Envoy's parser knows besides. */
const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'ACL',
  'BIND',
  'CHECKOUT',
  'COPY',
  'LINK',
  'LOCK',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MOVE',
  'MSEARCH',
  'M-SEARCH',
  'NOTIFY',
  'PROPFIND',
  'PROPPATCH',
  'PURGE',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'SOURCE',
  'SUBSCRIBE',
  'UNBIND',
  'UNLINK',
  'UNLOCK',
  'UNSUBSCRIBE',
];

const KNOWN: ReadonlySet<string> = new Set(METHODS);

const NONE: string[] = [];
/** The methods by their first byte and length, commonest first: seldom more than one to compare. */
const BY_SHAPE: string[][] = Array.from({ length: 256 * 16 }, () => NONE);
for (const method of METHODS) {
  const shape = shapeOf(method.charCodeAt(0), method.length);
  BY_SHAPE[shape] = [...(BY_SHAPE[shape] ?? NONE), method];
}

function shapeOf(firstByte: number, length: number): number {
  return firstByte * 16 + (length & 15);
}

/** The known method in `buffer[start, start + length)`, '' when it is not one. */
export function knownMethodAt(buffer: Buffer, start: number, length: number): string {
  const candidates = BY_SHAPE[shapeOf(buffer[start]!, length)]!;
  for (const method of candidates) {
    if (isTextAt(buffer, start, method) && method.length === length) return method;
  }
  return '';
}

function isTextAt(buffer: Buffer, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (buffer[start + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}

/** True for a method of Envoy's list; methods are case-sensitive. */
export function isKnownMethod(method: string): boolean {
  return KNOWN.has(method);
}
