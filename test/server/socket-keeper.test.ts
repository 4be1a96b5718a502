import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { SocketKeeper, socketKey } from '../../proxy/server/socket-keeper.ts';

interface Named {
  getsockname(out: object): number;
}

function portOf(opened: ReturnType<SocketKeeper['open']>): number {
  if ('error' in opened || opened.handle === null) throw new Error(JSON.stringify(opened));
  const name = { port: 0 };
  (opened.handle as unknown as Named).getsockname(name);
  return name.port;
}

t.test('gives the same socket for the same question, and port 0 per owner', async (t) => {
  const keeper = new SocketKeeper();
  const first = portOf(keeper.open('a', '127.0.0.1', 0));
  t.equal(portOf(keeper.open('a', '127.0.0.1', 0)), first);
  t.not(portOf(keeper.open('b', '127.0.0.1', 0)), first);
  keeper.close();
  t.match(keeper.open('a', '127.0.0.1', 0), { error: 'the process is ending' });
});

t.test('says when an address is in use instead of giving an unbound socket', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const keeper = new SocketKeeper();
  t.same(keeper.open('a', '127.0.0.1', port), { error: 'Address already in use' });
  server.close();
});

t.test('any address of IPv6 leaves IPv4 to others', async (t) => {
  const keeper = new SocketKeeper();
  const port = portOf(keeper.open('a', '0.0.0.0', 0));
  t.equal(portOf(keeper.open('a', '::', port)), port);
  keeper.close();
});

t.test('lets go of sockets that nobody needs any more', async (t) => {
  const keeper = new SocketKeeper();
  const kept = portOf(keeper.open('a', '127.0.0.1', 0));
  const dropped = portOf(keeper.open('b', '127.0.0.1', 0));
  keeper.retain(new Set([socketKey('a', '127.0.0.1', 0)]));
  t.equal(portOf(keeper.open('a', '127.0.0.1', 0)), kept);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(dropped, '127.0.0.1', resolve));
  server.close();
  keeper.close();
});

t.test('shares a fixed port between a listener and its new name', async (t) => {
  t.equal(socketKey('old', '::', 80), socketKey('new', '::', 80));
});
