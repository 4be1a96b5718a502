// Writes request heads for upstreams: origin-form, `host` from the authority, and the framing that
// Envoy would choose. What would not be HTTP on the wire is refused or encoded, never truncated.

import { parseContentLength } from '../content-length.ts';
import { HEADER_ID, headerMask } from '../header-names.ts';
import type { RequestHead } from '../message.ts';
import type { TunnelKind } from '../tunnel.ts';
import { isFieldValue } from '../validation.ts';
import { wirePath } from '../wire-path.ts';
import type { BodyKind } from './message-framing.ts';
import { fieldLines, type MessageWriter } from './message-writer.ts';

/** Fields that only the codec writes. An upgrade needs its Connection field, CONNECT no length. */
const OWN_FIELDS = {
  none: headerMask('host', 'connection', 'transfer-encoding'),
  upgrade: headerMask('host', 'transfer-encoding'),
  connect: headerMask('host', 'connection', 'transfer-encoding', 'content-length'),
};

/** Methods whose requests without content say nothing about it; others get `content-length: 0`. */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT']);

/** What a request's head depends on besides itself. */
export interface RequestForm {
  /** Nothing follows the head. */
  readonly isHeaderOnly: boolean;
  readonly isProperCase: boolean;
  readonly tunnelKind: TunnelKind;
  /** Field lines besides the head's own. */
  readonly extraLines: string;
}

/** Writes a request's head and tells the writer what follows. */
export function writeRequestHead(
  writer: MessageWriter,
  head: RequestHead,
  form: RequestForm,
): void {
  const { headers, method } = head;
  const asksForTunnel = form.tunnelKind !== 'none';
  // Nothing of a tunnel leaves before the server agrees.
  const isHeaderOnly = form.isHeaderOnly || asksForTunnel;
  headers.removeAny(OWN_FIELDS[form.tunnelKind]);
  const length = takeContentLength(head, isHeaderOnly);
  let kind: BodyKind = 'length';
  let tail = '';
  if (length === -1) {
    kind = isHeaderOnly ? 'none' : 'chunked';
    if (!asksForTunnel) tail = framingLine(kind, method);
  }
  const authority = isFieldValue(head.authority) ? head.authority : '';
  const path = method === 'CONNECT' ? authority : wirePath(head.path);
  const start = `${method} ${path} HTTP/1.1\r\n`;
  const host = form.isProperCase ? `Host: ${authority}\r\n` : `host: ${authority}\r\n`;
  const lines = fieldLines(headers, form.isProperCase) + form.extraLines;
  writer.head(start, `${host}${lines}${form.isProperCase ? properTail(tail) : tail}`);
  writer.start(isHeaderOnly ? 'none' : kind, length);
}

/** The content-length that will be sent, -1 for none; takes out one that must not be sent. */
function takeContentLength(head: RequestHead, isHeaderOnly: boolean): number {
  const id = HEADER_ID['content-length'];
  const value = head.headers.get(id);
  if (value === null) return -1;
  const length = head.headers.countKnown(id) === 1 ? parseContentLength(value) : -1;
  if (length !== -1 && (!isHeaderOnly || length === 0)) return length;
  head.headers.removeKnown(id);
  return -1;
}

function framingLine(kind: BodyKind, method: string): string {
  if (kind === 'chunked') return 'transfer-encoding: chunked\r\n';
  return BODYLESS.has(method) ? '' : 'content-length: 0\r\n';
}

function properTail(tail: string): string {
  if (tail === '') return '';
  return tail.startsWith('t') ? 'Transfer-Encoding: chunked\r\n' : 'Content-Length: 0\r\n';
}
