// Turns a complete request head into a RequestHead and its framing, or into the error that the
// client made. Reused for every request of a connection.

import { isAuthority } from '../authority.ts';
import type { HeaderList } from '../header-list.ts';
import { HEADER_ID } from '../header-names.ts';
import { JOINED_IN_REQUESTS, joinRepeated } from '../joined-fields.ts';
import { type Protocol, RequestHead } from '../message.ts';
import { knownMethodAt } from '../methods.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { takeUpgrade } from '../tunnel.ts';
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
    this.#target = new RequestTarget(options);
    const fields = new FieldScanner({
      maxCount: options.maxHeadersCount,
      tooMany: H1_ERROR.tooManyFields,
      underscores: options.headersWithUnderscores,
      takesHost: true,
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
    const { buffer, base } = this.reader;
    const headers = this.reader.takeHeaders();
    const { text } = headers;
    if (line.minorVersion === 0 && !this.#options.acceptHttp10) {
      return this.#fail(H1_ERROR.lowVersion);
    }
    const method = knownMethodAt(buffer, base, line.methodEnd);
    if (method === '' && !this.#options.allowCustomMethods) return this.#fail(H1_ERROR.method);
    return this.#build(method === '' ? text.substring(0, line.methodEnd) : method, headers);
  }

  #build(method: string, headers: HeaderList): RequestHead | null {
    const line = this.#line;
    const target = this.#target;
    target.read(headers.text.substring(line.targetStart, line.targetEnd), method);
    const error = target.error ?? this.#checkHost() ?? this.#frame(headers, method);
    if (error !== null) return this.#fail(error);
    joinRepeated(headers, this.reader.fields, JOINED_IN_REQUESTS);
    // RFC 9112 §3.2.2: what the target says replaces Host.
    if (target.authority === '') target.authority = this.#host(headers);
    const protocol: Protocol = line.minorVersion === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
    const head = new RequestHead(protocol, method, target, headers);
    if (headers.mayHave(HEADER_ID.upgrade)) this.#readUpgrade(head);
    return head;
  }

  /** RFC 9110 §7.8: not from a 1.0 client. CONNECT is a tunnel already. */
  #readUpgrade(head: RequestHead): void {
    if (!this.isHttp10 && head.method !== 'CONNECT') head.upgrade = takeUpgrade(head.headers);
  }

  #fail(error: ProtocolError): null {
    this.error = error;
    return null;
  }

  /** RFC 9112 §3.2; whether a missing Host beside a path is an error, others judge. */
  #checkHost(): ProtocolError | null {
    const { buffer, base, fields } = this.reader;
    if (fields.hostCount === 0) {
      const isMissing = !this.isHttp10 && this.#target.authority !== '';
      return isMissing ? H1_ERROR.host : null;
    }
    const isValid =
      fields.hostCount === 1 && isAuthority(buffer, base + fields.hostStart, base + fields.hostEnd);
    return isValid ? null : H1_ERROR.host;
  }

  #host(headers: HeaderList): string {
    const { fields } = this.reader;
    if (fields.hostCount === 1) return headers.text.substring(fields.hostStart, fields.hostEnd);
    return this.isHttp10 ? this.#options.defaultHostForHttp10 : '';
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
