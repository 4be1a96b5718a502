// Turns a complete response head into a ResponseHead and its framing (RFC 9112 §6.3), or into the
// error that the upstream made. Reused for every response of a connection.
import { HEADER_ID } from '../header-names.ts';
import { JOINED_IN_RESPONSES, joinRepeated } from '../joined-fields.ts';
import { ResponseHead } from '../message.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H1_ERROR } from './errors.ts';
import { FieldScanner } from './field-scanner.ts';
import { HeadReader } from './head-reader.ts';
import { type BodyKind, MessageFraming } from './message-framing.ts';
import type { H1ClientOptions } from './options.ts';
import { StatusLine } from './status-line.ts';

/** Reads response heads. */
export class ResponseDecoder {
  error: ProtocolError | null = null;
  readonly reader: HeadReader;
  readonly framing = new MessageFraming();
  /** How the last head's content is framed. */
  body: BodyKind = 'none';
  readonly #line = new StatusLine();
  readonly #options: H1ClientOptions;

  constructor(options: H1ClientOptions) {
    this.#options = options;
    const fields = new FieldScanner({
      maxCount: options.maxHeadersCount,
      tooMany: H1_ERROR.tooManyFields,
      underscores: 'allow',
      takesHost: false,
    });
    const limit = {
      maxBytes: options.maxHeadBytes,
      tooLarge: H1_ERROR.headTooLarge,
    };
    this.reader = new HeadReader(this.#line, fields, limit);
  }

  /** Prepares for the next response. */
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

  /** The complete head; null when it breaks a rule, which `error` names then. */
  take(isHeadRequest: boolean): ResponseHead | null {
    const { minorVersion, status } = this.#line;
    const headers = this.reader.takeHeaders();
    this.reader.release();
    const framing = this.framing;
    framing.read(headers, minorVersion, this.#options.allowChunkedLength);
    this.error = framing.error ?? this.#checkBodyless(status);
    if (this.error !== null) return null;
    joinRepeated(headers, this.reader.fields, JOINED_IN_RESPONSES);
    const isBodyless = status < 200 || status === 204;
    if (isBodyless && framing.contentLength === 0) headers.removeKnown(HEADER_ID['content-length']);
    this.body = isBodyless || isHeadRequest || status === 304 ? 'none' : this.#framedBody();
    return new ResponseHead(status, headers);
  }

  /** RFC 9110 §8.6, RFC 9112 §6.1: neither field may come with 1xx and 204. */
  #checkBodyless(status: number): ProtocolError | null {
    if (status >= 200 && status !== 204) return null;
    if (this.framing.isChunked) return H1_ERROR.transferEncodingNotAllowed;
    return this.framing.contentLength > 0 ? H1_ERROR.contentLengthNotAllowed : null;
  }

  #framedBody(): BodyKind {
    if (this.framing.isChunked) return 'chunked';
    return this.framing.contentLength === -1 ? 'until-close' : 'length';
  }
}
