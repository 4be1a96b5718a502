// Writes response heads: status line, fields, the framing that Envoy would choose, and what
// becomes of the connection.

import { parseContentLength } from '../content-length.ts';
import { HEADER_ID, headerMask } from '../header-names.ts';
import type { ResponseHead } from '../message.ts';
import { reasonPhrase } from '../status.ts';
import type { BodyKind } from './message-framing.ts';
import { fieldLines, type MessageWriter } from './message-writer.ts';

/** Fields that only the codec writes. */
const OWN_FIELDS = headerMask('connection', 'transfer-encoding');
const FRAMING_FIELDS = headerMask('content-length', 'transfer-encoding');
const UPGRADE_FIELDS = headerMask('connection', 'upgrade');

/** What a response's head depends on besides itself. */
export interface ResponseContext {
  readonly isHeadRequest: boolean;
  /** The client speaks HTTP/1.0, and that was accepted: no chunks, 1.0 in the status line. */
  readonly isHttp10: boolean;
  /** Nothing follows the head. */
  readonly isHeaderOnly: boolean;
  /** The connection ends behind this message. */
  readonly isLast: boolean;
  readonly isProperCase: boolean;
}

const STATUS_LINES_10: string[] = new Array<string>(1000).fill('');
const STATUS_LINES_11: string[] = new Array<string>(1000).fill('');

/** Writes a 1xx head; it has neither framing nor connection fields (RFC 9110 §15.2). */
export function writeInformational(
  writer: MessageWriter,
  head: ResponseHead,
  context: ResponseContext,
): void {
  head.headers.removeAny(OWN_FIELDS);
  head.headers.removeKnown(HEADER_ID['content-length']);
  const lines = fieldLines(head.headers, context.isProperCase);
  writer.head(statusLine(head.status, context.isHttp10), lines);
}

/**
 * Writes a response's head and tells the writer what follows. Returns true when the head says
 * that the connection ends behind this message.
 */
export function writeResponseHead(
  writer: MessageWriter,
  head: ResponseHead,
  context: ResponseContext,
): boolean {
  const { headers, status } = head;
  headers.removeAny(OWN_FIELDS);
  const length = takeContentLength(head, context);
  const kind = chooseFraming(status, length, context);
  // Envoy: without a content-length an HTTP/1.0 connection ends, whatever the client asked for.
  const isLast = context.isLast || (context.isHttp10 && length === -1);
  const lines = fieldLines(headers, context.isProperCase);
  const needsZero = kind === 'none' && allowsContent(status);
  const tail = framingLine(kind, needsZero, context) + connectionLine(isLast, context);
  writer.head(statusLine(status, context.isHttp10), lines + tail);
  const hasContent = !context.isHeaderOnly && !context.isHeadRequest && allowsContent(status);
  writer.start(hasContent ? kind : 'none', length);
  return isLast;
}

/** Writes the head that opens a tunnel: RFC 9110 §8.6 and §9.3.6 leave it nothing of framing. */
export function writeTunnelHead(
  writer: MessageWriter,
  head: ResponseHead,
  context: ResponseContext,
): void {
  const { headers, status } = head;
  headers.removeAny(FRAMING_FIELDS);
  if (status !== 101) headers.removeAny(UPGRADE_FIELDS);
  const lines = fieldLines(headers, context.isProperCase);
  writer.head(statusLine(status, context.isHttp10), lines);
  writer.start('until-close', 0);
}

/** RFC 9110 §6.4.1: 1xx, 204 and 304 have no content. */
function allowsContent(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

/** The content-length that will be sent, -1 for none; takes out one that must not be sent. */
function takeContentLength(head: ResponseHead, context: ResponseContext): number {
  const id = HEADER_ID['content-length'];
  const value = head.headers.get(id);
  if (value === null) return -1;
  const length = head.headers.countKnown(id) === 1 ? parseContentLength(value) : -1;
  const isForbidden = head.status < 200 || head.status === 204;
  // Nothing follows this head, so a client would wait in vain for what the field promises.
  const isVain = context.isHeaderOnly && !context.isHeadRequest && allowsContent(head.status);
  if (length !== -1 && !isForbidden && (!isVain || length === 0)) return length;
  head.headers.removeKnown(id);
  return -1;
}

function chooseFraming(status: number, length: number, context: ResponseContext): BodyKind {
  if (length !== -1) return 'length';
  if (!allowsContent(status)) return 'none';
  if (context.isHeaderOnly && !context.isHeadRequest) return 'none';
  return context.isHttp10 ? 'until-close' : 'chunked';
}

function framingLine(kind: BodyKind, needsZero: boolean, context: ResponseContext): string {
  if (kind === 'chunked') {
    return context.isProperCase
      ? 'Transfer-Encoding: chunked\r\n'
      : 'transfer-encoding: chunked\r\n';
  }
  if (!needsZero) return '';
  return context.isProperCase ? 'Content-Length: 0\r\n' : 'content-length: 0\r\n';
}

function connectionLine(isLast: boolean, context: ResponseContext): string {
  if (!isLast && !context.isHttp10) return '';
  const name = context.isProperCase ? 'Connection' : 'connection';
  return isLast ? `${name}: close\r\n` : `${name}: keep-alive\r\n`;
}

function statusLine(status: number, isHttp10: boolean): string {
  const lines = isHttp10 ? STATUS_LINES_10 : STATUS_LINES_11;
  const known = lines[status];
  if (known !== undefined && known !== '') return known;
  const line = `HTTP/1.${isHttp10 ? 0 : 1} ${status} ${reasonPhrase(status)}\r\n`;
  lines[status] = line;
  return line;
}
