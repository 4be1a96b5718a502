import t from 'tap';
import type { ServerCodecHandler } from '../../../proxy/http/codec.ts';
import { MAX_HELD_BYTES } from '../../../proxy/http/h1/held-bytes.ts';
import { DEFAULT_H1_SERVER_OPTIONS, type H1ServerOptions } from '../../../proxy/http/h1/options.ts';
import { H1ServerCodec } from '../../../proxy/http/h1/server-codec.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { ResponseHead } from '../../../proxy/http/message.ts';
import type { RequestReceiver, ResponseSender } from '../../../proxy/http/stream.ts';
import { ToldEvents } from '../../support/told-events.ts';

/** A connection whose test answers by hand. */
class Manual extends ToldEvents implements ServerCodecHandler, RequestReceiver {
  readonly senders: ResponseSender[] = [];
  /** How many requests had begun at each request's last call. */
  readonly closedAt: number[] = [];
  readonly codec: H1ServerCodec;

  constructor(options: Partial<H1ServerOptions> = {}) {
    super();
    this.codec = new H1ServerCodec({ ...DEFAULT_H1_SERVER_OPTIONS, ...options }, this.sink, this);
  }

  get sender(): ResponseSender {
    return this.senders.at(-1) as ResponseSender;
  }

  receive(text: string): this {
    const bytes = Buffer.from(text, 'latin1');
    this.codec.onBytes(bytes, 0, bytes.length);
    return this;
  }

  respond(status: number, pairs: readonly string[], endStream: boolean): this {
    this.sender.sendResponseHead(new ResponseHead(status, HeaderList.of(...pairs)), endStream);
    return this;
  }

  onStream(sender: ResponseSender): RequestReceiver {
    this.senders.push(sender);
    return this;
  }

  onRequestHead(): void {
    this.events.push('head');
  }

  onProtocolError(): void {
    this.events.push('error');
  }

  onClosed(): void {
    this.closedAt.push(this.senders.length);
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const HEAD = 'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n';
const GET_10 = 'GET / HTTP/1.0\r\nHost: h\r\n\r\n';
const GET_10_KEPT = 'GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n';
const LENGTH_2 = ['content-length', '2'];
const CODED = ['transfer-encoding', 'gzip', 'connection', 'x'];

interface FramingCase {
  readonly name: string;
  readonly request?: string;
  readonly status?: number;
  readonly fields?: readonly string[];
  /** Null: the head ends the response. */
  readonly body: string | null;
  readonly wire: string;
  readonly done?: string;
}

const FRAMING: readonly FramingCase[] = [
  {
    name: 'keeps content-length',
    fields: LENGTH_2,
    body: 'ok',
    wire: '200 OK\r\ncontent-length: 2\r\n\r\nok',
  },
  {
    name: 'sends chunks when the length is unknown',
    body: 'ok',
    wire: '200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  },
  {
    name: 'sends chunks for content of unknown length that turns out empty',
    body: '',
    wire: '200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  },
  {
    name: 'says content-length: 0 when nothing follows the head',
    body: null,
    wire: '200 OK\r\ncontent-length: 0\r\n\r\n',
  },
  {
    name: 'writes framing and connection fields itself',
    fields: CODED,
    body: null,
    wire: '200 OK\r\ncontent-length: 0\r\n\r\n',
  },
  {
    name: 'replaces a content-length that promises what does not follow',
    fields: LENGTH_2,
    body: null,
    wire: '200 OK\r\ncontent-length: 0\r\n\r\n',
  },
  {
    name: 'replaces an invalid content-length by chunks',
    fields: ['content-length', 'x'],
    body: 'ok',
    wire: '200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  },
  {
    name: 'replaces a repeated content-length by chunks',
    fields: [...LENGTH_2, ...LENGTH_2],
    body: 'ok',
    wire: '200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  },
  {
    name: 'keeps the content-length of a HEAD response and sends no content',
    request: HEAD,
    fields: LENGTH_2,
    body: 'ok',
    wire: '200 OK\r\ncontent-length: 2\r\n\r\n',
  },
  {
    name: 'says chunked to HEAD without a length',
    request: HEAD,
    body: null,
    wire: '200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
  },
  { name: 'frames no 204', status: 204, body: null, wire: '204 No Content\r\n\r\n' },
  {
    name: 'sends neither length nor content with 204',
    status: 204,
    fields: LENGTH_2,
    body: 'ok',
    wire: '204 No Content\r\n\r\n',
  },
  { name: 'frames no 304', status: 304, body: null, wire: '304 Not Modified\r\n\r\n' },
  {
    name: 'keeps the content-length of a 304',
    status: 304,
    fields: LENGTH_2,
    body: null,
    wire: '304 Not Modified\r\ncontent-length: 2\r\n\r\n',
  },
  {
    name: 'names an unknown status',
    status: 299,
    body: null,
    wire: '299 Unknown\r\ncontent-length: 0\r\n\r\n',
  },
  {
    name: 'ends a message to HTTP/1.0 with the connection when the length is unknown',
    request: GET_10_KEPT,
    body: 'ok',
    wire: '200 OK\r\nconnection: close\r\n\r\nok',
    done: 'done message-end',
  },
  {
    name: 'keeps a 1.0 connection that asks for it when the length is known',
    request: GET_10_KEPT,
    fields: LENGTH_2,
    body: 'ok',
    wire: '200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok',
  },
  {
    name: 'closes a 1.0 connection that does not ask',
    request: GET_10,
    fields: LENGTH_2,
    body: 'ok',
    wire: '200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok',
    done: 'done message-end',
  },
  {
    name: 'cuts content that overruns its length, and the connection',
    fields: LENGTH_2,
    body: 'okHTTP/1.1 200 OK',
    wire: '200 OK\r\ncontent-length: 2\r\n\r\nok',
    done: 'done reset',
  },
  {
    name: 'cuts the connection when content falls short of its length',
    fields: LENGTH_2,
    body: 'o',
    wire: '200 OK\r\ncontent-length: 2\r\n\r\no',
    done: 'done reset',
  },
  {
    name: 'says close when the client is still sending',
    request: POST,
    fields: LENGTH_2,
    body: 'ok',
    wire: '200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok',
    done: 'done message-end',
  },
];

t.test('frames responses as Envoy does', async (t) => {
  for (const one of FRAMING) {
    const run = new Manual({ acceptHttp10: true });
    run.receive(one.request ?? GET);
    run.respond(one.status ?? 200, one.fields ?? [], one.body === null);
    if (one.body !== null) run.sender.sendData(Buffer.from(one.body), true);
    const version = (one.request ?? '').includes('HTTP/1.0') ? '1.0' : '1.1';
    t.equal(run.sink.text, `HTTP/${version} ${one.wire}`, one.name);
    t.same(run.events, ['head', 'closed', ...(one.done === undefined ? [] : [one.done])], one.name);
  }
});

t.test('writes names in proper case on request', async (t) => {
  const run = new Manual({ headerKeyFormat: 'proper-case', acceptHttp10: true });
  run.receive(GET).respond(200, ['x-request-id', 'a', 'www-authenticate', 'b'], true);
  run.receive(GET).respond(200, [], false);
  run.sender.sendData(Buffer.from('x'), true);
  run.receive(GET_10).respond(200, LENGTH_2, false);
  run.sender.sendData(Buffer.from('ok'), true);
  t.equal(
    run.sink.text,
    'HTTP/1.1 200 OK\r\nX-Request-Id: a\r\nWww-Authenticate: b\r\nContent-Length: 0\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n' +
      'HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
  );
});

t.test('sends large chunks unjoined and in full', async (t) => {
  const run = new Manual();
  run.receive(GET).respond(200, [], false);
  run.sender.sendData(Buffer.alloc(5000, 'a'), false);
  run.sender.sendData(Buffer.alloc(3000, 'b'), true);
  const body = `1388\r\n${'a'.repeat(5000)}\r\nbb8\r\n${'b'.repeat(3000)}\r\n0\r\n\r\n`;
  t.ok(run.sink.text.endsWith(`chunked\r\n\r\n${body}`));
});

t.test('writes a head and a small chunked body in two pieces', async (t) => {
  const run = new Manual();
  run.receive(GET).respond(200, [], false);
  run.sender.sendData(Buffer.from('hello'), true);
  t.equal(run.sink.writes, 2);
});

t.test('sends trailers only where they are enabled', async (t) => {
  for (const enableTrailers of [false, true]) {
    const run = new Manual({ enableTrailers });
    run.receive(GET).respond(200, [], false);
    run.sender.sendTrailers(HeaderList.of('a', 'b'));
    t.ok(run.sink.text.endsWith(enableTrailers ? '0\r\na: b\r\n\r\n' : '\r\n\r\n0\r\n\r\n'));
    t.same(run.events, ['head', 'closed']);
  }
});

t.test('sends 1xx heads without framing, and none to HTTP/1.0', async (t) => {
  const run = new Manual({ acceptHttp10: true });
  run.receive(GET);
  run.sender.sendInformational(new ResponseHead(103, HeaderList.of('link', 'x', ...LENGTH_2)));
  t.equal(run.sink.text, 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n');
  const old = new Manual({ acceptHttp10: true });
  old.receive(GET_10);
  old.sender.sendInformational(new ResponseHead(103, HeaderList.empty()));
  t.equal(old.sink.text, '');
});

t.test('says close and ends the connection behind a response on request', async (t) => {
  const run = new Manual();
  run.receive(GET);
  run.sender.closeAfterResponse();
  run.respond(200, [], true);
  t.match(run.sink.text, 'connection: close\r\n');
  t.same(run.events, ['head', 'closed', 'done message-end']);
});

t.test('drains: at once when idle, else behind the response', async (t) => {
  const idle = new Manual();
  idle.codec.drain();
  t.same(idle.events, ['done message-end']);
  idle.receive(GET);
  t.same(idle.events, ['done message-end'], 'nothing is parsed any more');

  const busy = new Manual();
  busy.receive(GET + GET);
  busy.codec.drain();
  busy.respond(200, [], true);
  t.match(busy.sink.text, 'connection: close\r\n');
  t.same(busy.events, ['head', 'closed', 'done message-end']);
});

t.test('holds pipelined bytes back and the reader with them', async (t) => {
  const run = new Manual();
  run.receive(GET + POST);
  t.equal(run.sink.isPaused, true);
  run.receive('abc');
  t.same(run.events, ['head']);
  run.respond(200, [], true);
  t.same(run.events, ['head', 'closed', 'head', 'data abc end']);
  t.equal(run.sink.isPaused, false);
  run.respond(200, [], true);
  t.equal(run.codec.activeStreams, 0);
});

t.test('is done with a request before it begins with the next', async (t) => {
  const run = new Manual();
  run.receive(GET + GET + GET);
  for (let count = 1; count <= 3; count += 1) run.respond(200, [], true);
  t.same(run.closedAt, [1, 2, 3]);
  run.receive(GET);
  run.codec.onClose('gone');
  t.same(run.closedAt, [1, 2, 3], 'a reset is the last call itself');
});

t.test('does not hold bytes without a bound', async (t) => {
  const run = new Manual();
  run.receive(GET);
  run.receive('x'.repeat(MAX_HELD_BYTES));
  run.receive('x');
  run.respond(200, [], true);
  t.same(run.events, ['head', 'closed', 'done protocol-error']);
});

t.test('pauses and resumes the reader for a stream, and forgets the pause with it', async (t) => {
  const run = new Manual();
  run.receive(POST);
  const first = run.sender;
  first.pauseReading();
  first.pauseReading();
  t.equal(run.sink.isPaused, true);
  first.resumeReading();
  t.equal(run.sink.isPaused, false);
  first.pauseReading();
  run.receive('abc').respond(200, [], true);
  t.equal(run.sink.isPaused, false);
  first.pauseReading();
  t.equal(run.sink.isPaused, false, 'a finished stream has no say');
});

t.test('tells a slow client’s stream to wait, and when to go on', async (t) => {
  const run = new Manual();
  run.receive(GET).respond(200, [], false);
  t.equal(run.sender.sendData(Buffer.from('a'), false), true);
  run.codec.onDrain();
  t.same(run.events, ['head'], 'nobody was told to wait');
  run.sink.isFull = true;
  t.equal(run.sender.sendData(Buffer.from('b'), false), false);
  run.codec.onDrain();
  run.codec.onDrain();
  t.same(run.events, ['head', 'writable']);
});

t.test('a reset ends the connection without ending the message', async (t) => {
  const run = new Manual();
  run.receive(GET).respond(200, [], false);
  run.sender.reset('local-reset');
  t.same(run.events, ['head', 'closed', 'done reset']);
  const { text } = run.sink;
  run.sender.sendData(Buffer.from('late'), true);
  run.sender.sendTrailers(HeaderList.empty());
  run.sender.reset('local-reset');
  run.respond(200, [], true);
  t.equal(run.sink.text, text, 'a finished stream writes nothing');
  t.equal(run.events.length, 3);
});

t.test('an early answer ends the connection however the request goes on', async (t) => {
  const run = new Manual();
  run.receive(POST).respond(200, LENGTH_2, false);
  run.receive('abc');
  run.sender.sendData(Buffer.from('ok'), true);
  t.same(run.events, ['head', 'data abc end', 'closed', 'done message-end']);
});

t.test('reads on when a paused exchange ends inside the read that it came in', async (t) => {
  const run = new Manual();
  run.onData = (_data, endStream) => {
    run.sender.pauseReading();
    if (endStream) run.respond(200, ['content-length', '0'], true);
  };
  run.receive(`${POST}abc`);
  t.same(run.events, ['head', 'closed']);
  t.equal(run.sink.isPaused, false, 'the next request can arrive');
});

t.test('an error inside a request that is being answered still lets the answer end', async (t) => {
  const run = new Manual();
  run.receive('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n');
  run.respond(200, [], false);
  run.receive(`zz\r\n${GET}`);
  run.sender.sendData(Buffer.from('ok'), true);
  t.same(run.events, ['head', 'error', 'closed', 'done protocol-error']);
});

t.test('a closed connection resets its stream, once', async (t) => {
  const run = new Manual();
  run.receive(GET);
  run.codec.onClose('gone');
  run.codec.onClose('gone');
  run.codec.onEnd();
  t.same(run.events, ['head', 'reset connection-termination', 'closed']);
});

t.test('counts fields dropped for an underscore', async (t) => {
  const run = new Manual({ headersWithUnderscores: 'drop' });
  run.receive('GET / HTTP/1.1\r\nHost: h\r\na_b: c\r\nd_e: f\r\n\r\n');
  t.equal(run.codec.droppedHeadersWithUnderscores, 2);
});

t.test('counts the octets of an exchange on the wire', async (t) => {
  const run = new Manual();
  run.receive(POST);
  run.receive(`abc${GET}`);
  const first = run.sender;
  run.respond(200, [], false);
  run.sender.sendData(Buffer.from('ok'), true);
  t.equal(first.wireBytesReceived, POST.length + 3);
  t.equal(first.wireBytesSent, run.sink.text.length);
  t.equal(run.sender.wireBytesReceived, GET.length);
  t.equal(run.sender.wireBytesSent, 0);
});

t.test('counts the octets of fields, trailers included', async (t) => {
  const run = new Manual({ enableTrailers: true });
  run.receive(
    'POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding:  chunked\r\n\r\n0\r\na: bc\r\n\r\n',
  );
  t.equal(run.sender.headerBytesReceived, 'host'.length + 'h'.length + 3 + 17 + 7 + 3 + 1 + 2 + 3);
  run.respond(200, ['x', 'y'], false);
  run.sender.sendTrailers(HeaderList.of('t', 'u'));
  t.equal(
    run.sender.headerBytesSent,
    'x: y\r\n'.length + 'transfer-encoding: chunked\r\n'.length + 't: u\r\n'.length,
  );
});
