import t from 'tap';
import { HPACK_ERROR } from '../../../proxy/http/hpack/errors.ts';
import { HpackDecoder } from '../../../proxy/http/hpack/hpack-decoder.ts';
import type { ProtocolError } from '../../../proxy/http/protocol-error.ts';
import { FieldRecorder, hex, integer, literalBlock } from '../../support/field-blocks.ts';

const LIMITS = { maxOctets: 65536, maxCount: 100, tableSize: 4096 };

/** A decoder and what it found. */
class Bench {
  readonly recorder = new FieldRecorder();
  readonly decoder: HpackDecoder;

  constructor(limits: Partial<typeof LIMITS> = {}) {
    this.decoder = new HpackDecoder({ ...LIMITS, ...limits }, this.recorder);
  }

  error(block: Buffer): ProtocolError | null {
    return this.decoder.decode(block, 0, block.length);
  }

  /** Fields of a block that must be good. */
  fields(block: Buffer | string): string[] {
    const octets = typeof block === 'string' ? hex(block) : block;
    const error = this.error(octets);
    if (error !== null) throw new Error(error.reason);
    return this.recorder.take();
  }
}

t.test('decodes the representations of RFC 7541 C.2', async (t) => {
  const bench = new Bench();
  t.same(bench.fields('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'), [
    'custom-key: custom-header',
  ]);
  t.equal(bench.decoder.tableSize, 55);
  const plain = new Bench();
  t.same(plain.fields('040c 2f73 616d 706c 652f 7061 7468'), [':path: /sample/path']);
  t.same(plain.fields('1008 7061 7373 776f 7264 0673 6563 7265 74'), ['password: secret']);
  t.same(plain.fields('82'), [':method: GET']);
  t.equal(plain.decoder.tableSize, 0);
});

const REQUESTS = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [
    ':method: GET',
    ':scheme: http',
    ':path: /',
    ':authority: www.example.com',
    'cache-control: no-cache',
  ],
  [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ],
];

const RESPONSES = [
  [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];

/** Sets the table to the 256 octets that C.5 and C.6 assume. */
const TO_256 = '3fe101';

const EXAMPLES: readonly {
  readonly name: string;
  readonly blocks: readonly string[];
  readonly fields: readonly string[][];
  readonly sizes: readonly number[];
}[] = [
  {
    name: 'C.3',
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    fields: REQUESTS,
    sizes: [57, 110, 164],
  },
  {
    name: 'C.4',
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    fields: REQUESTS,
    sizes: [57, 110, 164],
  },
  {
    name: 'C.5',
    blocks: [
      `${TO_256} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
       2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63
       6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04
       677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49
       553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
    ],
    fields: RESPONSES,
    sizes: [222, 222, 215],
  },
  {
    name: 'C.6',
    blocks: [
      `${TO_256} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
       2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
       821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed
       4ee5 b106 3d50 07`,
    ],
    fields: RESPONSES,
    sizes: [222, 222, 215],
  },
];

for (const example of EXAMPLES) {
  t.test(`decodes the blocks of RFC 7541 ${example.name} in a row`, async (t) => {
    const bench = new Bench();
    for (const [index, block] of example.blocks.entries()) {
      t.same(bench.fields(block), example.fields[index]);
      t.equal(bench.decoder.tableSize, example.sizes[index]);
    }
  });
}

t.test('decodes the block wherever it lies in the buffer', async (t) => {
  const bench = new Bench();
  const buffer = hex('ffff 8286 84 ffff');
  t.equal(bench.decoder.decode(buffer, 2, 5), null);
  t.same(bench.recorder.take(), [':method: GET', ':scheme: http', ':path: /']);
});

t.test('an empty block has no fields', async (t) => {
  t.same(new Bench().fields(''), []);
});

const BROKEN: readonly (readonly [string, string, ProtocolError])[] = [
  ['an index of 0', '80', HPACK_ERROR.index],
  ['an index behind the static table, with no other', 'be', HPACK_ERROR.index],
  ['a huge index', 'ff 80 80 40', HPACK_ERROR.index],
  ['a name index behind the tables', '7e 01 61', HPACK_ERROR.index],
  ['an integer that never ends', 'ff ff ff ff ff ff ff', HPACK_ERROR.integer],
  ['an integer with more octets than are read', 'ff 80 80 80 80 00', HPACK_ERROR.integer],
  ['an integer that is cut off', 'ff 80', HPACK_ERROR.truncated],
  ['a literal without name', '00', HPACK_ERROR.truncated],
  ['a literal without value', '00 01 61', HPACK_ERROR.truncated],
  ['an indexed name without value', '04', HPACK_ERROR.truncated],
  ['a string longer than the block', '00 01 61 05 61', HPACK_ERROR.truncated],
  ['a Huffman string longer than the block', '00 01 61 ff ff 07', HPACK_ERROR.truncated],
  ['EOS in a Huffman string', '00 01 61 84 ff ff ff ff', HPACK_ERROR.huffman],
  ['EOS behind a symbol', '00 01 61 85 1f ff ff ff ff', HPACK_ERROR.huffman],
  ['padding of eight bits', '00 01 61 83 1c 64 ff', HPACK_ERROR.huffman],
  ['padding with a zero', '00 01 61 81 1e', HPACK_ERROR.huffman],
  ['a long code that is cut off', '00 01 61 82 ff fe', HPACK_ERROR.huffman],
  ['a longer code that is cut off', '00 01 61 83 ff ff f8', HPACK_ERROR.huffman],
  ['a size update behind a field', '82 20', HPACK_ERROR.lateSizeUpdate],
  ['a size update above the setting', '3f e2 1f', HPACK_ERROR.sizeUpdate],
  ['a cut size update', '3f', HPACK_ERROR.truncated],
];

for (const [name, block, error] of BROKEN) {
  t.test(`refuses ${name}`, async (t) => {
    t.equal(new Bench().error(hex(block)), error);
  });
}

t.test('takes padding of up to seven ones', async (t) => {
  // `aaa` is 15 bits, `a` 5, `8` and a comma 6 and 8.
  t.same(new Bench().fields('00 01 61 82 18 c7'), ['a: aaa']);
  t.same(new Bench().fields('00 01 61 81 1f'), ['a: a']);
  t.same(new Bench().fields('00 01 61 80'), ['a: ']);
});

t.test('evicts the oldest entries, and clears the table for one that is too large', async (t) => {
  const bench = new Bench();
  const value = 'v'.repeat(4096 / 2 - 33);
  bench.fields(literalBlock([['a', value]], 0x40));
  bench.fields(literalBlock([['b', value]], 0x40));
  t.equal(bench.decoder.tableSize, 4096);
  t.same(bench.fields('be bf'), [`b: ${value}`, `a: ${value}`]);
  bench.fields(literalBlock([['c', '']], 0x40));
  t.equal(bench.decoder.tableSize, 2048 + 33);
  t.same(bench.fields('be bf'), ['c: ', `b: ${value}`]);
  t.equal(bench.error(hex('c0')), HPACK_ERROR.index);
  const huge = 'h'.repeat(4096 - 32);
  t.same(bench.fields(literalBlock([['d', huge]], 0x40)), [`d: ${huge}`], 'it is a field still');
  t.equal(bench.decoder.tableSize, 0);
  const largest = 'l'.repeat(4096 - 33);
  bench.fields(literalBlock([['e', largest]], 0x40));
  t.equal(bench.decoder.tableSize, 4096);
});

t.test('a literal may take its name from the entry that it pushes out', async (t) => {
  const bench = new Bench();
  bench.fields(Buffer.concat([hex('3f11'), literalBlock([['name', 'x']], 0x40)]));
  t.same(bench.fields('7e 02 79 7a'), ['name: yz']);
  t.same(bench.fields('be'), ['name: yz']);
});

t.test('holds more small entries than the ring had room for at first', async (t) => {
  const bench = new Bench({ tableSize: 65536 });
  const pairs = Array.from({ length: 90 }, (_, at) => [`n${at}`, `v${at}`] as const);
  bench.fields(Buffer.concat([Buffer.from(integer(65536, 5, 0x20)), literalBlock(pairs, 0x40)]));
  const newest = pairs.map((_, at) => Buffer.from(integer(62 + at, 7, 0x80)));
  const expected = pairs.map(([name, value]) => `${name}: ${value}`).reverse();
  t.same(bench.fields(Buffer.concat(newest)), expected);
});

t.test('a size update evicts, several may stand in a row', async (t) => {
  const bench = new Bench();
  bench.fields(
    literalBlock(
      [
        ['a', '1'],
        ['b', '2'],
      ],
      0x40,
    ),
  );
  bench.fields('3f 03');
  t.equal(bench.decoder.tableSize, 34);
  t.same(bench.fields('be'), ['b: 2']);
  bench.fields('20 3f e1 1f');
  t.equal(bench.decoder.tableSize, 0);
  bench.fields(literalBlock([['c', '3']], 0x40));
  t.equal(bench.decoder.tableSize, 34);
});

t.test('a peer may go by the default table until it acknowledged ours', async (t) => {
  const bench = new Bench({ tableSize: 100 });
  bench.fields(literalBlock([['a', 'v'.repeat(200)]], 0x40));
  t.equal(bench.decoder.tableSize, 233);
  bench.decoder.acknowledgeTableSize();
  t.equal(bench.error(hex('82')), HPACK_ERROR.missingSizeUpdate);

  const polite = new Bench({ tableSize: 100 });
  polite.decoder.acknowledgeTableSize();
  t.same(polite.fields('3f 45 82'), [':method: GET']);
  t.same(polite.fields('82'), [':method: GET'], 'one update is enough');
  t.equal(polite.error(hex('3f 46')), HPACK_ERROR.sizeUpdate);
});

t.test('a larger table may be used from the start, and is not used unasked', async (t) => {
  const bench = new Bench({ tableSize: 8192 });
  t.equal(bench.error(hex('3f e2 3f')), HPACK_ERROR.sizeUpdate);
  const good = new Bench({ tableSize: 8192 });
  good.fields(literalBlock([['a', 'v'.repeat(5000)]], 0x40));
  t.equal(good.decoder.tableSize, 0);
  good.fields('3f e1 3f');
  good.fields(literalBlock([['a', 'v'.repeat(5000)]], 0x40));
  t.equal(good.decoder.tableSize, 5033);
  good.decoder.acknowledgeTableSize();
  t.same(good.fields('be').length, 1);
});

t.test('counts octets and fields, and tells none beyond a limit', async (t) => {
  const bench = new Bench({ maxOctets: 12, maxCount: 3 });
  const pair = ['abc', 'd'] as const;
  t.equal(bench.fields(literalBlock([pair, pair, pair])).length, 3);
  t.equal(bench.decoder.octets, 12);
  t.equal(bench.decoder.count, 3);
  t.notOk(bench.decoder.isTooLarge || bench.decoder.isTooMany);

  t.equal(bench.fields(literalBlock([pair, pair, ['abc', 'de']])).length, 2);
  t.ok(bench.decoder.isTooLarge);
  t.notOk(bench.decoder.isTooMany);

  const empty = ['', ''] as const;
  t.equal(bench.fields(literalBlock([empty, empty, empty, empty])).length, 3);
  t.ok(bench.decoder.isTooMany);
  t.notOk(bench.decoder.isTooLarge);
});

t.test('beyond a limit the table still follows the block', async (t) => {
  const bench = new Bench({ maxOctets: 1000, maxCount: 2 });
  const many = literalBlock(
    [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
    ],
    0x40,
  );
  bench.fields(many);
  t.same(bench.fields('be'), ['d: 4']);
  t.equal(bench.decoder.tableSize, 4 * 34);
});

t.test('a small block that expands to megabytes costs neither memory nor time', async (t) => {
  const bench = new Bench({ maxOctets: 61440, maxCount: 100 });
  bench.fields(literalBlock([['a', 'v'.repeat(4000)]], 0x40));
  const bomb = Buffer.alloc(245, 0xbe);
  t.equal(bench.fields(bomb).length, 15);
  t.equal(bench.decoder.octets, 245 * 4001, 'read to its end');
  t.ok(bench.decoder.isTooLarge);
});

t.test('a block that expands far beyond the limit ends the connection', async (t) => {
  const bench = new Bench({ maxOctets: 4000, maxCount: 100 });
  bench.fields(literalBlock([['a', 'v'.repeat(999)]], 0x40));
  t.equal(bench.error(Buffer.alloc(64, 0xbe)), null);
  t.equal(bench.error(Buffer.alloc(65, 0xbe)), HPACK_ERROR.expansion);
});

t.test('what a block says changes with the table, and the generation says so', async (t) => {
  const bench = new Bench();
  const before = bench.decoder.generation;
  bench.fields('8286');
  bench.fields(literalBlock([['a', '1']]));
  t.equal(bench.decoder.generation, before);
  bench.fields(literalBlock([['a', '1']], 0x40));
  const after = bench.decoder.generation;
  t.not(after, before);
  bench.fields('20');
  t.not(bench.decoder.generation, after);
});

t.test('indices that come together again are told in one piece', async (t) => {
  const bench = new Bench();
  bench.fields(literalBlock([['a', '1']], 0x40));
  const block = '82 86 84 be 88 90 00 01 62 01 63';
  const expected = bench.fields(block);
  t.equal(expected.length, 7);
  for (const runs of [0, 1, 2]) {
    t.same(bench.fields(block), expected);
    t.equal(bench.recorder.runs, runs);
  }
  t.same(bench.fields(`${block.slice(0, 17)} 87`), [...expected.slice(0, 6), ':scheme: https']);
  t.equal(bench.recorder.runs, 3, 'whatever follows');
  bench.fields(literalBlock([['a', '2']], 0x40));
  t.equal(bench.fields(block)[3], 'a: 2', 'but not with another table');
  t.equal(bench.recorder.runs, 3);
});

t.test('a run counts like its fields', async (t) => {
  const bench = new Bench({ maxOctets: 39 + 10 + 38, maxCount: 20 });
  const run = '82 86 84 87';
  for (let time = 0; time < 3; time += 1) bench.fields(run);
  t.equal(bench.recorder.runs, 1);
  t.equal(bench.decoder.count, 4);
  const { octets } = bench.decoder;
  t.equal(octets, 10 + 11 + 6 + 12);
  const twice = bench.fields(`${run} 00 08 6e616d656e616d65 02 7676 ${run}`);
  t.equal(twice.length, 8, 'as far as the limits reach');
  t.equal(bench.decoder.octets, 2 * octets + 10);
  t.ok(bench.decoder.isTooLarge);
});
