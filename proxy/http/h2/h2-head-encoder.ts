// Writes heads and trailers as field blocks: pseudo-fields first, names in lower case, and nothing
// that only HTTP/1 has. One per connection and direction.
import type { HeaderList } from '../header-list.ts';
import type { EncodedName } from '../hpack/encoded-name.ts';
import { HpackEncoder } from '../hpack/hpack-encoder.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import { isFieldValue } from '../validation.ts';
import { wirePath } from '../wire-path.ts';
import { FieldEncoder } from './field-encoder.ts';
import type { HeadEncoder } from './head-decoder.ts';
import type { H2Options } from './options.ts';

/** Texts of statuses, made once. */
const STATUS_TEXT: readonly string[] = Array.from({ length: 1000 }, (_, status) => String(status));

/** Encodes the field blocks of one connection. */
export class H2HeadEncoder implements HeadEncoder {
  readonly #hpack: HpackEncoder;
  readonly #fields: FieldEncoder;
  readonly #method: EncodedName;
  readonly #scheme: EncodedName;
  readonly #path: EncodedName;
  readonly #authority: EncodedName;
  readonly #protocol: EncodedName;
  readonly #status: EncodedName;

  constructor(options: H2Options) {
    const hpack = new HpackEncoder(options.protocol.hpackTableSize);
    this.#hpack = hpack;
    this.#fields = new FieldEncoder(hpack);
    this.#method = hpack.otherName(':method');
    this.#scheme = hpack.otherName(':scheme');
    this.#path = hpack.otherName(':path');
    this.#authority = hpack.otherName(':authority');
    this.#protocol = hpack.otherName(':protocol');
    this.#status = hpack.otherName(':status');
  }

  get buffer(): Buffer {
    return this.#hpack.buffer;
  }

  get length(): number {
    return this.#hpack.length;
  }

  setMaxTableSize(octets: number): void {
    this.#hpack.setMaxTableSize(octets);
  }

  encodeRequest(head: RequestHead): void {
    const hpack = this.#hpack;
    hpack.begin();
    if (head.upgrade !== '') {
      hpack.field(this.#method, 'CONNECT');
      hpack.field(this.#protocol, head.upgrade);
      this.#target(head);
    } else {
      hpack.field(this.#method, head.method);
      if (head.method !== 'CONNECT') this.#target(head);
    }
    const { authority } = head;
    if (authority !== '' && isFieldValue(authority)) hpack.field(this.#authority, authority);
    this.#fields.encode(head.headers);
  }

  encodeResponse(head: ResponseHead): void {
    this.#hpack.begin();
    // RFC 8441 §5: what HTTP/1.1 agrees to with 101.
    const status = head.status === 101 ? 200 : head.status;
    this.#hpack.field(this.#status, STATUS_TEXT[status] ?? String(status));
    this.#fields.encode(head.headers);
  }

  encodeTrailers(trailers: HeaderList): void {
    this.#hpack.begin();
    this.#fields.encode(trailers);
  }

  #target(head: RequestHead): void {
    const hpack = this.#hpack;
    hpack.field(this.#scheme, head.scheme === '' ? 'http' : head.scheme);
    const path = wirePath(head.path);
    // Queries differ from request to request.
    if (path.includes('?')) hpack.passing(this.#path, path);
    else hpack.field(this.#path, path);
  }
}
