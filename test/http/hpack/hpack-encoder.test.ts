import t from 'tap';
import { HEADER_ID } from '../../../proxy/http/header-names.ts';
import { HpackDecoder } from '../../../proxy/http/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../../proxy/http/hpack/hpack-encoder.ts';
import { FieldRecorder, hex } from '../../support/field-blocks.ts';

type Fields = readonly (readonly [string, string])[];

function encode(encoder: HpackEncoder, fields: Fields): Buffer {
  encoder.begin();
  for (const [name, value] of fields) encoder.field(encoder.otherName(name), value);
  return Buffer.from(encoder.buffer.subarray(0, encoder.length));
}

/** An encoder with a decoder that follows it. */
class Pair {
  readonly encoder: HpackEncoder;
  readonly decoder: HpackDecoder;
  readonly #recorder = new FieldRecorder();

  constructor(tableSize = 4096) {
    this.encoder = new HpackEncoder(tableSize);
    const limits = { maxOctets: 1e6, maxCount: 1000, tableSize: 65536 };
    this.decoder = new HpackDecoder(limits, this.#recorder);
  }

  /** The block, after the decoder read the same fields in it. */
  send(fields: Fields): Buffer {
    const block = encode(this.encoder, fields);
    const error = this.decoder.decode(block, 0, block.length);
    if (error !== null) throw new Error(error.reason);
    const found = this.#recorder.take().join('\n');
    const expected = fields.map(([name, value]) => `${name}: ${value}`).join('\n');
    if (found !== expected) throw new Error(`decoded ${found} instead of ${expected}`);
    return block;
  }
}

t.test('writes the requests of RFC 7541 C.4', async (t) => {
  const pair = new Pair();
  const target: Fields = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ];
  t.same(pair.send(target), hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'));
  const second = pair.send([...target, ['cache-control', 'no-cache']]);
  t.same(second, hex('8286 84be 5886 a8eb 1064 9cbf'));
  const third = pair.send([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ]);
  t.same(third, hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'));
});

t.test('writes a string plain where Huffman code is not shorter', async (t) => {
  const pair = new Pair();
  t.same(pair.send([['age', '{}']]).subarray(-3), Buffer.from('\x02{}'));
  t.same(pair.send([['age', '']]).subarray(-1), Buffer.from('\0'));
  for (const length of [100, 126, 127, 128, 200, 5000]) {
    t.ok(pair.send([['age', '\x80'.repeat(length)]]).length > length);
    t.ok(pair.send([['age', 'e'.repeat(length)]]).length < length);
  }
});

t.test('never indexes secrets, and says so', async (t) => {
  const secrets: Fields = [
    ['authorization', 'Bearer token-token-token-token'],
    ['proxy-authorization', 'Basic abc'],
    ['set-cookie', 'session=0123456789012345678901234567890'],
    ['x-forwarded-client-cert', 'By=spiffe://a;Hash=b'],
    ['x-api-key', 'k'],
    ['cookie', '1234567890123456789'],
  ];
  for (const field of secrets) {
    const pair = new Pair();
    const first = pair.send([field]);
    t.equal((first[0] as number) & 0xf0, 0x10, `${field[0]} is a never-indexed literal`);
    t.same(pair.send([field]), first);
    t.equal(pair.decoder.tableSize, 0);
  }
});

t.test('indexes a cookie that is too long to be guessed', async (t) => {
  const pair = new Pair();
  const cookie: Fields = [['cookie', '12345678901234567890']];
  t.equal((pair.send(cookie)[0] as number) & 0xc0, 0x40);
  t.same(pair.send(cookie), hex('be'));
});

t.test('writes out what differs each time; its name enters the table once', async (t) => {
  const pair = new Pair();
  const known = pair.send([['etag', '"one"']]);
  t.equal((known[0] as number) & 0xf0, 0, 'the static table has the name');
  t.equal(pair.decoder.tableSize, 0);
  pair.send([['x-request-id', 'first']]);
  const size = pair.decoder.tableSize;
  t.ok(size > 0);
  const second = pair.send([['x-request-id', 'second']]);
  t.same(second.subarray(0, 2), hex('0f2f'), 'the name by its index');
  t.equal(pair.decoder.tableSize, size);
  t.same(pair.send([['x-request-id', 'first']]), hex('be'));
});

t.test('gives up on names whose entries nobody uses, and tries again', async (t) => {
  const pair = new Pair();
  let inserted = 0;
  for (let run = 0; run < 200; run += 1) {
    const block = pair.send([['x-span', `value-${run}`]]);
    if (((block[0] as number) & 0xc0) === 0x40) inserted += 1;
  }
  t.ok(inserted >= 9 && inserted <= 12, `${inserted} of 200`);
  let hits = 0;
  for (let run = 0; run < 200; run += 1)
    hits += pair.send([['x-span', 'same']]).length === 1 ? 1 : 0;
  t.ok(hits > 130, 'one that is used stays');
});

t.test('does not let one field push out half of the table', async (t) => {
  const pair = new Pair();
  const large: Fields = [['x-large', 'v'.repeat(2048 - 7)]];
  pair.send(large);
  t.equal(pair.decoder.tableSize, 2048 + 32);
  const larger = new Pair();
  larger.send([['x-large', 'v'.repeat(2048 - 6)]]);
  t.equal(larger.decoder.tableSize, 0);
});

t.test('finds several values of one name, until they are evicted', async (t) => {
  const pair = new Pair();
  const values = ['a', 'b', 'c', 'd'].map((value): Fields => [['x-kind', value.repeat(500)]]);
  for (const field of values) pair.send(field);
  for (const field of values) t.equal(pair.send(field).length, 1);
  for (let run = 0; run < 5; run += 1) pair.send([[`x-other-${run}`, 'o'.repeat(600)]]);
  t.ok(pair.send(values[0] as Fields).length > 1, 'the oldest is gone');
});

t.test('announces a table size of its own that is smaller than the default', async (t) => {
  const pair = new Pair(0);
  t.same(pair.send([[':method', 'GET']]), hex('20 82'));
  const block = pair.send([['a', 'b']]);
  t.equal((block[0] as number) & 0xf0, 0, 'and indexes nothing in no table');
  t.same(pair.send([['a', 'b']]), block);
});

t.test('announces what the peer allows, up to its own limit', async (t) => {
  const pair = new Pair(8192);
  pair.encoder.setMaxTableSize(65536);
  t.same(pair.send([[':method', 'GET']]), hex('3fe13f 82'), '8192');
  pair.encoder.setMaxTableSize(8192);
  t.same(pair.send([[':method', 'GET']]), hex('82'), 'nothing changed');
  pair.encoder.setMaxTableSize(100);
  t.same(pair.send([[':method', 'GET']]), hex('3f45 82'));
});

t.test('announces the smallest of several sizes, then the last (RFC 7541 §4.2)', async (t) => {
  const pair = new Pair();
  pair.send([['x-kind', 'kept']]);
  pair.encoder.setMaxTableSize(0);
  pair.encoder.setMaxTableSize(1000);
  pair.encoder.setMaxTableSize(4096);
  const block = pair.send([['x-kind', 'kept']]);
  t.same(block.subarray(0, 4), hex('20 3fe1 1f'));
  t.not(block.length, 5, 'the entry went with the table of size 0');
  pair.encoder.setMaxTableSize(2000);
  pair.encoder.setMaxTableSize(3000);
  t.same(pair.send([]), hex('3fb10f 3f9917'), '2000, then 3000');
  t.same(pair.send([]), hex(''));
});

t.test('remembers only so many names, and goes on when it forgets them', async (t) => {
  const pair = new Pair();
  for (let run = 0; run < 400; run += 1) pair.send([[`x-name-${run % 150}`, 'v']]);
  const name = pair.encoder.knownName(HEADER_ID['user-agent']);
  t.equal(pair.encoder.knownName(HEADER_ID['user-agent']), name);
});

t.test('grows its buffer for a large field', async (t) => {
  const pair = new Pair();
  const block = pair.send([
    ['a', 'small'],
    ['b', 'l'.repeat(100_000)],
    ['c', '\x80'.repeat(70_000)],
  ]);
  t.ok(block.length > 130_000);
});
