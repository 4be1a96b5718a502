import t from 'tap';
import type { ClientCodecHandler } from '../../../proxy/http/codec.ts';
import { H1ClientCodec } from '../../../proxy/http/h1/client-codec.ts';
import { DEFAULT_H1_CLIENT_OPTIONS, type H1ClientOptions } from '../../../proxy/http/h1/options.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { RequestHead } from '../../../proxy/http/message.ts';
import type { RequestSender, ResponseReceiver } from '../../../proxy/http/stream.ts';
import { ToldEvents } from '../../support/told-events.ts';

/** A connection whose test asks by hand. */
class Manual extends ToldEvents implements ClientCodecHandler, ResponseReceiver {
  readonly codec: H1ClientCodec;
  sender: RequestSender;

  constructor(options: Partial<H1ClientOptions> = {}) {
    super();
    this.codec = new H1ClientCodec({ ...DEFAULT_H1_CLIENT_OPTIONS, ...options }, this.sink, this);
    this.sender = this.codec.openStream(this);
  }

  request(method: string, pairs: readonly string[], endStream: boolean, path = '/p?q'): this {
    const target = { path, authority: 'h.test:8', scheme: 'http' };
    const head = new RequestHead('HTTP/1.1', method, target, HeaderList.of(...pairs));
    this.sender.sendRequestHead(head, endStream);
    return this;
  }

  receive(text: string): this {
    const bytes = Buffer.from(text, 'latin1');
    this.codec.onBytes(bytes, 0, bytes.length);
    return this;
  }

  onResponseHead(): void {
    this.events.push('head');
  }

  onCapacityChanged(): void {}
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const START = 'POST /p?q HTTP/1.1\r\nhost: h.test:8\r\n';
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';

t.test('frames requests as Envoy does', async (t) => {
  for (const method of ['GET', 'HEAD', 'DELETE', 'TRACE']) {
    const wire = `${method} /p?q HTTP/1.1\r\nhost: h.test:8\r\na: b\r\n\r\n`;
    t.equal(new Manual().request(method, ['a', 'b'], true).sink.text, wire);
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'OPTIONS', 'BREW']) {
    const wire = `${method} /p?q HTTP/1.1\r\nhost: h.test:8\r\ncontent-length: 0\r\n\r\n`;
    t.equal(new Manual().request(method, [], true).sink.text, wire);
  }
  const sized = new Manual().request('POST', ['content-length', '2'], false);
  sized.sender.sendData(Buffer.from('ok'), true);
  t.equal(sized.sink.text, `${START}content-length: 2\r\n\r\nok`);
  const unsized = new Manual().request('POST', ['content-length', '2,2'], false);
  unsized.sender.sendData(Buffer.from('ok'), false);
  unsized.sender.sendData(Buffer.alloc(0), true);
  t.equal(unsized.sink.text, `${START}${CHUNKED}2\r\nok\r\n0\r\n\r\n`);
});

t.test('writes host, connection and transfer-encoding itself', async (t) => {
  const fields = ['host', 'evil', 'connection', 'x', 'transfer-encoding', 'gzip', 'a', 'b'];
  const run = new Manual().request('GET', fields, true);
  t.equal(run.sink.text, 'GET /p?q HTTP/1.1\r\nhost: h.test:8\r\na: b\r\n\r\n');
});

t.test('promises no content that does not follow', async (t) => {
  const run = new Manual().request('POST', ['content-length', '2'], true);
  t.equal(run.sink.text, `${START}content-length: 0\r\n\r\n`);
});

t.test('writes names in proper case on request', async (t) => {
  const head = new Manual({ headerKeyFormat: 'proper-case' }).request('POST', ['x-a', 'b'], false);
  t.equal(
    head.sink.text,
    'POST /p?q HTTP/1.1\r\nHost: h.test:8\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  const empty = new Manual({ headerKeyFormat: 'proper-case' }).request('POST', [], true);
  t.match(empty.sink.text, 'Content-Length: 0\r\n');
});

t.test('lets nothing into the request line that would add to it', async (t) => {
  const run = new Manual().request('GET', [], true, '/a b\r\nX: \u010a#é\0');
  t.equal(
    run.sink.text,
    'GET /a%20b%0D%0AX:%20%C4%8A%23%C3%A9%00 HTTP/1.1\r\nhost: h.test:8\r\n\r\n',
  );
  t.match(new Manual().request('GET', [], true, '').sink.text, /^GET \/ HTTP/);
  const evil = new Manual();
  const target = { path: '/', authority: 'a\r\nb: c', scheme: 'http' };
  evil.sender.sendRequestHead(new RequestHead('HTTP/1.1', 'GET', target, HeaderList.empty()), true);
  t.equal(evil.sink.text, 'GET / HTTP/1.1\r\nhost: \r\n\r\n');
});

t.test('sends trailers only where they are enabled', async (t) => {
  for (const enableTrailers of [false, true]) {
    const run = new Manual({ enableTrailers }).request('POST', [], false);
    run.sender.sendTrailers(HeaderList.of('a', 'b'));
    t.equal(run.sink.text, `${START}${CHUNKED}0\r\n${enableTrailers ? 'a: b\r\n' : ''}\r\n`);
  }
});

t.test('is free for the next stream when both messages are complete', async (t) => {
  const run = new Manual();
  t.equal(run.codec.availableStreams, 0);
  t.equal(run.codec.activeStreams, 1);
  run.request('GET', [], true).receive(OK);
  t.same(run.events, ['head', 'data ok end', 'closed']);
  t.equal(run.codec.availableStreams, 1);
  t.equal(run.codec.activeStreams, 0);
  run.sender = run.codec.openStream(run);
  run.request('GET', [], true).receive(OK);
  t.same(run.events.slice(3), ['head', 'data ok end', 'closed']);
});

t.test('a finished stream writes nothing', async (t) => {
  const run = new Manual().request('POST', [], false).receive(OK);
  t.same(run.events, ['head', 'data ok end', 'closed', 'done reset']);
  t.equal(run.codec.availableStreams, 0, 'the connection is spent');
  const { text } = run.sink;
  run.sender.sendData(Buffer.from('late'), true);
  run.sender.sendTrailers(HeaderList.empty());
  run.sender.reset('local-reset');
  run.sender.pauseReading();
  run.request('GET', [], true);
  t.equal(run.sink.text, text);
  t.equal(run.sink.isPaused, false);
});

t.test('a complete request takes no more content', async (t) => {
  const run = new Manual().request('POST', [], true);
  const { text } = run.sink;
  run.sender.sendData(Buffer.from('late'), true);
  run.sender.sendTrailers(HeaderList.empty());
  t.equal(run.sink.text, text);
});

t.test('a request that contradicts its length is given up', async (t) => {
  for (const body of ['a', 'abc']) {
    const run = new Manual().request('POST', ['content-length', '2'], false);
    run.sender.sendData(Buffer.from(body), true);
    t.same(run.events, ['reset local-reset', 'closed', 'done reset'], body);
    t.equal(run.codec.availableStreams, 0);
  }
});

t.test('a reset ends the connection', async (t) => {
  const run = new Manual().request('GET', [], true);
  run.sender.reset('local-reset');
  run.receive(OK);
  t.same(run.events, ['closed', 'done reset']);
  t.equal(run.codec.availableStreams, 0);
});

t.test('bytes before the request was sent answer nothing', async (t) => {
  const run = new Manual().receive(OK);
  t.same(run.events, ['reset protocol-error', 'closed', 'done protocol-error']);
});

t.test('pauses and resumes the reader for a stream, and forgets the pause with it', async (t) => {
  const run = new Manual().request('GET', [], true);
  run.sender.pauseReading();
  t.equal(run.sink.isPaused, true);
  run.sender.resumeReading();
  t.equal(run.sink.isPaused, false);
  run.sender.pauseReading();
  run.receive(OK);
  t.equal(run.sink.isPaused, false);
});

t.test('tells a slow upstream’s stream to wait, and when to go on', async (t) => {
  const run = new Manual().request('POST', [], false);
  t.equal(run.sender.sendData(Buffer.from('a'), false), true);
  run.codec.onDrain();
  run.sink.isFull = true;
  t.equal(run.sender.sendData(Buffer.from('a'), false), false);
  run.codec.onDrain();
  run.codec.onDrain();
  t.same(run.events, ['writable']);
});

t.test('says once that an idle connection ended', async (t) => {
  const run = new Manual().request('GET', [], true).receive(OK);
  run.codec.onEnd();
  run.codec.onEnd();
  run.receive(OK);
  run.codec.onClose('');
  t.same(run.events.slice(3), ['done peer-closed']);
  t.equal(run.codec.availableStreams, 0);
});

t.test('counts the octets of an exchange on the wire', async (t) => {
  const run = new Manual().request('POST', [], false);
  run.sender.sendData(Buffer.from('ok'), true);
  run.receive(OK);
  t.equal(run.sender.wireBytesSent, run.sink.text.length);
  t.equal(run.sender.wireBytesReceived, OK.length);
});
