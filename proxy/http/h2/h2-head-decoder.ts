// Turns field blocks into heads and trailers, or into the error that the peer made. One per
// connection and direction.
import { HeaderList } from '../header-list.ts';
import { HEADER_ID, headerMask } from '../header-names.ts';
import { type FieldSink, HpackDecoder } from '../hpack/hpack-decoder.ts';
import type { TableEntry } from '../hpack/table-entry.ts';
import { JOINED_IN_REQUESTS, JOINED_IN_RESPONSES, joinRepeated } from '../joined-fields.ts';
import { RequestHead, ResponseHead } from '../message.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { removeForbiddenTrailers } from '../trailer-rules.ts';
import { BlockMemory } from './block-memory.ts';
import { FieldRun } from './field-run.ts';
import type { FieldSection } from './field-section.ts';
import { judgeField } from './field-verdicts.ts';
import type { HeadDecoder } from './head-decoder.ts';
import { H2_HEAD_ERROR } from './head-errors.ts';
import { checkRequest, checkResponse, checkTrailers } from './head-rules.ts';
import type { H2Options } from './options.ts';

/** What Envoy counts for a field besides its name and value. */
const FIELD_OCTETS = 3;

const COOKIES = headerMask('cookie');

/** Whose heads a codec reads: a server reads requests, a client responses. */
export type H2Side = 'server' | 'client';

/** Decodes the field blocks of one connection. */
export class H2HeadDecoder implements HeadDecoder, FieldSink<FieldRun> {
  droppedHeadersWithUnderscores = 0;
  readonly #options: H2Options;
  readonly #allowConnect: boolean;
  readonly #hpack: HpackDecoder<FieldRun>;
  readonly #memory = new BlockMemory();
  #section: FieldSection;
  /** The run that is being collected. */
  #run: FieldRun | null = null;

  constructor(options: H2Options, side: H2Side) {
    this.#options = options;
    this.#allowConnect = side === 'server' && options.protocol.allowConnect;
    const limits = {
      maxOctets: options.maxHeadBytes,
      maxCount: options.maxHeadersCount,
      tableSize: options.protocol.hpackTableSize,
    };
    this.#hpack = new HpackDecoder(limits, this);
    this.#section = this.#memory.take();
  }

  get fieldOctets(): number {
    return this.#section.octets + this.#section.count * FIELD_OCTETS;
  }

  get contentLength(): number {
    return this.#section.contentLength;
  }

  settingsAcknowledged(): void {
    this.#hpack.acknowledgeTableSize();
  }

  decode(buffer: Buffer, start: number, end: number): ProtocolError | null {
    const hpack = this.#hpack;
    const { generation } = hpack;
    const known = this.#memory.find(buffer, start, end, generation);
    if (known !== null) {
      this.#section = known;
      this.droppedHeadersWithUnderscores += known.dropped;
      return null;
    }
    const section = this.#memory.take();
    this.#section = section;
    const error = hpack.decode(buffer, start, end);
    section.octets = hpack.octets;
    section.count = hpack.count;
    if (hpack.isTooLarge) section.fail(H2_HEAD_ERROR.tooLarge);
    else if (hpack.isTooMany) section.fail(H2_HEAD_ERROR.tooMany);
    this.droppedHeadersWithUnderscores += section.dropped;
    if (error !== null) return error;
    if (hpack.generation === generation) this.#memory.remember(buffer, start, end, generation);
    return null;
  }

  onField(entry: TableEntry): void {
    const isNew = entry.verdict === 0;
    if (isNew) entry.verdict = judgeField(entry, this.#options.headersWithUnderscores);
    if (this.#run !== null) this.#run.add(entry);
    else if (isNew) this.#section.addFirst(entry);
    else this.#section.addAgain(entry);
  }

  beginRun(): void {
    this.#run = new FieldRun();
  }

  endRun(): FieldRun {
    const run = this.#run as FieldRun;
    this.#run = null;
    run.finish();
    this.#section.addRun(run);
    return run;
  }

  onRun(run: FieldRun): void {
    this.#section.addRun(run);
  }

  takeRequest(): RequestHead | ProtocolError {
    const section = this.#section;
    const error = checkRequest(section, this.#allowConnect);
    if (error !== null) return error;
    const headers = listOf(section);
    joinRepeated(headers, section.lines, JOINED_IN_REQUESTS);
    // RFC 9113 §8.2.3: in HTTP/2 alone, cookies may come in pieces.
    if ((section.lines.repeatedLow & COOKIES.low) !== 0) headers.joinLines(COOKIES, '; ');
    if (section.protocol === '') return new RequestHead('HTTP/2', section.method, section, headers);
    // RFC 8441 §5: as HTTP/1.1 would have asked for the same.
    const head = new RequestHead('HTTP/2', 'GET', section, headers);
    head.upgrade = section.protocol.toLowerCase();
    headers.addKnown(HEADER_ID.connection, 'upgrade');
    headers.addKnown(HEADER_ID.upgrade, head.upgrade);
    return head;
  }

  takeResponse(): ResponseHead | ProtocolError {
    const section = this.#section;
    const error = checkResponse(section);
    if (error !== null) return error;
    const headers = listOf(section);
    joinRepeated(headers, section.lines, JOINED_IN_RESPONSES);
    const status = Number(section.status);
    const isBodyless = status < 200 || status === 204;
    if (isBodyless && section.contentLength === 0) headers.removeKnown(HEADER_ID['content-length']);
    return new ResponseHead(status, headers);
  }

  takeTrailers(): HeaderList | ProtocolError {
    const section = this.#section;
    const error = checkTrailers(section);
    if (error !== null) return error;
    const trailers = listOf(section);
    removeForbiddenTrailers(trailers);
    return trailers;
  }
}

function listOf({ lines }: FieldSection): HeaderList {
  return HeaderList.parsed(lines.text, lines.copySpans(), lines.low, lines.high);
}
