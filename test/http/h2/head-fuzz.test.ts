// Heads of a connection that remembers, against heads that stand alone: tables, runs and remembered
// blocks must never show in what a block means.
import t from 'tap';
import { randomBelow } from '../../../proxy/base/random.ts';
import { H2HeadDecoder } from '../../../proxy/http/h2/h2-head-decoder.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS, type H2Options } from '../../../proxy/http/h2/options.ts';
import { HpackEncoder } from '../../../proxy/http/hpack/hpack-encoder.ts';
import { RequestHead } from '../../../proxy/http/message.ts';
import { literalBlock } from '../../support/field-blocks.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const OPTIONS: H2Options = {
  protocol: { ...DEFAULT_H2_PROTOCOL_OPTIONS, allowConnect: true },
  maxHeadBytes: 600,
  maxHeadersCount: 16,
  headersWithUnderscores: 'drop',
};
const GOOD: readonly (readonly [string, string])[] = [
  ['accept', 'a/b'],
  ['user-agent', 'some agent'],
  ['cookie', 'a=1; this one is long enough'],
  ['cookie', 'b=2; and so is this one'],
  ['x-own', 'v'],
  ['x-forwarded-for', '1.2.3.4'],
  ['x_under', 'score'],
  ['te', 'trailers'],
  ['host', 'h.test'],
  ['via', 'x'.repeat(90)],
];
const ODD: readonly (readonly [string, string])[] = [
  ['content-length', '5'],
  ['content-length', '6'],
  ['content-length', '-1'],
  ['connection', 'close'],
  ['te', 'gzip'],
  ['X-Upper', 'v'],
  ['x-bad', 'a\nb'],
  ['x-edge', ' v'],
  ['host', 'other.test'],
  [':path', '/late'],
  [':status', '200'],
  [':protocol', 'websocket'],
  [':unknown', 'x'],
];
const TARGETS: readonly (readonly (readonly [string, string])[])[] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'h.test'],
  ],
  [
    [':method', 'CONNECT'],
    [':authority', 'h.test:443'],
  ],
  [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', '/chat'],
    [':authority', 'h.test'],
  ],
  [
    [':method', 'GET'],
    [':path', '/'],
  ],
];

const seed = testSeed();
const random = seededRandom(seed);
const pick = <T>(list: readonly T[]): T => list[randomBelow(random, list.length)] as T;

/** A head that is good more often than not. */
function randomHead(): [string, string][] {
  const target = randomBelow(random, 6) === 0 ? pick(TARGETS) : (TARGETS[0] ?? []);
  const head = target.map(([name, value]): [string, string] => [name, value]);
  for (const [name, value] of GOOD) if (randomBelow(random, 5) !== 0) head.push([name, value]);
  if (randomBelow(random, 6) === 0) {
    const [name, value] = pick(ODD);
    head.splice(randomBelow(random, head.length + 1), 0, [name, value]);
  }
  if (randomBelow(random, 10) === 0) head.push(['x-new', `${randomBelow(random, 50)}`]);
  if (randomBelow(random, 20) === 0) head.push(...head.slice(-6));
  return head;
}

/** Everything that a head says. */
function textOf(decoder: H2HeadDecoder): string {
  const head = decoder.takeRequest();
  if (!(head instanceof RequestHead)) return 'error';
  const { method, scheme, path, authority, upgrade, headers } = head;
  const pseudo = [method, scheme, path, authority, upgrade, decoder.contentLength].join(' ');
  return `${pseudo} ${decoder.fieldOctets}\n${headers.toFieldLines()}`;
}

function alone(fields: readonly (readonly [string, string])[]): string {
  const decoder = new H2HeadDecoder(OPTIONS, 'server');
  const block = literalBlock(fields);
  decoder.decode(block, 0, block.length);
  return textOf(decoder);
}

/** Runs one connection; the first head that differs, '' if none does. */
function runConnection(heads: number, count: (text: string) => void): string {
  const encoder = new HpackEncoder(pick([0, 300, 4096]));
  const decoder = new H2HeadDecoder(OPTIONS, 'server');
  let fields = randomHead();
  for (let run = 0; run < heads; run += 1) {
    if (randomBelow(random, 3) !== 0) fields = randomHead();
    encoder.begin();
    for (const [name, value] of fields) encoder.field(encoder.otherName(name), value);
    const error = decoder.decode(encoder.buffer, 0, encoder.length);
    const text = textOf(decoder);
    count(text);
    if (error !== null || text !== alone(fields)) {
      return `head ${run}: ${error?.reason} ${text} instead of ${alone(fields)}`;
    }
  }
  return '';
}

t.test('20,000 heads mean the same on connections that remember as alone', async (t) => {
  let good = 0;
  for (let connection = 0; connection < 40; connection += 1) {
    const difference = runConnection(500, (text) => {
      if (text !== 'error') good += 1;
    });
    if (difference !== '') {
      t.fail(`seed ${seed}, connection ${connection}, ${difference}`);
      return;
    }
  }
  t.ok(good > 5000 && good < 19_000, `${good} were good`);
});
