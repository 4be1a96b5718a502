import t, { type Test } from 'tap';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../../proxy/http/h2/options.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../../proxy/http/message.ts';
import type { RequestSender, ResponseReceiver } from '../../../proxy/http/stream.ts';
import { H2Pair } from '../../support/h2-pair.ts';
import { WireRequest } from '../../support/h2-server-wire.ts';

class Client implements ResponseReceiver {
  head: ResponseHead | null = null;
  body = '';
  isComplete = false;
  reset = '';

  onInformational(): void {}
  onResponseHead(head: ResponseHead, endStream: boolean): void {
    this.head = head;
    this.isComplete = endStream;
  }
  onData(data: Buffer, endStream: boolean): void {
    this.body += data.toString('latin1');
    this.isComplete = endStream;
  }
  onTrailers(): void {}
  onReset(reason: string): void {
    this.reset = reason;
  }
  onWritable(): void {}
}

interface Tunnel {
  readonly pair: H2Pair;
  readonly client: Client;
  readonly request: RequestSender;
  readonly server: WireRequest;
}

/** A tunnel's request has arrived. */
function ask(t: Test, upgrade: string): Tunnel {
  const requests: WireRequest[] = [];
  const pair = new H2Pair({
    server: { protocol: { ...DEFAULT_H2_PROTOCOL_OPTIONS, allowConnect: true } },
    onStream: (sender) => {
      const request = new WireRequest(sender);
      requests.push(request);
      return request;
    },
  });
  const client = new Client();
  const request = pair.client.openStream(client);
  const method = upgrade === '' ? 'CONNECT' : 'GET';
  const target = { path: upgrade === '' ? '' : '/chat', authority: 'h.test:80', scheme: 'http' };
  const head = new RequestHead('HTTP/2', method, target, HeaderList.of('content-length', '3'));
  head.upgrade = upgrade;
  request.sendRequestHead(head, false);
  pair.run();
  const server = requests[0];
  if (server === undefined) throw new Error('no request arrived');
  t.equal(server.head?.method, method);
  t.equal(server.head?.upgrade, upgrade);
  t.equal(server.head?.headers.getByName('content-length'), null, 'a tunnel has no length');
  return { pair, client, request, server };
}

function agree({ pair, server }: Tunnel, status: number): void {
  server.sender.sendResponseHead(new ResponseHead(status, HeaderList.empty()), false);
  pair.run();
}

for (const [upgrade, status] of [
  ['websocket', 101],
  ['', 200],
] as const) {
  const name = upgrade === '' ? 'CONNECT' : 'an extended CONNECT';

  t.test(`${name} carries octets both ways until both sides ended`, (t) => {
    const tunnel = ask(t, upgrade);
    const { pair, client, request, server } = tunnel;
    agree(tunnel, status);
    t.equal(client.head?.status, status);
    t.equal(client.head?.headers.getByName('upgrade'), upgrade === '' ? null : upgrade);
    request.sendData(Buffer.from('ping'), false);
    server.sender.sendData(Buffer.from('pong'), false);
    pair.run();
    t.same([server.body, client.body], ['ping', 'pong']);
    request.sendData(Buffer.from('!'), true);
    pair.run();
    t.ok(server.isComplete);
    t.same([pair.clientClosed, pair.serverClosed], [0, 0], 'the other side goes on');
    server.sender.sendData(Buffer.from('?'), true);
    pair.run();
    t.same([server.body, client.body], ['ping!', 'pong?']);
    t.same([pair.clientClosed, pair.serverClosed, server.closed], [1, 1, 1]);
    pair.assertNothingLeft();
    t.end();
  });

  t.test(`${name} whose server ends first`, (t) => {
    const tunnel = ask(t, upgrade);
    const { pair, client, request, server } = tunnel;
    agree(tunnel, status);
    server.sender.sendData(Buffer.from('bye'), true);
    pair.run();
    t.ok(client.isComplete);
    t.same([pair.clientClosed, pair.serverClosed], [0, 0]);
    request.sendData(Buffer.from('late'), true);
    pair.run();
    t.equal(server.body, 'late');
    t.same([pair.clientClosed, pair.serverClosed], [1, 1]);
    pair.assertNothingLeft();
    t.end();
  });

  t.test(`${name} that is refused ends with its answer`, (t) => {
    const tunnel = ask(t, upgrade);
    const { pair, client, server } = tunnel;
    server.sender.sendResponseHead(new ResponseHead(403, HeaderList.empty()), false);
    server.sender.sendData(Buffer.from('no'), true);
    pair.run();
    t.equal(client.head?.status, 403);
    t.equal(client.body, 'no');
    t.equal(client.reset, '');
    t.same([pair.clientClosed, pair.serverClosed], [1, 1]);
    pair.assertNothingLeft();
    t.end();
  });
}
