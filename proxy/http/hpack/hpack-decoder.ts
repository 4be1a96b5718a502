// Decodes field blocks (RFC 7541). Everything is read to the end, whatever the fields say, for the
// table's state is the connection's; but beyond the limit of a head nothing is kept, and far beyond
// it the connection is given up.
import { latin1Slice } from '../../base/latin1.ts';
import { FIELD_VALUE, HTAB, SP } from '../char-tables.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { DecoderTable } from './decoder-table.ts';
import { HPACK_ERROR } from './errors.ts';
import { type FieldName, fieldNameAt, fieldNameOf } from './field-name.ts';
import { HuffmanDecoder } from './huffman-decoder.ts';
import { type IndexRun, IndexRuns } from './index-runs.ts';
import { STATIC_ENTRIES, STATIC_TABLE } from './static-table.ts';
import { TableEntry } from './table-entry.ts';

/** SETTINGS_HEADER_TABLE_SIZE until the peer knows another (RFC 9113 §6.5.2). */
export const DEFAULT_TABLE_SIZE = 4096;

/** Bits of an integer behind its prefix: four octets of seven, far above every limit. */
const MAX_INTEGER_BITS = 28;

/** A block may expand to so many times what a head may have before the connection ends. */
const MAX_EXPANSION = 16;

/** Strings are decoded one after the other, and none outlives the next: all decoders share this. */
const HUFFMAN = new HuffmanDecoder();

/** Who reads the fields of a block; not called beyond the limits. */
export interface FieldSink<R> {
  /** A field; `entry` may be changed after the call. */
  onField(entry: TableEntry): void;
  /** The fields until `endRun` are likely to come together again; what it gives stands for them. */
  beginRun(): void;
  endRun(): R;
  /** The fields of such a run. */
  onRun(run: R): void;
}

/** Limits and sizes of a decoder. */
export interface HpackLimits {
  /** Octets of all names and values of a block, and its fields, that are kept. */
  readonly maxOctets: number;
  readonly maxCount: number;
  /** SETTINGS_HEADER_TABLE_SIZE that we announce. */
  readonly tableSize: number;
}

/** One direction's decoder; one per connection. */
export class HpackDecoder<R = unknown> {
  /** Octets of names and values of the last block, and its fields. */
  octets = 0;
  count = 0;
  readonly #limits: HpackLimits;
  readonly #sink: FieldSink<R>;
  readonly #runs = new IndexRuns<R>();
  readonly #table: DecoderTable;
  /** The largest size that an update may set. */
  #allowedSize: number;
  #mustUpdate = false;
  #error: ProtocolError | null = null;
  /** Where reading goes on in the block. */
  #at = 0;
  /** The string that was read last: octets of `#source`. */
  #source: Buffer = HUFFMAN.output;
  #start = 0;
  #end = 0;
  #isClean = true;
  /** A field that enters no table. */
  readonly #passing = new TableEntry(fieldNameOf('x'), '', true);

  constructor(limits: HpackLimits, sink: FieldSink<R>) {
    this.#limits = limits;
    this.#sink = sink;
    this.#table = new DecoderTable(DEFAULT_TABLE_SIZE);
    // Until it acknowledges our setting, a peer may go by the default.
    this.#allowedSize = Math.max(limits.tableSize, DEFAULT_TABLE_SIZE);
  }

  /** Changes when a block's octets may mean something else than before. */
  get generation(): number {
    return this.#table.generation;
  }

  /** The last block is above a limit, and its sink was not told everything. */
  get isTooLarge(): boolean {
    return this.octets > this.#limits.maxOctets;
  }

  get isTooMany(): boolean {
    return this.count > this.#limits.maxCount;
  }

  /** Octets in the dynamic table (RFC 7541 §4.1). */
  get tableSize(): number {
    return this.#table.size;
  }

  /** The peer knows our table size: from now on it is held to that (RFC 7541 §4.2). */
  acknowledgeTableSize(): void {
    this.#allowedSize = this.#limits.tableSize;
    if (this.#table.maxSize <= this.#allowedSize) return;
    this.#mustUpdate = true;
    this.#table.generation += 1;
  }

  /** Decodes the block in `buffer[start, end)`. An error is the connection's end. */
  decode(buffer: Buffer, start: number, end: number): ProtocolError | null {
    this.octets = 0;
    this.count = 0;
    this.#error = null;
    this.#at = start;
    this.#updateSize(buffer, end);
    while (this.#at < end && this.#error === null) {
      const byte = buffer[this.#at]!;
      if (byte >= 0x80) this.#indices(buffer, end);
      else if (byte >= 0x40) this.#inserted(buffer, end);
      else if (byte < 0x20) this.#literal(buffer, end);
      else this.#error = HPACK_ERROR.lateSizeUpdate;
    }
    return this.#error;
  }

  /** RFC 7541 §4.2, §6.3: updates stand before the first field. */
  #updateSize(buffer: Buffer, end: number): void {
    while (this.#at < end && (buffer[this.#at]! & 0xe0) === 0x20) {
      const size = this.#integer(buffer, end, 0x1f);
      if (size === -1) return;
      if (size > this.#allowedSize) {
        this.#error = HPACK_ERROR.sizeUpdate;
        return;
      }
      this.#table.resize(size);
      this.#mustUpdate = false;
    }
    if (this.#mustUpdate) this.#error = HPACK_ERROR.missingSizeUpdate;
  }

  /** As many indices as follow each other, or a run of them that is known. */
  #indices(buffer: Buffer, end: number): void {
    const start = this.#at;
    const { generation } = this.#table;
    const run = this.#runs.find(buffer, start, end, generation);
    if (run === null) {
      this.#readIndices(buffer, end);
      this.#runs.remember(buffer, start, this.#at, generation);
    } else if (run.reading === null) {
      this.#readRun(run, buffer);
    } else if (this.#hasRoom(run)) {
      this.octets += run.fieldOctets;
      this.count += run.fields;
      this.#at = start + run.length;
      this.#sink.onRun(run.reading);
    } else {
      this.#readIndices(buffer, end);
    }
  }

  #readIndices(buffer: Buffer, end: number): void {
    while (this.#at < end && buffer[this.#at]! >= 0x80 && this.#error === null) {
      this.#indexed(buffer, end);
    }
  }

  /** Reads a run that comes for the second time: it may come more often. */
  #readRun(run: IndexRun<R>, buffer: Buffer): void {
    const { octets, count } = this;
    this.#sink.beginRun();
    this.#readIndices(buffer, this.#at + run.length);
    const reading = this.#sink.endRun();
    if (this.isTooLarge || this.isTooMany) return;
    run.reading = reading;
    run.fieldOctets = this.octets - octets;
    run.fields = this.count - count;
  }

  #hasRoom(run: IndexRun<R>): boolean {
    const { maxOctets, maxCount } = this.#limits;
    return this.octets + run.fieldOctets <= maxOctets && this.count + run.fields <= maxCount;
  }

  /** §6.1. */
  #indexed(buffer: Buffer, end: number): void {
    const entry = this.#entryAt(this.#integer(buffer, end, 0x7f));
    if (entry === null || !this.#counts(entry.octets)) return;
    this.#sink.onField(entry);
  }

  /** §6.2.1: a literal that enters the table. */
  #inserted(buffer: Buffer, end: number): void {
    const name = this.#name(buffer, end, 0x3f);
    if (name === null || !this.#string(buffer, end)) return;
    const octets = name.text.length + this.#end - this.#start;
    if (!this.#table.canHold(octets)) {
      this.#table.clear();
      this.#pass(name, octets);
      return;
    }
    const value = latin1Slice(this.#source, this.#start, this.#end);
    const entry = new TableEntry(name, value, this.#isClean);
    this.#table.insert(entry);
    if (this.#counts(octets)) this.#sink.onField(entry);
  }

  /** §6.2.2, §6.2.3: a literal that does not. */
  #literal(buffer: Buffer, end: number): void {
    const name = this.#name(buffer, end, 0x0f);
    if (name === null || !this.#string(buffer, end)) return;
    this.#pass(name, name.text.length + this.#end - this.#start);
  }

  #pass(name: FieldName, octets: number): void {
    if (!this.#counts(octets)) return;
    const entry = this.#passing;
    entry.name = name;
    entry.value = latin1Slice(this.#source, this.#start, this.#end);
    entry.isValueClean = this.#isClean;
    entry.verdict = 0;
    this.#sink.onField(entry);
  }

  /** Counts a field; false when it is not to be told. */
  #counts(octets: number): boolean {
    const { maxOctets, maxCount } = this.#limits;
    this.octets += octets;
    this.count += 1;
    if (this.octets <= maxOctets && this.count <= maxCount) return true;
    if (this.octets > maxOctets * MAX_EXPANSION) this.#error = HPACK_ERROR.expansion;
    return false;
  }

  #entryAt(index: number): TableEntry | null {
    let entry: TableEntry | null = null;
    if (index > STATIC_ENTRIES) entry = this.#table.at(index - STATIC_ENTRIES - 1);
    else if (index > 0) entry = STATIC_TABLE[index]!;
    if (entry === null && this.#error === null) this.#error = HPACK_ERROR.index;
    return entry;
  }

  #name(buffer: Buffer, end: number, mask: number): FieldName | null {
    const index = this.#integer(buffer, end, mask);
    if (index === -1) return null;
    if (index !== 0) {
      const entry = this.#entryAt(index);
      return entry === null ? null : entry.name;
    }
    if (!this.#string(buffer, end)) return null;
    return fieldNameAt(this.#source, this.#start, this.#end);
  }

  /** §5.2. Finds the string's octets; false when there is an error. */
  #string(buffer: Buffer, end: number): boolean {
    const isHuffman = this.#at < end && buffer[this.#at]! >= 0x80;
    const length = this.#integer(buffer, end, 0x7f);
    if (length === -1) return false;
    const start = this.#at;
    if (length > end - start) return this.#fail(HPACK_ERROR.truncated);
    this.#at = start + length;
    if (isHuffman) {
      if (!HUFFMAN.decode(buffer, start, start + length)) return this.#fail(HPACK_ERROR.huffman);
      this.#source = HUFFMAN.output;
      this.#start = 0;
      this.#end = HUFFMAN.length;
      this.#isClean = HUFFMAN.isClean;
    } else {
      this.#source = buffer;
      this.#start = start;
      this.#end = start + length;
      this.#isClean = areValueOctets(buffer, start, start + length);
    }
    if (this.#isClean && this.#end > this.#start) this.#checkEdges();
    return true;
  }

  #checkEdges(): void {
    const first = this.#source[this.#start]!;
    const last = this.#source[this.#end - 1]!;
    if (first === SP || first === HTAB || last === SP || last === HTAB) this.#isClean = false;
  }

  /** §5.1: an integer whose prefix has the bits of `mask`; -1 when there is an error. */
  #integer(buffer: Buffer, end: number, mask: number): number {
    if (this.#at >= end) {
      this.#error = HPACK_ERROR.truncated;
      return -1;
    }
    const prefix = buffer[this.#at]! & mask;
    this.#at += 1;
    return prefix < mask ? prefix : this.#longInteger(buffer, end, mask);
  }

  #longInteger(buffer: Buffer, end: number, mask: number): number {
    let value = mask;
    for (let shift = 0; shift < MAX_INTEGER_BITS; shift += 7) {
      if (this.#at >= end) {
        this.#error = HPACK_ERROR.truncated;
        return -1;
      }
      const byte = buffer[this.#at]!;
      this.#at += 1;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.#error = HPACK_ERROR.integer;
    return -1;
  }

  #fail(error: ProtocolError): false {
    this.#error = error;
    return false;
  }
}

function areValueOctets(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (FIELD_VALUE[buffer[at]!] === 0) return false;
  return true;
}
