// Writes the content of one message in the framing that its head declared, and never more or other
// bytes than that: a message that contradicts its own content-length is cut, not misread.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import { latin1Slice } from '../../base/latin1.ts';
import type { ByteSink } from '../codec.ts';
import type { HeaderList } from '../header-list.ts';
import type { BodyKind } from './message-framing.ts';

/** Up to here a chunk leaves as one text with its lines; above, copying costs more than it saves. */
const SMALL_CHUNK_BYTES = 2048;

/** The outgoing half of a message. */
export class MessageWriter {
  /** False when the content did not fill, or overran, its content-length. */
  isIntact = true;
  /** Octets given to the sink, head included. */
  wireBytes = 0;
  /** Of them, those of field lines, trailers included. */
  fieldBytes = 0;
  readonly #sink: ByteSink;
  #kind: BodyKind = 'none';
  #remaining = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Prepares for the next message. */
  reset(): void {
    this.isIntact = true;
    this.wireBytes = 0;
    this.fieldBytes = 0;
    this.#kind = 'none';
    this.#remaining = 0;
  }

  /** Writes a head; `lines` are its field lines, each with its CRLF. */
  head(startLine: string, lines: string): void {
    const text = `${startLine}${lines}\r\n`;
    this.wireBytes += text.length;
    this.fieldBytes += lines.length;
    this.#sink.writeText(text);
  }

  /** Declares what follows; `length` counts only for the kind `length`. */
  start(kind: BodyKind, length: number): void {
    this.#kind = kind;
    this.#remaining = kind === 'length' ? length : 0;
  }

  /** Writes content; what the framing has no room for is dropped. */
  data(data: Buffer, isLast: boolean): void {
    if (this.#kind === 'length') this.#sized(data);
    else if (this.#kind === 'chunked') this.#chunk(data, isLast);
    else if (this.#kind === 'until-close') this.#bytes(data);
    if (isLast) this.#end();
    if (INVARIANTS) this.checkInvariants();
  }

  /** Ends the message; trailers leave only behind chunks. `lines` is '' for none. */
  trailers(lines: string): void {
    if (this.#kind === 'chunked') {
      this.fieldBytes += lines.length;
      this.#text(`0\r\n${lines}\r\n`);
    }
    this.#end();
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const mayRemain = this.#kind === 'length' || !this.isIntact;
    invariant(this.#remaining >= 0, 'message writer: no more is sent than declared');
    invariant(
      this.#remaining === 0 || mayRemain,
      'message writer: who sent too little is not intact',
    );
  }

  #end(): void {
    if (this.#remaining !== 0) this.isIntact = false;
    this.#kind = 'none';
  }

  #sized(data: Buffer): void {
    const isOver = data.length > this.#remaining;
    if (isOver) this.isIntact = false;
    const part = isOver ? data.subarray(0, this.#remaining) : data;
    this.#remaining -= part.length;
    this.#bytes(part);
  }

  #chunk(data: Buffer, isLast: boolean): void {
    const tail = isLast ? '\r\n0\r\n\r\n' : '\r\n';
    if (data.length === 0) {
      if (isLast) this.#text('0\r\n\r\n');
    } else if (data.length <= SMALL_CHUNK_BYTES) {
      this.#text(`${data.length.toString(16)}\r\n${latin1Slice(data, 0, data.length)}${tail}`);
    } else {
      this.#text(`${data.length.toString(16)}\r\n`);
      this.#bytes(data);
      this.#text(tail);
    }
  }

  #text(text: string): void {
    this.wireBytes += text.length;
    this.#sink.writeText(text);
  }

  #bytes(data: Buffer): void {
    if (data.length === 0) return;
    this.wireBytes += data.length;
    this.#sink.writeBytes(data);
  }
}

/** Field lines in the form that a listener or cluster asks for. */
export function fieldLines(headers: HeaderList, isProperCase: boolean): string {
  return isProperCase ? headers.toProperCaseLines() : headers.toFieldLines();
}
