import t from 'tap';
import { CODE_BITS, CODES, EOS } from '../../../proxy/http/hpack/huffman-code.ts';
import { HuffmanDecoder } from '../../../proxy/http/hpack/huffman-decoder.ts';
import { huffmanOctets, huffmanWrite } from '../../../proxy/http/hpack/huffman-encoder.ts';
import { hex } from '../../support/field-blocks.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const decoder = new HuffmanDecoder();

function encode(text: string): Buffer {
  const buffer = Buffer.alloc(text.length * 4 + 1);
  return buffer.subarray(0, huffmanWrite(buffer, text, 0));
}

function decode(octets: Buffer): string | null {
  if (!decoder.decode(octets, 0, octets.length)) return null;
  return decoder.output.toString('latin1', 0, decoder.length);
}

/** A code one bit after the other: slow, and surely right. */
function encodeBitByBit(text: string): Buffer {
  let bits = '';
  for (const char of Buffer.from(text, 'latin1')) {
    bits += (CODES[char] as number).toString(2).padStart(CODE_BITS[char] as number, '0');
  }
  while (bits.length % 8 !== 0) bits += '1';
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

t.test('the code is that of RFC 7541 Appendix B', async (t) => {
  // Kraft's equality: the code is complete, no length is wrong alone.
  let sum = 0;
  for (let symbol = 0; symbol <= EOS; symbol += 1) sum += 2 ** (30 - (CODE_BITS[symbol] as number));
  t.equal(sum, 2 ** 30);
  const samples: readonly (readonly [number, number, number])[] = [
    [0, 0x1ff8, 13],
    [9, 0xffffea, 24],
    [10, 0x3ffffffc, 30],
    [32, 0x14, 6],
    [48, 0x0, 5],
    [92, 0x7fff0, 19],
    [97, 0x3, 5],
    [122, 0x7b, 7],
    [127, 0xffffffc, 28],
    [128, 0xfffe6, 20],
    [199, 0x1ffffec, 25],
    [249, 0xffffffe, 28],
    [255, 0x3ffffee, 26],
    [256, 0x3fffffff, 30],
  ];
  for (const [symbol, code, bits] of samples) {
    t.same([CODES[symbol], CODE_BITS[symbol]], [code, bits], `symbol ${symbol}`);
  }
});

t.test('encodes and decodes the strings of RFC 7541 Appendix C', async (t) => {
  const strings: readonly (readonly [string, string])[] = [
    ['www.example.com', 'f1e3 c2e5 f23a 6ba0 ab90 f4ff'],
    ['no-cache', 'a8eb 1064 9cbf'],
    ['custom-key', '25a8 49e9 5ba9 7d7f'],
    ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff'],
  ];
  for (const [text, octets] of strings) {
    t.same(encode(text), hex(octets));
    t.equal(huffmanOctets(text), hex(octets).length);
    t.equal(decode(hex(octets)), text);
  }
});

t.test('every octet survives alone, in pairs and between common letters', async (t) => {
  let wrong = 0;
  for (let first = 0; first < 256; first += 1) {
    const one = String.fromCharCode(first);
    const texts = [one, `a${one}`, `abc${one}xyz`, `${one}${one}${one}${one}${one}`];
    for (let second = 0; second < 256; second += 1) texts.push(one + String.fromCharCode(second));
    for (const text of texts) {
      const octets = encode(text);
      if (!octets.equals(encodeBitByBit(text)) || decode(octets) !== text) wrong += 1;
      if (huffmanOctets(text) !== octets.length) wrong += 1;
    }
  }
  t.equal(wrong, 0);
});

t.test('random texts survive', async (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let run = 0; run < 3000; run += 1) {
    const span = random.next() < 0.5 ? 256 : 96;
    const text = Array.from({ length: Math.floor(random.next() * 60) }, () =>
      String.fromCharCode((span === 256 ? 0 : 32) + Math.floor(random.next() * span)),
    ).join('');
    const octets = encode(text);
    if (!octets.equals(encodeBitByBit(text)) || decode(octets) !== text) {
      t.fail(`seed ${seed}: ${JSON.stringify(text)}`);
      return;
    }
  }
});

t.test('a string longer than any before it makes room', async (t) => {
  const text = 'e'.repeat(20_000);
  t.equal(decode(encode(text)), text);
});

t.test('says whether a string could be a field value', async (t) => {
  const isClean = (text: string): boolean => {
    decode(encode(text));
    return decoder.isClean;
  };
  t.ok(isClean('plain, with {all} <sorts> of `marks`'));
  t.ok(isClean('tab\tand \x80\xff'));
  for (const bad of ['\0', 'a\rb', 'a\n', 'x\x7f', '\x1f', 'some text and then \0']) {
    t.notOk(isClean(bad), JSON.stringify(bad));
  }
});

t.test('any octets at all either decode or are refused', async (t) => {
  const random = seededRandom(7);
  let good = 0;
  for (let run = 0; run < 20_000; run += 1) {
    const octets = Buffer.from(
      Array.from({ length: 1 + Math.floor(random.next() * 12) }, () =>
        random.next() < 0.3 ? 0xff : Math.floor(random.next() * 256),
      ),
    );
    const text = decode(octets);
    if (text === null) continue;
    good += 1;
    // The code is unambiguous: what decodes is what would be written.
    if (!encode(text).equals(octets)) t.fail(octets.toString('hex'));
  }
  t.ok(good > 1000 && good < 19_000, `${good}`);
});
