// HPACK (RFC 7541) for test peers, written apart from the proxy's codec so that the two can disagree.
// The encoder writes literals without indexing; the decoder knows all representations.

/** A name and a value, in latin1. */
export type Field = readonly [name: string, value: string];

/** RFC 7541 Appendix A, names and values by turns. */
const STATIC_TABLE: readonly Field[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...`accept-language accept-ranges accept access-control-allow-origin age allow authorization
    cache-control content-disposition content-encoding content-language content-length
    content-location content-range content-type cookie date etag expect expires from host if-match
    if-modified-since if-none-match if-range if-unmodified-since last-modified link location
    max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server
    set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate`
    .split(/\s+/)
    .map((name): Field => [name, '']),
];

/** RFC 7541 Appendix B: the code is canonical, so that its symbols by length say everything. */
const SYMBOLS_BY_LENGTH: readonly (readonly [bits: number, symbols: string])[] = [
  [5, '48-50 97 99 101 105 111 115 116'],
  [6, '32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117'],
  [7, '58 66-87 89 106 107 113 118-122'],
  [8, '38 42 44 59 88 90'],
  [10, '33 34 40 41 63'],
  [11, '39 43 124'],
  [12, '35 62'],
  [13, '0 36 64 91 93 126'],
  [14, '94 125'],
  [15, '60 96 123'],
  [19, '92 195 208'],
  [20, '128 130 131 162 184 194 224 226'],
  [21, '153 161 167 172 176 177 179 209 216 217 227 229 230'],
  [
    22,
    '129 132-134 136 146 154 156 160 163 164 169 170 173 178 181 185-187 189 190 196 198 228 232 233',
  ],
  [
    23,
    '1 135 137-141 143 147 149-152 155 157 158 165 166 168 174 175 180 182 183 188 191 197 231 239',
  ],
  [24, '9 142 144 145 148 159 171 206 215 225 236 237'],
  [25, '199 207 234 235'],
  [26, '192 193 200-202 205 210 213 218 219 238 240 242 243 255'],
  [27, '203 204 211 212 214 221-223 241 244-248 250-254'],
  [28, '2-8 11 12 14-21 23-31 127 220 249'],
  [30, '10 13 22 256'],
];

/** Symbols by length and code, as `length:code`. */
const HUFFMAN = huffmanTable();

function huffmanTable(): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  let code = 0;
  let length = 0;
  for (const [bits, symbols] of SYMBOLS_BY_LENGTH) {
    code *= 2 ** (bits - length);
    length = bits;
    for (const run of symbols.split(' ')) {
      const [first, last = first] = run.split('-').map(Number);
      for (let symbol = first ?? 0; symbol <= (last ?? 0); symbol += 1) {
        table.set(`${bits}:${code}`, symbol);
        code += 1;
      }
    }
  }
  if (code !== 2 ** 30) throw new Error('the Huffman code has holes');
  return table;
}

/** Encodes a field block of literals without indexing, without Huffman. */
export function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.of(0), encodeText(name), encodeText(value)]),
  );
}

function encodeText(text: string): Buffer {
  const octets = Buffer.from(text, 'latin1');
  return Buffer.concat([encodeInteger(octets.length, 7), octets]);
}

/** An integer behind a prefix of `bits`, with `flags` in the bits above it (RFC 7541 §5.1). */
export function encodeInteger(value: number, bits: number, flags = 0): Buffer {
  const max = 2 ** bits - 1;
  if (value < max) return Buffer.of(flags | value);
  const octets = [flags | max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 128);
  octets.push(rest);
  return Buffer.from(octets);
}

/** Decodes the field blocks of one direction of a connection. */
export class TestHpackDecoder {
  #dynamic: Field[] = [];
  #size = 0;
  #maxSize = 4096;
  #octets: Buffer = Buffer.alloc(0);
  #at = 0;

  /** All fields of a whole block; throws when it is malformed. */
  decode(block: Buffer): readonly Field[] {
    this.#octets = block;
    this.#at = 0;
    const fields: Field[] = [];
    while (this.#at < block.length) {
      const field = this.#representation();
      if (field !== null) fields.push(field);
    }
    return fields;
  }

  #representation(): Field | null {
    const first = this.#octets[this.#at] ?? 0;
    if (first >= 0x80) return this.#entry(this.#integer(7));
    if (first >= 0x40) return this.#indexed(this.#literal(6));
    if (first >= 0x20) {
      this.#maxSize = this.#integer(5);
      this.#evict();
      return null;
    }
    return this.#literal(4);
  }

  #literal(bits: number): Field {
    const index = this.#integer(bits);
    const name = index === 0 ? this.#text() : this.#entry(index)[0];
    return [name, this.#text()];
  }

  #indexed(field: Field): Field {
    this.#dynamic.unshift(field);
    this.#size += sizeOf(field);
    this.#evict();
    return field;
  }

  #evict(): void {
    while (this.#size > this.#maxSize) {
      const last = this.#dynamic.pop();
      if (last !== undefined) this.#size -= sizeOf(last);
    }
  }

  #entry(index: number): Field {
    const field = STATIC_TABLE[index - 1] ?? this.#dynamic[index - 1 - STATIC_TABLE.length];
    if (field === undefined) throw new Error(`HPACK: there is no entry ${index}`);
    return field;
  }

  #integer(bits: number): number {
    const max = 2 ** bits - 1;
    let value = this.#octet() & max;
    if (value < max) return value;
    for (let factor = 1; ; factor *= 128) {
      const octet = this.#octet();
      value += (octet & 127) * factor;
      if (octet < 128) return value;
    }
  }

  #text(): string {
    const isHuffman = (this.#octets[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const octets = this.#octets.subarray(this.#at, this.#at + length);
    if (octets.length < length) throw new Error('HPACK: a text is cut');
    this.#at += length;
    return isHuffman ? unhuffman(octets) : octets.toString('latin1');
  }

  #octet(): number {
    const octet = this.#octets[this.#at];
    if (octet === undefined) throw new Error('HPACK: an integer is cut');
    this.#at += 1;
    return octet;
  }
}

/** RFC 7541 §4.1. */
function sizeOf([name, value]: Field): number {
  return name.length + value.length + 32;
}

function unhuffman(octets: Buffer): string {
  let text = '';
  let length = 0;
  let code = 0;
  for (const octet of octets) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      length += 1;
      code = code * 2 + ((octet >> bit) & 1);
      const symbol = HUFFMAN.get(`${length}:${code}`);
      if (symbol === undefined) continue;
      if (symbol === 256) throw new Error('HPACK: EOS inside a text');
      text += String.fromCharCode(symbol);
      length = 0;
      code = 0;
    }
  }
  if (length > 7 || code !== 2 ** length - 1) throw new Error('HPACK: bad padding');
  return text;
}
