// How long a message's content is, and whether its connection lives on: what RFC 9112 §6 and §9
// take from content-length, transfer-encoding and connection. One reader for both directions.

import { parseContentLength } from '../content-length.ts';
import { hasToken } from '../field-tokens.ts';
import type { HeaderList } from '../header-list.ts';
import { HEADER_ID, headerMask } from '../header-names.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H1_ERROR } from './errors.ts';

/**
 * What the content of a message ends with: nothing follows the head, a number of octets, the last
 * chunk, or the end of the connection.
 */
export type BodyKind = 'none' | 'length' | 'chunked' | 'until-close';

const FRAMING = headerMask('content-length', 'transfer-encoding');
const PERSISTENCE = headerMask('connection', 'proxy-connection');

/** What the framing fields of one message say; reused for every message of a connection. */
export class MessageFraming {
  error: ProtocolError | null = null;
  /** -1 when there is no content-length. */
  contentLength = -1;
  isChunked = false;
  /** The sender wants the connection closed behind this exchange, or did not ask to keep it. */
  isLast = false;

  /** How a request's content is framed: without either field there is none. */
  get requestBody(): BodyKind {
    if (this.isChunked) return 'chunked';
    return this.contentLength > 0 ? 'length' : 'none';
  }

  /** Reads a message's fields; `minorVersion` is that of its start line. */
  read(headers: HeaderList, minorVersion: number, allowChunkedLength: boolean): void {
    this.error = null;
    this.contentLength = -1;
    this.isChunked = false;
    this.isLast = minorVersion === 0;
    if (headers.mayHaveAny(PERSISTENCE)) this.#readPersistence(headers, minorVersion);
    if (!headers.mayHaveAny(FRAMING)) return;
    this.#readLength(headers);
    this.#readCoding(headers, minorVersion);
    if (this.error !== null || !this.isChunked || this.contentLength === -1) return;
    if (!allowChunkedLength) {
      this.error = H1_ERROR.lengthAndChunked;
      return;
    }
    // RFC 9112 §6.1: the coding wins, and the connection is not to be trusted any further.
    headers.removeKnown(HEADER_ID['content-length']);
    this.contentLength = -1;
    this.isLast = true;
  }

  #readLength(headers: HeaderList): void {
    const first = headers.get(HEADER_ID['content-length']);
    if (first === null) return;
    this.contentLength = parseContentLength(first);
    const isRepeated = headers.countKnown(HEADER_ID['content-length']) > 1;
    if (this.contentLength === -1 || isRepeated) this.error = H1_ERROR.contentLength;
  }

  #readCoding(headers: HeaderList, minorVersion: number): void {
    const coding = headers.get(HEADER_ID['transfer-encoding']);
    if (coding === null) return;
    this.isChunked = true;
    if (this.error === null && this.contentLength !== -1) return;
    const isRepeated = headers.countKnown(HEADER_ID['transfer-encoding']) > 1;
    if (isRepeated || coding.length !== 7 || coding.toLowerCase() !== 'chunked') {
      this.error = H1_ERROR.transferEncoding;
    } else if (minorVersion === 0) {
      this.error = H1_ERROR.transferEncodingVersion;
    }
  }

  /** As Envoy: 1.0 needs `keep-alive`, 1.1 needs no `close`, `proxy-connection: close` counts. */
  #readPersistence(headers: HeaderList, minorVersion: number): void {
    const connection = HEADER_ID['connection'];
    if (minorVersion === 0) this.isLast = !hasToken(headers, connection, 'keep-alive');
    if (hasToken(headers, connection, 'close')) this.isLast = true;
    if (hasToken(headers, HEADER_ID['proxy-connection'], 'close')) this.isLast = true;
  }
}
