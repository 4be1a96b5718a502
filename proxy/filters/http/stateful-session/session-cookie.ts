// What stands in a session's cookie: the address and when it expires, as a protobuf message
// (address = 1, expires = 2), or the address alone, as proxies wrote it once.

const ADDRESS_TAG = 0x0a;
const EXPIRES_TAG = 0x10;
const MORE = 0x80;
const BITS = 0x7f;
const BASE = 128;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A session's cookie. */
export interface SessionCookie {
  readonly address: string;
  /** Seconds of the wall clock; 0: never. */
  readonly expires: number;
}

/** The octets of a cookie, before base64. */
export function encodeCookie({ address, expires }: SessionCookie): Buffer {
  const octets = [ADDRESS_TAG, ...varint(address.length), ...Buffer.from(address, 'latin1')];
  if (expires > 0) octets.push(EXPIRES_TAG, ...varint(expires));
  return Buffer.from(octets);
}

/** What octets say: a message, or else all of them are the address. */
export function decodeCookie(octets: Buffer): SessionCookie {
  return new CookieReader(octets).read() ?? { address: octets.toString('latin1'), expires: 0 };
}

function varint(value: number): number[] {
  const octets: number[] = [];
  let rest = value;
  while (rest >= BASE) {
    octets.push((rest % BASE) | MORE);
    rest = Math.floor(rest / BASE);
  }
  octets.push(rest);
  return octets;
}

/** Reads one message; the client may have made it up. */
class CookieReader {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** null: this is no such message. */
  read(): SessionCookie | null {
    let address = '';
    let expires = 0;
    while (this.#at < this.#octets.length) {
      const tag = this.#varint();
      if (tag === ADDRESS_TAG) {
        const text = this.#bytes();
        if (text === null) return null;
        address = text.toString('latin1');
      } else if (tag === EXPIRES_TAG) {
        expires = this.#varint();
        if (expires < 0) return null;
      } else if (!this.#skip(tag)) return null;
    }
    return { address, expires };
  }

  /** -1: it does not end. */
  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10 && this.#at < this.#octets.length; count += 1) {
      const octet = this.#octets[this.#at] as number;
      this.#at += 1;
      value += (octet & BITS) * factor;
      if ((octet & MORE) === 0) return value;
      factor *= BASE;
    }
    return -1;
  }

  #bytes(): Buffer | null {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#octets.length) return null;
    const bytes = this.#octets.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** A field that is not known. */
  #skip(tag: number): boolean {
    if (tag < 8) return false;
    const wire = tag % 8;
    if (wire === WIRE.varint) return this.#varint() >= 0;
    if (wire === WIRE.bytes) return this.#bytes() !== null;
    if (wire !== WIRE.fixed64 && wire !== WIRE.fixed32) return false;
    this.#at += wire === WIRE.fixed64 ? 8 : 4;
    return this.#at <= this.#octets.length;
  }
}
