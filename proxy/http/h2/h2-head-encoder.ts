// Writes heads and trailers as field blocks: pseudo-fields first, names in lower case, and nothing
// that only HTTP/1 has. One per connection and direction.
import { SP } from '../char-tables.ts';
import type { FieldVisitor, HeaderList } from '../header-list.ts';
import { type HeaderId, headerMask, isInMask } from '../header-names.ts';
import type { EncodedName } from '../hpack/encoded-name.ts';
import { HpackEncoder } from '../hpack/hpack-encoder.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import { isFieldValue } from '../validation.ts';
import { wirePath } from '../wire-path.ts';
import type { HeadEncoder } from './head-decoder.ts';
import type { H2Options } from './options.ts';

/** RFC 9113 §8.2.2, and Host, which is `:authority` here. */
const LEFT_OUT = headerMask(
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
);
const TE = headerMask('te');

const EDGE_BLANKS = /^[ \t]+|[ \t]+$/g;

/** Texts of statuses, made once. */
const STATUS_TEXT: readonly string[] = Array.from({ length: 1000 }, (_, status) => String(status));

/** Encodes the field blocks of one connection. */
export class H2HeadEncoder implements HeadEncoder, FieldVisitor {
  readonly #hpack: HpackEncoder;
  readonly #method: EncodedName;
  readonly #scheme: EncodedName;
  readonly #path: EncodedName;
  readonly #authority: EncodedName;
  readonly #protocol: EncodedName;
  readonly #status: EncodedName;

  constructor(options: H2Options) {
    const hpack = new HpackEncoder(options.protocol.hpackTableSize);
    this.#hpack = hpack;
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
    head.headers.visit(this);
  }

  encodeResponse(head: ResponseHead): void {
    this.#hpack.begin();
    // RFC 8441 §5: what HTTP/1.1 agrees to with 101.
    const status = head.status === 101 ? 200 : head.status;
    this.#hpack.field(this.#status, STATUS_TEXT[status] ?? String(status));
    head.headers.visit(this);
  }

  encodeTrailers(trailers: HeaderList): void {
    this.#hpack.begin();
    trailers.visit(this);
  }

  onListField(id: HeaderId, name: string, value: string): void {
    const hpack = this.#hpack;
    const text = hasBlankEdge(value) ? value.replace(EDGE_BLANKS, '') : value;
    if (id === 0) hpack.field(hpack.otherName(name), text);
    else if (!isInMask(id, LEFT_OUT)) this.#known(id, text);
  }

  #known(id: HeaderId, value: string): void {
    // §8.2.2: nothing else may stand there.
    if (isInMask(id, TE) && value.toLowerCase() !== 'trailers') return;
    this.#hpack.field(this.#hpack.knownName(id), value);
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

/** RFC 9113 §8.2.1: what HTTP/1.1 would drop in reading must not be written here. */
function hasBlankEdge(value: string): boolean {
  return value.charCodeAt(0) <= SP || value.charCodeAt(value.length - 1) <= SP;
}
