// The form in which resources that were accepted lie on the disk: one file for each type of each
// source, with a digest at its end. Whatever does not fit as a whole is not used at all.
import { createHash } from 'node:crypto';

/** Whose state it is. */
export interface StateOwner {
  /** The proxy's node, `<id>\n<cluster>`. */
  readonly node: string;
  /** A hash of what says which server it is from. */
  readonly source: string;
  readonly typeUrl: string;
}

/** What a file says of itself. */
export interface StateHeader extends StateOwner {
  /** Of the whole: version_info, system_version_info. */
  readonly version: string;
  /** Wall-clock ms. */
  readonly savedMs: number;
}

/** A resource as it was sent. */
export interface SavedRecord {
  readonly name: string;
  readonly version: string;
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** What a file holds, or why it is not used. */
export type ReadState =
  | { readonly ok: true; readonly header: StateHeader; readonly records: readonly SavedRecord[] }
  | { readonly ok: false; readonly reason: string };

/** With the version of the format: another one is another first line. */
const FIRST_LINE = Buffer.from('outrigger state 1\n');
const DIGEST = 'sha256';
const DIGEST_BYTES = 32;
const LENGTH_BYTES = 4;

/** The octets of a file, in pieces: values are not copied. */
export function encodeState(
  header: StateHeader,
  records: Iterable<SavedRecord>,
): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [FIRST_LINE];
  addText(pieces, JSON.stringify(header));
  for (const { name, version, typeUrl, value } of records) {
    for (const text of [name, version, typeUrl]) addText(pieces, text);
    addBytes(pieces, value);
  }
  const hash = createHash(DIGEST);
  for (const piece of pieces) hash.update(piece);
  pieces.push(hash.digest());
  return pieces;
}

/** Reads a file of this owner. */
export function decodeState(bytes: Buffer, owner: StateOwner): ReadState {
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  if (!body.subarray(0, FIRST_LINE.length).equals(FIRST_LINE)) {
    return { ok: false, reason: 'it is no state of this version of the format' };
  }
  const digest = createHash(DIGEST).update(body).digest();
  if (!bytes.subarray(body.length).equals(digest)) {
    return { ok: false, reason: 'it is damaged' };
  }
  const reader = new PieceReader(body, FIRST_LINE.length);
  const header = JSON.parse(reader.text()) as StateHeader;
  if (header.node !== owner.node) return { ok: false, reason: 'it is of another node' };
  if (header.source !== owner.source || header.typeUrl !== owner.typeUrl) {
    return { ok: false, reason: 'it is of another server' };
  }
  const records: SavedRecord[] = [];
  while (!reader.isAtEnd) {
    const [name, version, typeUrl] = [reader.text(), reader.text(), reader.text()];
    records.push({ name, version, typeUrl, value: reader.bytes() });
  }
  return { ok: true, header, records };
}

function addText(pieces: Uint8Array[], text: string): void {
  addBytes(pieces, Buffer.from(text));
}

function addBytes(pieces: Uint8Array[], bytes: Uint8Array): void {
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  pieces.push(length, bytes);
}

/** Of octets whose digest was right: nothing in them is cut short. */
class PieceReader {
  readonly #octets: Buffer;
  #at: number;

  constructor(octets: Buffer, at: number) {
    this.#octets = octets;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  bytes(): Uint8Array {
    const begin = this.#at + LENGTH_BYTES;
    this.#at = begin + this.#octets.readUInt32BE(this.#at);
    return this.#octets.subarray(begin, this.#at);
  }

  text(): string {
    return Buffer.from(this.bytes()).toString();
  }
}
