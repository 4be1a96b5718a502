import type { PassThrough } from 'node:stream';
import zlib from 'node:zlib';
import t from 'tap';
import {
  BodyCoding,
  type CodingPlan,
  TOO_LARGE,
} from '../../../../proxy/filters/http/coding/body-coding.ts';
import type {
  FilterSite,
  MessageSide,
} from '../../../../proxy/filters/http/coding/message-side.ts';
import { CONTINUE, DROP, STOP } from '../../../../proxy/filters/http-filter.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { Counter } from '../../../../proxy/stats/metrics.ts';
import { eventually } from '../../../support/eventually.ts';
import { fieldLines } from '../../../support/route-fixtures.ts';

/** Takes what a body becomes. */
class Taker implements MessageSide {
  readonly pieces: Buffer[] = [];
  readonly seen: string[] = [];
  isSlow = false;
  isComplete = false;

  inject(_site: FilterSite, data: Buffer, endStream: boolean): boolean {
    if (this.isComplete) throw new Error('content behind the end');
    this.pieces.push(Buffer.from(data));
    this.isComplete = endStream;
    return !this.isSlow;
  }

  injectTrailers(_site: FilterSite, trailers: HeaderList): void {
    this.seen.push(...fieldLines(trailers));
    this.isComplete = true;
  }

  release(): void {
    this.seen.push('released');
    this.isComplete = true;
  }

  hold(): void {
    this.seen.push('hold');
  }

  take(): void {
    this.seen.push('take');
  }

  get content(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

function bodyOf(taker: Taker, members: Partial<CodingPlan> = {}): BodyCoding {
  const plan: CodingPlan = {
    library: {
      ...{ coding: 'gzip', statName: 'gzip' },
      open: () => zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH }),
      codeNow: (data) => zlib.gzipSync(data),
    },
    side: taker,
    maxBytesAtOnce: 100,
    maxRatio: 0,
    bytesIn: new Counter('in'),
    bytesOut: new Counter('out'),
    trailers: null,
    failed: (_coding, { code }) => void taker.seen.push(`failed ${code}`),
    ...members,
  };
  return new BodyCoding({} as FilterSite, plan);
}

const gunzip = (): CodingPlan['library'] => ({
  ...{ coding: 'gzip', statName: 'gzip' },
  open: () => zlib.createGunzip(),
  codeNow: (data) => zlib.gunzipSync(data),
});

t.test('a small body is coded at once', async (t) => {
  const taker = new Taker();
  const body = bodyOf(taker);
  t.equal(body.onData(Buffer.from('small'), true), DROP);
  t.ok(taker.isComplete);
  t.equal(zlib.gunzipSync(taker.content).toString(), 'small');
  t.equal(body.totalIn, 5);
  t.equal(body.totalOut, taker.content.length);
});

t.test('each piece leaves without waiting for the next', async (t) => {
  const taker = new Taker();
  const body = bodyOf(taker);
  const reader = zlib.createGunzip();
  let text = '';
  reader.on('data', (data: Buffer) => {
    text += data.toString();
  });
  for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
    const before = text.length;
    t.equal(body.onData(Buffer.from(event), false), DROP);
    await eventually(() => {
      for (const piece of taker.pieces.splice(0)) reader.write(piece);
      return text.length === before + event.length;
    });
  }
  t.notOk(taker.isComplete);
  body.onData(Buffer.alloc(0), true);
  await eventually(() => taker.isComplete);
});

t.test('a large body comes out in order, however it is cut', async (t) => {
  const taker = new Taker();
  const body = bodyOf(taker);
  const whole = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index).join(' '));
  for (let at = 0; at < whole.length; at += 7000) {
    const piece = Buffer.from(whole.subarray(at, at + 7000));
    body.onData(piece, at + 7000 >= whole.length);
    piece.fill(0);
  }
  await eventually(() => taker.isComplete);
  t.ok(zlib.gunzipSync(taker.content).equals(whole));
});

t.test('whoever sends is held back while much waits', async (t) => {
  const taker = new Taker();
  const body = bodyOf(taker);
  for (let sent = 0; !taker.seen.includes('hold'); sent += 1) {
    if (sent > 20) throw new Error('not held back');
    body.onData(Buffer.alloc(16_384, 'x'), false);
  }
  await eventually(() => taker.seen.includes('take'));
  t.same(taker.seen, ['hold', 'take']);
  body.close();
});

t.test('a slow client stops the work, and everything arrives when it goes on', async (t) => {
  const taker = new Taker();
  taker.isSlow = true;
  const body = bodyOf(taker, { library: gunzip() });
  const whole = Buffer.alloc(4_000_000, 'x');
  body.onData(zlib.gzipSync(whole), false);
  await eventually(() => taker.pieces.length > 0);
  const size = taker.content.length;
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  t.equal(taker.content.length, size);
  taker.isSlow = false;
  body.onWritable();
  body.onData(Buffer.alloc(0), true);
  await eventually(() => taker.isComplete);
  t.ok(taker.content.equals(whole));
});

t.test('trailers wait for the content', async (t) => {
  const taker = new Taker();
  const body = bodyOf(taker);
  body.onData(Buffer.from('a'), false);
  t.equal(body.onTrailers(HeaderList.of('a', 'b')), STOP);
  await eventually(() => taker.isComplete);
  t.same(taker.seen, ['released']);
  t.equal(zlib.gunzipSync(taker.content).toString(), 'a');
});

t.test('trailers without content follow an empty body', async (t) => {
  const taker = new Taker();
  t.equal(bodyOf(taker).onTrailers(HeaderList.of('a', 'b')), CONTINUE);
  t.equal(zlib.gunzipSync(taker.content).length, 0);
});

t.test('a message may get trailers of its own', async (t) => {
  const taker = new Taker();
  const report: CodingPlan['trailers'] = ({ totalIn }, trailers) =>
    trailers.add('x-in', String(totalIn));
  bodyOf(taker, { trailers: report }).onData(Buffer.from('four'), true);
  t.same(taker.seen, ['x-in: 4']);
});

t.test('content that is not what it claims to be fails once', async (t) => {
  for (const data of ['nonsense', 'nonsense'.repeat(100)]) {
    const taker = new Taker();
    const body = bodyOf(taker, { library: gunzip() });
    t.equal(body.onData(Buffer.from(data), true), DROP);
    await eventually(() => taker.seen.length > 0);
    t.same(taker.seen, ['failed Z_DATA_ERROR']);
    t.equal(body.onData(Buffer.from('more'), true), DROP);
    t.equal(body.onTrailers(HeaderList.empty()), DROP);
    t.same(taker.pieces, []);
  }
});

t.test('content that grows too much is given up early', async (t) => {
  const taker = new Taker();
  const body = bodyOf(taker, { library: gunzip(), maxRatio: 100 });
  body.onData(zlib.gzipSync(Buffer.alloc(10_000_000)), false);
  await eventually(() => taker.seen.length > 0);
  t.same(taker.seen, [`failed ${TOO_LARGE}`]);
  t.ok(taker.content.length < 1_100_000);
});

t.test('a stream that is over frees its work at once, also in the middle of it', async (t) => {
  const taker = new Taker();
  const opened: PassThrough[] = [];
  const open = () => {
    const stream = zlib.createGzip() as unknown as PassThrough;
    opened.push(stream);
    return stream;
  };
  const body = bodyOf(taker, { library: { ...gunzip(), open } });
  body.onData(Buffer.alloc(60_000, 'x'), false);
  body.close();
  body.close();
  await eventually(() => opened.every((stream) => stream.closed));
  t.same(taker.pieces, []);
  t.equal(opened.length, 1);
});
