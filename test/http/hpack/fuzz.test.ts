// Random field lists there and back, and random and mutated blocks: whatever comes, the decoder
// neither throws nor loses step with the encoder that it followed.
import t from 'tap';
import { type Random, randomBelow } from '../../../proxy/base/random.ts';
import { HpackDecoder } from '../../../proxy/http/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../../proxy/http/hpack/hpack-encoder.ts';
import { FieldRecorder } from '../../support/field-blocks.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const BLOCKS = 50_000;
const NAMES = [
  ':method',
  ':path',
  ':status',
  ':authority',
  'accept-encoding',
  'authorization',
  'content-length',
  'cookie',
  'etag',
  'set-cookie',
  'x-request-id',
  'x-own',
  'x-other-name',
  'user-agent',
];
const VALUES = ['', 'GET', '200', '/', 'gzip, deflate', 'value', 'a much longer value; with=parts'];

const seed = testSeed();
const random = seededRandom(seed);

type Fields = [string, string][];

function pick<T>(source: Random, list: readonly T[]): T {
  return list[randomBelow(source, list.length)] as T;
}

function randomText(length: number): string {
  let text = '';
  for (let at = 0; at < length; at += 1) text += String.fromCharCode(randomBelow(random, 256));
  return text;
}

function randomField(): [string, string] {
  const name = randomBelow(random, 8) === 0 ? `n${randomText(3)}` : pick(random, NAMES);
  const kind = randomBelow(random, 6);
  if (kind === 0) return [name, randomText(randomBelow(random, 40))];
  if (kind === 1) return [name, 'x'.repeat(randomBelow(random, 3000))];
  return [name, pick(random, VALUES)];
}

function randomFields(): Fields {
  return Array.from({ length: randomBelow(random, 12) }, randomField);
}

function encode(encoder: HpackEncoder, fields: Fields): Buffer {
  encoder.begin();
  for (const [name, value] of fields) encoder.field(encoder.otherName(name), value);
  return Buffer.from(encoder.buffer.subarray(0, encoder.length));
}

function newDecoder(sink: FieldRecorder): HpackDecoder {
  return new HpackDecoder({ maxOctets: 1e6, maxCount: 1000, tableSize: 8192 }, sink);
}

t.test('what is encoded decodes, through evictions and changes of the table', async (t) => {
  for (let connection = 0; connection < 40; connection += 1) {
    const encoder = new HpackEncoder(pick(random, [0, 64, 300, 4096, 8192]));
    const sink = new FieldRecorder();
    const decoder = newDecoder(sink);
    for (let run = 0; run < 60; run += 1) {
      if (randomBelow(random, 10) === 0) encoder.setMaxTableSize(randomBelow(random, 9000));
      const fields = randomFields();
      const block = encode(encoder, fields);
      const error = decoder.decode(block, 0, block.length);
      const found = sink.take().join('\n');
      const expected = fields.map(([name, value]) => `${name}: ${value}`).join('\n');
      if (error === null && found === expected) continue;
      t.fail(`seed ${seed}, connection ${connection}, block ${run}: ${error?.reason}`);
      return;
    }
  }
});

function mutated(block: Buffer): Buffer {
  const octets = [...block];
  for (let left = 1 + randomBelow(random, 3); left > 0; left -= 1) {
    const at = randomBelow(random, octets.length + 1);
    const kind = randomBelow(random, 4);
    if (kind === 0) octets.splice(at, 1);
    else if (kind === 1)
      octets.splice(at, 0, pick(random, [0, 0x20, 0x3f, 0x7f, 0x80, 0xff, 0xbe]));
    else if (kind === 2) octets[at] = randomBelow(random, 256);
    else octets.splice(at, randomBelow(random, 8));
  }
  return Buffer.from(octets);
}

function randomBlock(): Buffer {
  return Buffer.from(
    Array.from({ length: randomBelow(random, 40) }, () => randomBelow(random, 256)),
  );
}

t.test(`${BLOCKS} random and mutated blocks do no harm`, async (t) => {
  const sink = new FieldRecorder();
  let encoder = new HpackEncoder(4096);
  let decoder = newDecoder(sink);
  let good = 0;
  for (let run = 0; run < BLOCKS; run += 1) {
    const fields: Fields = [[pick(random, NAMES), pick(random, VALUES)], randomField()];
    const block = encode(encoder, fields);
    // The twin sees the good block; a decoder of its own sees what became of it.
    if (decoder.decode(block, 0, block.length) !== null) {
      t.fail(`seed ${seed}, block ${run}: a good block was refused`);
      return;
    }
    sink.take();
    const bad = randomBelow(random, 2) === 0 ? mutated(block) : randomBlock();
    const size = decoder.tableSize;
    if (decoder.decode(bad, 0, bad.length) === null) good += 1;
    if (decoder.tableSize > 8192 || decoder.octets > 1e6) {
      t.fail(`seed ${seed}, block ${run}: beyond a limit, from ${size}`);
      return;
    }
    sink.take();
    encoder = new HpackEncoder(4096);
    decoder = newDecoder(sink);
  }
  t.ok(good > 0 && good < BLOCKS, `${good} of ${BLOCKS} were good all the same`);
});
