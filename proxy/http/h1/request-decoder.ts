// Turns a complete request head into a RequestHead and its framing, or into the error that the
// client made. Reused for every request of a connection.

import type { HeaderList } from '../header-list.ts';
import { HEADER_ID } from '../header-names.ts';
import { type Protocol, RequestHead } from '../message.ts';
import { isKnownMethod } from '../methods.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { isAuthority } from './authority.ts';
import { H1_ERROR } from './errors.ts';
import { FieldScanner } from './field-scanner.ts';
import { HeadReader } from './head-reader.ts';
import { MessageFraming } from './message-framing.ts';
import type { H1ServerOptions } from './options.ts';
import { RequestLine } from './request-line.ts';
import { RequestTarget } from './request-target.ts';

/** Reads request heads. */
export class RequestDecoder {
  error: ProtocolError | null = null;
  readonly framing = new MessageFraming();
  readonly reader: HeadReader;
  readonly #line = new RequestLine();
  readonly #target: RequestTarget;
  readonly #options: H1ServerOptions;

  constructor(options: H1ServerOptions) {
    this.#options = options;
    this.#target = new RequestTarget(options.allowAbsoluteUrl);
    const fields = new FieldScanner({
      maxCount: options.maxHeadersCount,
      tooMany: H1_ERROR.tooManyFields,
      underscores: options.headersWithUnderscores,
    });
    const limit = {
      maxBytes: options.maxHeadBytes,
      tooLarge: H1_ERROR.headTooLarge,
    };
    this.reader = new HeadReader(this.#line, fields, limit);
  }

  /** Prepares for the next request. */
  reset(): void {
    this.error = null;
    this.reader.reset();
  }

  /** Takes bytes of the head; returns the offset behind them. `error` or `reader.isComplete` say more. */
  read(buffer: Buffer, from: number, end: number): number {
    const at = this.reader.read(buffer, from, end);
    this.error = this.reader.error;
    return at;
  }

  /** True when the last head's request line said HTTP/1.0. */
  get isHttp10(): boolean {
    return this.#line.minorVersion === 0;
  }

  /** The complete head; null when it breaks a rule, which `error` names then. */
  take(): RequestHead | null {
    const line = this.#line;
    const headers = this.reader.takeHeaders();
    const method = headers.text.substring(0, line.methodEnd);
    if (line.minorVersion === 0 && !this.#options.acceptHttp10)
      return this.#fail(H1_ERROR.lowVersion);
    if (!this.#options.allowCustomMethods && !isKnownMethod(method)) {
      return this.#fail(H1_ERROR.method);
    }
    const target = this.#target;
    target.read(headers.text.substring(line.targetStart, line.targetEnd), method);
    if (target.error !== null) return this.#fail(target.error);
    const host = this.#takeHost(headers);
    if (host === null) return this.#fail(H1_ERROR.host);
    // RFC 9112 §3.2.2: what the target says replaces Host.
    if (target.authority === '') target.authority = host;
    const error = this.#frame(headers, method);
    if (error !== null) return this.#fail(error);
    const protocol: Protocol = line.minorVersion === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
    return new RequestHead(protocol, method, target, headers);
  }

  #fail(error: ProtocolError): null {
    this.error = error;
    return null;
  }

  /** Takes Host out of the fields; null when it is invalid, '' when absence is for others to judge. */
  #takeHost(headers: HeaderList): string | null {
    const id = HEADER_ID.host;
    const host = headers.get(id);
    if (host === null) {
      if (this.isHttp10) return this.#options.defaultHostForHttp10;
      return this.#target.authority === '' ? '' : null;
    }
    if (headers.countKnown(id) > 1) return null;
    const { buffer, base } = this.reader;
    const start = base + headers.valueStart(id);
    if (!isAuthority(buffer, start, start + host.length)) return null;
    headers.removeKnown(id);
    return host;
  }

  #frame(headers: HeaderList, method: string): ProtocolError | null {
    const framing = this.framing;
    framing.read(headers, this.#line.minorVersion, this.#options.allowChunkedLength);
    if (framing.error !== null) return framing.error;
    if (method === 'CONNECT') {
      if (framing.isChunked) return H1_ERROR.transferEncoding;
      if (framing.contentLength > 0) return H1_ERROR.bodyDisallowed;
    }
    return this.#checkExpectation(headers);
  }

  #checkExpectation(headers: HeaderList): ProtocolError | null {
    const id = HEADER_ID.expect;
    const expectation = headers.get(id);
    if (expectation === null) return null;
    if (this.isHttp10) {
      // RFC 9110 §10.1.1: from a 1.0 client it means nothing.
      headers.removeKnown(id);
      return null;
    }
    const isContinue = expectation.toLowerCase() === '100-continue';
    return isContinue && headers.countKnown(id) === 1 ? null : H1_ERROR.expectation;
  }
}
