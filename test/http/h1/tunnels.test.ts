// Tunnels through both HTTP/1.1 codecs: what leaves, what is held back, and how the sides end.
import t from 'tap';
import { INVARIANTS } from '../../../proxy/base/invariants.ts';
import type { ClientCodecHandler, ServerCodecHandler } from '../../../proxy/http/codec.ts';
import { H1ClientCodec } from '../../../proxy/http/h1/client-codec.ts';
import {
  DEFAULT_H1_CLIENT_OPTIONS,
  DEFAULT_H1_SERVER_OPTIONS,
} from '../../../proxy/http/h1/options.ts';
import { H1ServerCodec } from '../../../proxy/http/h1/server-codec.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { type Protocol, RequestHead, ResponseHead } from '../../../proxy/http/message.ts';
import type {
  RequestReceiver,
  RequestSender,
  ResponseReceiver,
  ResponseSender,
} from '../../../proxy/http/stream.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { ToldEvents } from '../../support/told-events.ts';
import { acceptKey } from '../../support/websocket.ts';

class Server extends ToldEvents implements ServerCodecHandler, RequestReceiver {
  readonly codec = new H1ServerCodec(DEFAULT_H1_SERVER_OPTIONS, this.sink, this);
  sender: ResponseSender | null = null;

  receive(text: string): this {
    const bytes = Buffer.from(text, 'latin1');
    this.codec.onBytes(bytes, 0, bytes.length);
    return this;
  }

  answer(status: number, pairs: readonly string[] = [], endStream = false): this {
    this.sender?.sendResponseHead(new ResponseHead(status, HeaderList.of(...pairs)), endStream);
    return this;
  }

  send(text: string, endStream = false): boolean {
    return this.sender?.sendData(Buffer.from(text), endStream) ?? false;
  }

  onStream(sender: ResponseSender): RequestReceiver {
    this.sender = sender;
    return this;
  }

  onRequestHead(head: RequestHead, endStream: boolean): void {
    this.events.push(`head ${head.method} ${head.upgrade}${endStream ? ' end' : ''}`);
  }

  onProtocolError(): void {
    this.events.push('error');
  }

  onClosed(): void {
    this.events.push('over');
  }
}

const CLIENT_OPTIONS = { ...DEFAULT_H1_CLIENT_OPTIONS, random: seededRandom(1) };

class Client extends ToldEvents implements ClientCodecHandler, ResponseReceiver {
  readonly codec = new H1ClientCodec(CLIENT_OPTIONS, this.sink, this);
  readonly sender: RequestSender = this.codec.openStream(this);

  request(
    method: string,
    upgrade: string,
    pairs: readonly string[],
    protocol: Protocol = 'HTTP/1.1',
  ): this {
    const target = { path: method === 'CONNECT' ? '' : '/p', authority: 'h:1', scheme: 'http' };
    const head = new RequestHead(protocol, method, target, HeaderList.of(...pairs));
    head.upgrade = upgrade;
    this.sender.sendRequestHead(head, false);
    return this;
  }

  receive(text: string): this {
    const bytes = Buffer.from(text, 'latin1');
    this.codec.onBytes(bytes, 0, bytes.length);
    return this;
  }

  send(text: string, endStream = false): boolean {
    return this.sender.sendData(Buffer.from(text), endStream);
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    if (head.headers.getByName('sec-websocket-accept') !== null) this.events.push('accept');
    this.events.push(`head ${head.status}${endStream ? ' end' : ''}`);
  }

  onCapacityChanged(): void {
    this.events.push('capacity');
  }
}

const UPGRADE = 'GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n\r\n';
const AGREEMENT = ['connection', 'upgrade', 'upgrade', 'websocket'];
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n';

function openServer(): Server {
  const server = new Server().receive(UPGRADE).answer(101, AGREEMENT);
  server.take();
  server.wire();
  return server;
}

function openClient(): Client {
  const client = new Client().request('GET', 'websocket', AGREEMENT).receive(SWITCHING);
  client.take();
  client.wire();
  return client;
}

t.test('a server’s agreement has no framing, and what follows is octets', async (t) => {
  const server = new Server().receive(UPGRADE);
  t.same(server.take(), ['head GET websocket']);
  server.answer(101, [...AGREEMENT, 'content-length', '5', 'a', 'b']);
  t.equal(
    server.wire(),
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\na: b\r\n\r\n',
  );
  server.send('abc');
  server.send('def');
  t.equal(server.wire(), 'abcdef');
});

t.test('a server’s agreement to CONNECT says nothing of the last hop', async (t) => {
  const server = new Server().receive('CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\n');
  server.answer(200, [...AGREEMENT, 'transfer-encoding', 'chunked', 'content-length', '5']);
  t.equal(server.wire(), 'HTTP/1.1 200 OK\r\n\r\n');
});

t.test('each side of a server’s tunnel ends on its own', async (t) => {
  const first = openServer();
  first.send('bye', true);
  t.ok(first.sink.isHalfClosed, 'FIN leaves');
  first.receive('late');
  t.same(first.take(), ['data late']);
  first.codec.onEnd();
  t.same(first.take(), ['data  end', 'closed', 'over', 'done message-end']);

  const second = openServer();
  second.codec.onEnd();
  t.same(second.take(), ['data  end']);
  t.notOk(second.sink.isHalfClosed);
  second.send('late', true);
  t.equal(second.wire(), 'late');
  t.same(second.take(), ['closed', 'over', 'done message-end']);
});

t.test('nothing is sent behind the end of a server’s side', async (t) => {
  const server = openServer();
  server.send('', true);
  server.send('more');
  server.sender?.sendTrailers(HeaderList.of('a', 'b'));
  t.equal(server.wire(), '');
});

t.test('a tunnel’s client is held back and let go', async (t) => {
  const server = new Server().receive(UPGRADE);
  server.sender?.pauseReading();
  t.ok(server.sink.isPaused, 'also before the answer');
  server.answer(101, AGREEMENT).sender?.resumeReading();
  t.notOk(server.sink.isPaused);
  server.sink.isFull = true;
  t.notOk(server.send('abc'), 'and it holds us back');
  server.codec.onDrain();
  t.same(server.take(), ['head GET websocket', 'writable']);
});

t.test('a tunnel that one side resets is reset', async (t) => {
  const server = openServer();
  server.sender?.reset('local-reset');
  t.same(server.take(), ['closed', 'over', 'done reset']);
  const cut = openServer();
  cut.codec.onClose('reset by peer');
  t.same(cut.take(), ['reset connection-termination', 'closed']);
});

t.test('what a client sends behind an answer in HTTP is dropped', async (t) => {
  const server = new Server().receive(UPGRADE).answer(403, ['content-length', '4']);
  server.receive(`ab${UPGRADE}`);
  server.send('abcd', true);
  t.equal(
    server.wire(),
    'HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\nconnection: close\r\n\r\nabcd',
  );
  t.same(server.take(), ['head GET websocket', 'closed', 'over', 'done message-end']);
});

t.test('a client asks for an upgrade without saying anything of content', async (t) => {
  const client = new Client().request('POST', 'websocket', AGREEMENT);
  t.equal(
    client.wire(),
    'POST /p HTTP/1.1\r\nhost: h:1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  );
});

t.test('a client’s CONNECT names the authority alone', async (t) => {
  const client = new Client().request('CONNECT', '', [...AGREEMENT, 'content-length', '0']);
  t.equal(client.wire(), 'CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\nupgrade: websocket\r\n\r\n');
});

t.test('nothing of a tunnel leaves before the server agrees', async (t) => {
  const client = new Client().request('GET', 'websocket', AGREEMENT);
  client.wire();
  if (INVARIANTS) t.throws(() => client.send('early'), /nothing of a tunnel leaves/);
  else client.send('early');
  t.equal(client.wire(), '');
});

t.test('each side of a client’s tunnel ends on its own', async (t) => {
  const first = openClient();
  first.send('bye', true);
  t.equal(first.wire(), 'bye');
  t.ok(first.sink.isHalfClosed, 'FIN leaves');
  first.receive('late');
  t.same(first.take(), ['data late']);
  first.codec.onEnd();
  t.same(first.take(), ['data  end', 'closed', 'done message-end']);

  const second = openClient();
  second.codec.onEnd();
  t.same(second.take(), ['data  end']);
  t.equal(second.codec.availableStreams, 0);
  second.send('late', true);
  t.equal(second.wire(), 'late');
  t.same(second.take(), ['closed', 'done message-end']);
});

t.test('a server that is slow holds a client’s tunnel back', async (t) => {
  const client = openClient();
  client.sink.isFull = true;
  t.notOk(client.send('abc'));
  client.codec.onDrain();
  client.sender.pauseReading();
  t.ok(client.sink.isPaused);
  client.sender.reset('local-reset');
  t.same(client.take(), ['writable', 'closed', 'done reset']);
});

t.test('a WebSocket from HTTP/2 gets the key that its server wants, which must fit', async (t) => {
  const open = (): readonly [Client, string] => {
    const client = new Client().request('GET', 'websocket', AGREEMENT, 'HTTP/2');
    const lines = client.wire().split('\r\n');
    t.ok(lines.includes('sec-websocket-version: 13'));
    const key = lines.find((line) => line.startsWith('sec-websocket-key: '))?.slice(19) ?? '';
    t.equal(Buffer.from(key, 'base64').length, 16);
    return [client, key];
  };
  const [client, key] = open();
  const accept = (text: string): string =>
    SWITCHING.replace('upgrade', `sec-websocket-accept: ${text}\r\nupgrade`);
  client.receive(accept(acceptKey(key)));
  t.same(client.take(), ['head 101']);
  const [deceived] = open();
  deceived.receive(accept(acceptKey('another')));
  t.same(deceived.take(), ['reset protocol-error', 'closed', 'done protocol-error']);
  const [ignored] = open();
  ignored.receive(SWITCHING);
  t.same(ignored.take(), ['reset protocol-error', 'closed', 'done protocol-error']);
});

t.test('a WebSocket that brings its key keeps it', async (t) => {
  const key = [...AGREEMENT, 'sec-websocket-key', 'abc'];
  const client = new Client().request('GET', 'websocket', key, 'HTTP/2');
  t.match(client.wire(), /\r\nsec-websocket-key: abc\r\n\r\n$/);
  const own = new Client().request('GET', 'websocket', AGREEMENT);
  t.notMatch(own.wire(), /sec-websocket-key/, 'and HTTP/1.1 is not helped');
});
