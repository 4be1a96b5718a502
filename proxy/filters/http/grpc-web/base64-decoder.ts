// Decodes base64 that comes in pieces. Padding may stand in the middle: clients encode message by
// message and write one text behind the other (gRPC-Web, «Text-encoded»).

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const GROUP_CHARACTERS = 4;
const GROUP_BYTES = 3;
const PADDING = 0x3d;
const INVALID = 0xff;
const SIXTH_BITS: Uint8Array = new Uint8Array(256).fill(INVALID);
for (let value = 0; value < ALPHABET.length; value += 1) {
  SIXTH_BITS[ALPHABET.charCodeAt(value)] = value;
}
const NOTHING = Buffer.alloc(0);

/** RFC 4648 §4 with mandatory padding; what follows an error is of no meaning. */
export class Base64Decoder {
  /** Characters of a group that is not complete. */
  readonly #group = Buffer.alloc(GROUP_CHARACTERS);
  #groupLength = 0;

  /** True when the text so far ends with a complete group. */
  get isComplete(): boolean {
    return this.#groupLength === 0;
  }

  /** The octets of all groups that are complete now; null: this is not base64. */
  decode(text: Buffer): Buffer | null {
    const groups = Math.floor((this.#groupLength + text.length) / GROUP_CHARACTERS);
    const decoded = groups === 0 ? NOTHING : Buffer.allocUnsafe(groups * GROUP_BYTES);
    let at = 0;
    for (let index = 0; index < text.length; index += 1) {
      this.#group[this.#groupLength] = text[index] as number;
      this.#groupLength += 1;
      if (this.#groupLength < GROUP_CHARACTERS) continue;
      const length = decodeGroup(this.#group, decoded, at);
      if (length === 0) return null;
      at += length;
      this.#groupLength = 0;
    }
    return decoded.subarray(0, at);
  }
}

/** Writes the octets of one group; gives their number, 0 when it is not one. */
function decodeGroup(group: Buffer, into: Buffer, at: number): number {
  const a = SIXTH_BITS[group[0]!]!;
  const b = SIXTH_BITS[group[1]!]!;
  if ((a | b) > 63) return 0;
  into[at] = (a << 2) | (b >> 4);
  if (group[2] === PADDING) return group[3] === PADDING && (b & 15) === 0 ? 1 : 0;
  const c = SIXTH_BITS[group[2]!]!;
  if (c > 63) return 0;
  into[at + 1] = ((b & 15) << 4) | (c >> 2);
  if (group[3] === PADDING) return (c & 3) === 0 ? 2 : 0;
  const d = SIXTH_BITS[group[3]!]!;
  if (d > 63) return 0;
  into[at + 2] = ((c & 3) << 6) | d;
  return GROUP_BYTES;
}
