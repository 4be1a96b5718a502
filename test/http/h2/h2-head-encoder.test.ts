import t from 'tap';
import { randomBelow } from '../../../proxy/base/random.ts';
import { DEFAULT_H1_SERVER_OPTIONS } from '../../../proxy/http/h1/options.ts';
import { RequestDecoder } from '../../../proxy/http/h1/request-decoder.ts';
import { H2HeadDecoder } from '../../../proxy/http/h2/h2-head-decoder.ts';
import { H2HeadEncoder } from '../../../proxy/http/h2/h2-head-encoder.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS, type H2Options } from '../../../proxy/http/h2/options.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { HEADER_ID } from '../../../proxy/http/header-names.ts';
import { HpackDecoder } from '../../../proxy/http/hpack/hpack-decoder.ts';
import { RequestHead, ResponseHead } from '../../../proxy/http/message.ts';
import { FieldRecorder, hex } from '../../support/field-blocks.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const OPTIONS: H2Options = {
  protocol: { ...DEFAULT_H2_PROTOCOL_OPTIONS, allowConnect: true },
  maxHeadBytes: 61_440,
  maxHeadersCount: 100,
  headersWithUnderscores: 'allow',
};
const TARGET = { path: '/path', authority: 'h.test', scheme: 'https' };

function requestHead(method: string, headers: HeaderList, target = TARGET): RequestHead {
  return new RequestHead('HTTP/1.1', method, target, headers);
}

/** The fields in the encoder's block, read with a decoder of their own. */
function fieldsOf(encoder: H2HeadEncoder): string[] {
  const recorder = new FieldRecorder();
  const limits = { maxOctets: 1e6, maxCount: 1000, tableSize: 4096 };
  const decoder = new HpackDecoder(limits, recorder);
  const error = decoder.decode(encoder.buffer, 0, encoder.length);
  if (error !== null) throw new Error(error.reason);
  return recorder.take();
}

function requestFields(head: RequestHead): string[] {
  const encoder = new H2HeadEncoder(OPTIONS);
  encoder.encodeRequest(head);
  return fieldsOf(encoder);
}

function responseFields(head: ResponseHead): string[] {
  const encoder = new H2HeadEncoder(OPTIONS);
  encoder.encodeResponse(head);
  return fieldsOf(encoder);
}

t.test('writes a request, pseudo-fields first', async (t) => {
  const headers = HeaderList.of('user-agent', 'test', 'x-own', 'value');
  t.same(requestFields(requestHead('POST', headers)), [
    ':method: POST',
    ':scheme: https',
    ':path: /path',
    ':authority: h.test',
    'user-agent: test',
    'x-own: value',
  ]);
});

t.test('leaves out what only HTTP/1 has', async (t) => {
  const headers = HeaderList.of(
    'connection',
    'close',
    'keep-alive',
    '1',
    'proxy-connection',
    'x',
    'transfer-encoding',
    'chunked',
    'upgrade',
    'h2c',
    'http2-settings',
    'x',
    'host',
    'other',
    'te',
    'gzip',
    'a',
    'b',
  );
  t.same(requestFields(requestHead('GET', headers)).slice(4), ['a: b']);
  t.same(responseFields(new ResponseHead(200, headers)), [':status: 200', 'a: b']);
  const encoder = new H2HeadEncoder(OPTIONS);
  encoder.encodeTrailers(headers);
  t.same(fieldsOf(encoder), ['a: b']);
});

t.test('keeps te: trailers', async (t) => {
  const headers = HeaderList.of('te', 'trailers');
  t.same(requestFields(requestHead('GET', headers)).slice(4), ['te: trailers']);
});

t.test('writes no field that was taken out', async (t) => {
  const decoder = new H2HeadDecoder(OPTIONS, 'server');
  const encoder = new H2HeadEncoder(OPTIONS);
  encoder.encodeRequest(requestHead('GET', HeaderList.of('a', '1', 'te', 'trailers', 'b', '2')));
  decoder.decode(encoder.buffer, 0, encoder.length);
  const head = decoder.takeRequest() as RequestHead;
  head.headers.removeKnown(HEADER_ID.te);
  head.headers.remove('a');
  head.headers.add('c', '3');
  t.same(requestFields(head).slice(4), ['b: 2', 'c: 3']);
});

t.test('CONNECT has method and authority only', async (t) => {
  const head = requestHead('CONNECT', HeaderList.of('x', 'y'), { ...TARGET, authority: 'h:1' });
  t.same(requestFields(head), [':method: CONNECT', ':authority: h:1', 'x: y']);
});

t.test('an upgrade is extended CONNECT', async (t) => {
  const headers = HeaderList.of('connection', 'upgrade', 'upgrade', 'websocket', 'x', 'y');
  const head = requestHead('GET', headers);
  head.upgrade = 'websocket';
  t.same(requestFields(head), [
    ':method: CONNECT',
    ':protocol: websocket',
    ':scheme: https',
    ':path: /path',
    ':authority: h.test',
    'x: y',
  ]);
});

t.test('an upgrade survives the way through HTTP/2', async (t) => {
  const head = requestHead('GET', HeaderList.of('connection', 'upgrade', 'upgrade', 'websocket'));
  head.upgrade = 'websocket';
  const encoder = new H2HeadEncoder(OPTIONS);
  encoder.encodeRequest(head);
  const decoder = new H2HeadDecoder(OPTIONS, 'server');
  decoder.decode(encoder.buffer, 0, encoder.length);
  const arrived = decoder.takeRequest() as RequestHead;
  t.same([arrived.method, arrived.path, arrived.upgrade], ['GET', '/path', 'websocket']);
});

t.test('101 is 200 in HTTP/2', async (t) => {
  t.same(responseFields(new ResponseHead(101, HeaderList.of('upgrade', 'websocket'))), [
    ':status: 200',
  ]);
});

t.test('writes any status', async (t) => {
  for (const status of [100, 200, 206, 404, 503, 999]) {
    t.same(responseFields(new ResponseHead(status, HeaderList.empty())), [`:status: ${status}`]);
  }
});

t.test('percent-encodes what no path may hold', async (t) => {
  const path = '/a b\r\nx: y#é';
  const head = requestHead('GET', HeaderList.empty(), { ...TARGET, path });
  t.equal(requestFields(head)[2], ':path: /a%20b%0D%0Ax:%20y%23%C3%A9');
  const empty = requestHead('GET', HeaderList.empty(), { ...TARGET, path: '' });
  t.equal(requestFields(empty)[2], ':path: /');
});

t.test('writes no authority that is empty or not HTTP', async (t) => {
  for (const authority of ['', 'a\r\nb']) {
    const head = requestHead('GET', HeaderList.empty(), { ...TARGET, authority });
    t.equal(requestFields(head).length, 3);
  }
});

t.test('a scheme that nobody decided is http', async (t) => {
  const head = requestHead('GET', HeaderList.empty(), { ...TARGET, scheme: '' });
  t.equal(requestFields(head)[1], ':scheme: http');
});

t.test('trims values that HTTP/1.1 would have been trimmed of', async (t) => {
  const headers = HeaderList.of('a', ' padded\t', 'b', '   ', 'c', '', 'd', '\xa0x\xa0');
  t.same(requestFields(requestHead('GET', headers)).slice(4), [
    'a: padded',
    'b: ',
    'c: ',
    'd: \xa0x\xa0',
  ]);
});

t.test('a request that repeats itself is a few indices', async (t) => {
  const encoder = new H2HeadEncoder(OPTIONS);
  const head = requestHead('GET', HeaderList.of('user-agent', 'test', 'x-own', 'value'));
  encoder.encodeRequest(head);
  encoder.encodeRequest(head);
  t.equal(encoder.length, 6);
});

t.test('a path with a query is not for the table', async (t) => {
  const encoder = new H2HeadEncoder(OPTIONS);
  const head = requestHead('GET', HeaderList.empty(), { ...TARGET, path: '/p?q=1' });
  encoder.encodeRequest(head);
  encoder.encodeRequest(head);
  // Method, scheme and authority are indices; the path is spelt out again.
  t.same(encoder.buffer.subarray(0, 3), hex('82 87 04'));
  t.equal(encoder.buffer[encoder.length - 1], 0xbe);
});

t.test('follows the table size that the peer sets', async (t) => {
  const encoder = new H2HeadEncoder(OPTIONS);
  encoder.setMaxTableSize(0);
  encoder.encodeResponse(new ResponseHead(200, HeaderList.empty()));
  t.same(encoder.buffer.subarray(0, encoder.length), hex('20 88'));
});

/** A head that mostly repeats the ones before it. */
function repetitiveHeaders(pick: (count: number) => number): HeaderList {
  const headers = HeaderList.empty();
  for (const name of ['accept', 'x-a', 'via', 'x-b', 'te', 'x-c', 'user-agent', 'x-d', 'etag']) {
    const value = name === 'te' ? 'trailers' : `${name} ${pick(12) === 0 ? pick(3) : 'v'}`;
    if (pick(10) !== 0) headers.add(name, value);
  }
  return headers;
}

/** What a proxy does to a head on its way. */
function change(headers: HeaderList, pick: (count: number) => number): void {
  for (const name of ['x-a', 'te', 'user-agent', 'x-d']) if (pick(6) === 0) headers.remove(name);
  if (pick(20) === 0) headers.add('x-late', `${pick(5)}`);
}

t.test('what repeats from head to head is written from memory, and is the same', async (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const pick = (count: number): number => randomBelow(random, count);
  const first = new H2HeadEncoder(OPTIONS);
  const between = new H2HeadDecoder(OPTIONS, 'server');
  const second = new H2HeadEncoder(OPTIONS);
  const recorder = new FieldRecorder();
  const limits = { maxOctets: 1e6, maxCount: 1000, tableSize: 4096 };
  const last = new HpackDecoder(limits, recorder);
  for (let run = 0; run < 3000; run += 1) {
    first.encodeRequest(requestHead('GET', repetitiveHeaders(pick)));
    between.decode(first.buffer, 0, first.length);
    const head = between.takeRequest() as RequestHead;
    change(head.headers, pick);
    if (pick(200) === 0) second.setMaxTableSize(pick(4096));
    second.encodeRequest(head);
    const error = last.decode(second.buffer, 0, second.length);
    const lines = recorder.take().slice(4);
    const found = lines.map((line) => `${line}\r\n`).join('');
    if (error === null && found === head.headers.toFieldLines()) continue;
    t.fail(`seed ${seed}, head ${run}: ${error?.reason} ${found}`);
    return;
  }
});

t.test('a run of lines in a browser’s head costs an octet each, wherever it stands', async (t) => {
  const lines = ['accept', 'x-a', 'via', 'x-b', 'user-agent'];
  const text = lines.map((name) => `${name}: value\r\n`).join('');
  const decode = (path: string): RequestHead => {
    const head = `GET ${path} HTTP/1.1\r\nhost: h.test\r\n${text}\r\n`;
    const decoder = new RequestDecoder(DEFAULT_H1_SERVER_OPTIONS);
    const bytes = Buffer.from(head, 'latin1');
    decoder.read(bytes, 0, bytes.length);
    return decoder.take() as RequestHead;
  };
  const encoder = new H2HeadEncoder(OPTIONS);
  const written = ['/', '/', '/', '/index.html', '/'].map((path) => {
    encoder.encodeRequest(decode(path));
    return encoder.buffer.toString('hex', 0, encoder.length);
  });
  t.equal(written[2], written[1]);
  t.equal(written[3], written[1]?.replace('8684', '8685'));
  t.equal(written[4], written[1]);
  t.equal(written[1]?.length, 2 * (4 + lines.length));
});
