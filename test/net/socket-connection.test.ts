import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { usePublicSockets } from '../../proxy/net/accepted-socket.ts';
import { Acceptor } from '../../proxy/net/acceptor.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../proxy/net/connection.ts';
import { SocketConnector } from '../../proxy/net/connector.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { eventually } from '../support/eventually.ts';

const CLOCK = { nowMs: () => performance.now(), wallMs: () => Date.now() };

class Recorder implements ConnectionHandler {
  received = '';
  events: string[] = [];
  connection: Connection | null = null;

  onConnected(): void {
    this.events.push('connected');
  }

  onBytes(buffer: Buffer, length: number): void {
    this.received += buffer.toString('latin1', 0, length);
  }

  onEnd(): void {
    this.events.push('end');
  }

  onDrain(): void {
    this.events.push('drain');
  }

  onClose(reason: CloseReason, detail: string): void {
    this.events.push(`close ${reason} ${detail}`.trim());
  }
}

interface Accepted {
  readonly loop: EventLoop;
  readonly client: Socket;
  readonly server: Recorder;
  readonly connection: Connection;
}

async function accepted(t: Test, limit = 1024 * 1024): Promise<Accepted> {
  const loop = new EventLoop(CLOCK);
  const server = new Recorder();
  const acceptor = new Acceptor(
    loop,
    {
      address: socketAddress('127.0.0.1', 0),
      backlog: null,
      bufferLimitBytes: limit,
      keepalive: null,
      isTransparent: false,
    },
    {
      mayAccept: () => true,
      onConnection: ({ connection, start }) => {
        server.connection = connection;
        connection.setHandler(server);
        start();
      },
      onAcceptError: () => undefined,
    },
  );
  const bound = await acceptor.listen();
  if ('error' in bound) throw new Error(bound.error);
  const client = dial({ host: '127.0.0.1', port: bound.address.port, allowHalfOpen: true });
  client.on('error', () => undefined);
  await once(client, 'connect');
  await eventually(() => server.connection !== null);
  t.teardown(() => {
    client.destroy();
    acceptor.close();
    loop.close();
  });
  return { loop, client, server, connection: server.connection as unknown as Connection };
}

for (const isPublic of [false, true]) {
  t.test(isPublic ? 'on documented sockets' : 'on swapped handles', async (t) => {
    const before = usePublicSockets(isPublic);
    t.teardown(() => usePublicSockets(before));

    t.test('bytes arrive, and output of one turn leaves in order', async (t) => {
      const { client, server, connection } = await accepted(t);
      client.write('hello');
      await eventually(() => server.received === 'hello');
      let answer = '';
      client.on('data', (data) => {
        answer += data.toString('latin1');
      });
      connection.writeText('head\r\n');
      connection.writeBytes(Buffer.from('small'));
      connection.writeBytes(Buffer.alloc(5000, 'L'));
      connection.writeText('tail');
      connection.writeBytes(Buffer.alloc(300_000, 'H'));
      connection.writeText('end');
      const wanted = `head\r\nsmall${'L'.repeat(5000)}tail${'H'.repeat(300_000)}end`;
      await eventually(() => answer.length >= wanted.length);
      t.equal(answer, wanted);
      t.equal(connection.bytesWritten, wanted.length);
    });

    t.test('written octets may be overwritten as soon as the call returns', async (t) => {
      const { client, connection } = await accepted(t);
      const chunks: Buffer[] = [];
      client.on('data', (data) => chunks.push(data));
      const buffer = Buffer.alloc(65_536);
      const wanted = Buffer.alloc(65_536 * 100);
      for (let index = 0; index < 100; index += 1) {
        buffer.fill(index);
        wanted.fill(index, index * 65_536, (index + 1) * 65_536);
        connection.writeBytes(buffer);
      }
      buffer.fill(255);
      await eventually(() => chunks.reduce((sum, chunk) => sum + chunk.length, 0) >= wanted.length);
      t.ok(Buffer.concat(chunks).equals(wanted));
    });

    t.test('a slow peer stops the writer at the limit and lets it go on later', async (t) => {
      const { client, server, connection } = await accepted(t, 100_000);
      client.pause();
      const block = Buffer.alloc(65_536);
      let written = 0;
      while (connection.isWritable()) {
        connection.writeBytes(block);
        written += block.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      t.ok(connection.bufferedBytes > 100_000);
      t.ok(connection.bufferedBytes < 100_000 + 3 * block.length, 'bounded');
      t.notOk(server.events.includes('drain'));
      client.on('data', () => undefined);
      client.resume();
      await eventually(() => server.events.includes('drain'));
      t.ok(connection.isWritable());
      t.ok(written > 0);
    });

    t.test('a paused reader reads nothing', async (t) => {
      const { client, server, connection } = await accepted(t);
      connection.pauseReading();
      client.write('x'.repeat(10));
      const probe = await accepted(t);
      probe.client.write('y');
      await eventually(() => probe.server.received === 'y');
      t.equal(server.received, '');
      connection.resumeReading();
      await eventually(() => server.received.length === 10);
    });

    t.test('the end of the peer is told, and our side may still answer', async (t) => {
      const { client, server, connection } = await accepted(t);
      let answer = '';
      client.on('data', (data) => {
        answer += data.toString();
      });
      client.end('last');
      await eventually(() => server.events.includes('end'));
      connection.writeText('answer');
      connection.close('flush');
      await eventually(() => server.events.some((event) => event.startsWith('close')));
      await eventually(() => answer === 'answer');
      t.same(server.events, ['end', 'close peer-closed']);
    });

    t.test('flush-and-delay gives up a peer that never closes', async (t) => {
      const { client, server, connection } = await accepted(t);
      let timedOut = false;
      connection.delayedCloseMs = 20;
      connection.onDelayedCloseTimeout = () => {
        timedOut = true;
      };
      client.resume();
      connection.writeText('bye');
      connection.close('flush-and-delay');
      await eventually(() => server.events.length === 1);
      t.ok(timedOut);
      t.same(server.events, ['close local-close']);
    });

    t.test('a delayed close waits as long as the peer takes what is left', async (t) => {
      const { client, server, connection } = await accepted(t);
      connection.delayedCloseMs = 60;
      const total = 16 * 1024 * 1024;
      let received = 0;
      client.on('readable', () => undefined);
      // Takes some of it each time it is asked, which lasts longer than the delay.
      const take = setInterval(() => {
        received += (client.read() as Buffer | null)?.length ?? 0;
      }, 5);
      t.teardown(() => clearInterval(take));
      const block = Buffer.alloc(65_536, 'b');
      for (let sent = 0; sent < total; sent += block.length) connection.writeBytes(block);
      connection.close('flush-and-delay');
      await eventually(() => received === total, 20_000);
      t.equal(received, total);
      client.end();
      await eventually(() => server.events.some((event) => event.startsWith('close')));
    });

    t.test('a reset by the peer is told as such', async (t) => {
      const { client, server } = await accepted(t);
      client.write('x');
      await eventually(() => server.received === 'x');
      client.resetAndDestroy();
      await eventually(() => server.events.length > 0);
      t.same(server.events, ['close peer-reset Connection reset by peer']);
    });
  });
}

t.test('a refused connection fails with the system text in Envoy words', async (t) => {
  const loop = new EventLoop(CLOCK);
  t.teardown(() => loop.close());
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  const recorder = new Recorder();
  new SocketConnector(loop).connect(
    socketAddress('127.0.0.1', port),
    { bufferLimitBytes: 1000, keepalive: null, bindAddress: null },
    recorder,
  );
  await eventually(() => recorder.events.length > 0);
  t.same(recorder.events, ['close connect-failed Connection refused']);
});

t.test('a connection that we open carries bytes both ways', async (t) => {
  const loop = new EventLoop(CLOCK);
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const recorder = new Recorder();
  const connection = new SocketConnector(loop).connect(
    socketAddress('127.0.0.1', port),
    { bufferLimitBytes: 1000, keepalive: { idleMs: 1000 }, bindAddress: null },
    recorder,
  );
  t.teardown(() => {
    connection.close('now');
    loop.close();
    server.close();
  });
  await eventually(() => recorder.events.includes('connected'));
  t.equal(connection.localAddress.ip, '127.0.0.1');
  connection.writeText('ping');
  await eventually(() => recorder.received === 'ping');
});
