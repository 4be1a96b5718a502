// Writes the regular fields of a message: what only HTTP/1 has is left out.
import { SP } from '../char-tables.ts';
import type { FieldVisitor, HeaderList } from '../header-list.ts';
import { HEADER_NAME, type HeaderId, headerMask, isInMask } from '../header-names.ts';
import type { HpackEncoder } from '../hpack/hpack-encoder.ts';
import { LineRuns } from './line-runs.ts';

const SPAN = 6;
const REMOVED = -1;

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

/** Encodes header lists into an encoder's current block. */
export class FieldEncoder implements FieldVisitor {
  readonly #hpack: HpackEncoder;
  readonly #runs = new LineRuns();

  constructor(hpack: HpackEncoder) {
    this.#hpack = hpack;
  }

  /** Writes every field that may stand in HTTP/2. */
  encode(headers: HeaderList): void {
    headers.visit(this);
  }

  onListLines(text: string, spans: readonly number[]): void {
    const hpack = this.#hpack;
    const runs = this.#runs;
    runs.begin(text, spans);
    let at = 0;
    while (at < spans.length) {
      if (runs.find(at, hpack.generation)) {
        // To remember one run may be to forget the other: it is written first.
        const octet = hpack.length;
        hpack.indices(runs.octets, runs.length);
        at = runs.end;
        runs.close(hpack.buffer, octet, hpack.generation);
        continue;
      }
      this.#line(text, spans, at);
      at += SPAN;
    }
    runs.close(hpack.buffer, hpack.length, hpack.generation);
  }

  onListField(id: HeaderId, name: string, value: string): boolean {
    const hpack = this.#hpack;
    if (id === 0) return hpack.field(hpack.otherName(name), trimmed(value));
    if (isInMask(id, LEFT_OUT)) return false;
    // §8.2.2: nothing else may stand there.
    if (isInMask(id, TE) && value.toLowerCase() !== 'trailers') return false;
    return hpack.field(hpack.knownName(id), trimmed(value));
  }

  #line(text: string, spans: readonly number[], at: number): void {
    const hpack = this.#hpack;
    const octet = hpack.length;
    const { generation } = hpack;
    if (!this.#runs.continues(at)) this.#runs.close(hpack.buffer, octet, generation);
    const id = spans[at]!;
    if (id === REMOVED) return;
    const name = id > 0 ? HEADER_NAME[id]! : text.substring(spans[at + 1]!, spans[at + 2]!);
    const value = text.substring(spans[at + 3]!, spans[at + 4]!);
    const isIndex = this.onListField(id, name, value);
    if (isIndex && spans[at + 5] !== 0) this.#runs.note(at, octet);
    else this.#runs.close(hpack.buffer, octet, generation);
  }
}

/** RFC 9113 §8.2.1: what HTTP/1.1 would drop in reading must not be written here. */
function trimmed(value: string): string {
  const isPadded = value.charCodeAt(0) <= SP || value.charCodeAt(value.length - 1) <= SP;
  return isPadded ? value.replace(EDGE_BLANKS, '') : value;
}
