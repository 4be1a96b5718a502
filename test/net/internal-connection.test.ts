// Both ends of a connection within the worker, by what their owners hear.
import t from 'tap';
import { internalAddress, socketAddress } from '../../proxy/base/address.ts';
import type { AcceptedConnection } from '../../proxy/net/acceptor.ts';
import type { CloseMode, Connection, ConnectionHandler } from '../../proxy/net/connection.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { InternalConnector } from '../../proxy/net/internal-connector.ts';
import { eventually } from '../support/eventually.ts';
import { FakeConnector } from '../support/fake-connector.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';

const CLOCK = { nowMs: () => performance.now(), wallMs: () => Date.now() };
const LIMIT = 1000;
const OPTIONS = { bufferLimitBytes: 1_000_000, keepalive: null, bindAddress: null };

/** What one end heard, and its connection. */
class End implements ConnectionHandler {
  connection: Connection | null = null;
  readonly events: string[] = [];
  received = '';
  isGone = false;

  get it(): Connection {
    return this.connection as Connection;
  }

  take(connection: Connection): this {
    this.connection = connection;
    connection.onGone = () => {
      this.isGone = true;
    };
    return this;
  }

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

  onClose(reason: string, detail: string): void {
    this.events.push(`close ${reason} ${detail}`.trim());
  }
}

function rig(mayAccept = true) {
  const loop = new EventLoop(CLOCK);
  const server = new End();
  const accepted: AcceptedConnection[] = [];
  const listener = {
    bufferLimitBytes: OPTIONS.bufferLimitBytes,
    mayAccept: () => mayAccept,
    serve: (one: AcceptedConnection) => {
      accepted.push(one);
      one.connection.setHandler(server.take(one.connection));
    },
  };
  const outside = new FakeConnector();
  const inside = { listeners: new Map([['inner', listener]]), bufferSizeBytes: LIMIT };
  const connector = new InternalConnector(loop, inside, outside);
  const dial = (name = 'inner'): End => {
    const client = new End();
    client.take(connector.connect(internalAddress(name, 'x'), OPTIONS, client));
    return client;
  };
  return { dial, server, accepted, connector, outside };
}

async function pair() {
  const { dial, server, accepted } = rig();
  const client = dial();
  await eventually(() => accepted.length === 1);
  accepted[0]?.start();
  return { client, server };
}

t.test('a connection opens after the call, under the addresses that Envoy gives', async (t) => {
  const { dial, server, accepted } = rig();
  const client = dial();
  t.same(client.events, []);
  await eventually(() => accepted.length === 1);
  t.same(client.events, ['connected']);
  t.equal(client.it.localAddress.text, 'envoy://internal_client_address/');
  t.equal(client.it.remoteAddress.text, 'envoy://inner/x');
  t.equal(server.it.localAddress.text, 'envoy://inner/x');
  t.equal(server.it.remoteAddress.text, 'envoy://internal_client_address/');
  t.not(server.it.id, client.it.id);
});

t.test('nobody of that name: the connect fails as in Envoy', async (t) => {
  const client = rig().dial('nobody');
  await eventually(() => client.isGone);
  t.same(client.events, ['close connect-failed Invalid argument']);
});

t.test('a listener at its limit closes the connection', async (t) => {
  const client = rig(false).dial();
  await eventually(() => client.events.includes('end'));
  t.same(client.events, ['connected', 'end']);
});

t.test('given up before it opens, a connection only closes', async (t) => {
  const { dial, accepted } = rig();
  const client = dial();
  client.it.close('flush');
  await eventually(() => client.isGone);
  t.same(client.events, ['close local-close']);
  t.equal(accepted.length, 0);
});

t.test('other addresses are left to the system', async (t) => {
  const { connector, outside } = rig();
  connector.connect(socketAddress('127.0.0.1', 80), OPTIONS, new End());
  t.equal(outside.connections.length, 1);
});

t.test('octets arrive at the end of the turn, never inside a call', async (t) => {
  const { client, server } = await pair();
  client.it.writeText('he\xe9');
  client.it.writeBytes(Buffer.from('llo'));
  t.equal(server.received, '');
  t.equal(client.it.bufferedBytes, 6);
  await eventually(() => server.received === 'he\xe9llo');
  t.equal(client.it.bytesWritten, 6);
  t.equal(server.it.bytesRead, 6);
  t.equal(client.it.bufferedBytes, 0);
});

t.test('octets wait until the listener reads', async (t) => {
  const { dial, server, accepted } = rig();
  const client = dial();
  await eventually(() => accepted.length === 1);
  client.it.writeText('early');
  await turns(4);
  t.equal(server.received, '');
  accepted[0]?.start();
  await eventually(() => server.received === 'early');
});

t.test('a writer stops at the buffer size, and hears when the reader caught up', async (t) => {
  const { client, server } = await pair();
  server.it.pauseReading();
  client.it.writeBytes(Buffer.alloc(LIMIT));
  t.ok(client.it.isWritable());
  client.it.writeText('x');
  t.notOk(client.it.isWritable());
  await turns(4);
  t.same(client.events, ['connected']);
  t.equal(server.received.length, 0);
  server.it.resumeReading();
  await eventually(() => client.events.includes('drain'));
  t.equal(server.received.length, LIMIT + 1);
  t.same(client.events, ['connected', 'drain']);
});

t.test('half-closed on both sides, a connection ends by itself', async (t) => {
  const { client, server } = await pair();
  client.it.writeText('last');
  client.it.halfClose();
  await eventually(() => server.events.includes('end'));
  t.equal(server.received, 'last');
  server.it.writeText('answer');
  await eventually(() => client.received === 'answer');
  server.it.halfClose();
  await eventually(() => client.isGone && server.isGone);
  t.same(client.events, ['connected', 'end', 'close peer-closed']);
  t.same(server.events, ['end', 'close peer-closed']);
});

t.test('the end waits for a reader that paused', async (t) => {
  const { client, server } = await pair();
  server.it.pauseReading();
  client.it.close('now');
  await eventually(() => client.isGone);
  t.same(server.events, []);
  server.it.resumeReading();
  await eventually(() => server.events.includes('end'));
});

for (const mode of ['flush', 'flush-and-delay', 'reset'] as const satisfies CloseMode[]) {
  t.test(`closed with ${mode}, what was written arrives`, async (t) => {
    const { client, server } = await pair();
    server.it.writeText('all of it');
    server.it.close(mode);
    await eventually(() => client.events.length > 1);
    t.equal(client.received, 'all of it');
    t.equal(
      client.events[1],
      mode === 'reset' ? 'close peer-reset Connection reset by peer' : 'end',
    );
    client.it.close('now');
    await eventually(() => client.isGone && server.isGone);
  });
}

t.test('closed at once, what was written is dropped', async (t) => {
  const { client, server } = await pair();
  server.it.writeText('never seen');
  server.it.close('now');
  await eventually(() => client.events.includes('end') && server.isGone);
  t.equal(client.received, '');
  t.same(server.events, ['close local-close']);
});

t.test('who writes to an end that is gone is reset', async (t) => {
  const { client, server } = await pair();
  server.it.close('flush');
  await eventually(() => server.isGone);
  client.it.writeText('too late');
  await eventually(() => client.isGone);
  t.equal(client.events.at(-1), 'close peer-reset Connection reset by peer');
});

t.test('a delayed close ends with the time for it, and says so', async (t) => {
  const { client, server } = await pair();
  let timeouts = 0;
  server.it.delayedCloseMs = 20;
  server.it.onDelayedCloseTimeout = () => {
    timeouts += 1;
  };
  server.it.close('flush-and-delay');
  client.it.writeText('dropped');
  await eventually(() => server.isGone);
  t.equal(timeouts, 1);
  t.equal(server.received, '');
  t.same(client.events, ['connected', 'end']);
});

t.test('whatever is written, paused and cut, arrives once and in order', async (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  t.comment(`seed ${seed}`);
  for (let round = 0; round < 40; round += 1) {
    const { client, server } = await pair();
    const sent = { client: '', server: '' };
    for (let step = 0; step < 40; step += 1) {
      act(random.next, { client, server }, sent);
      if (random.next() < 0.4) await turns(1);
    }
    client.it.resumeReading();
    server.it.resumeReading();
    client.it.halfClose();
    server.it.halfClose();
    await eventually(() => client.isGone && server.isGone);
    t.ok(server.received === sent.client && client.received === sent.server, `seed ${seed}`);
    t.equal(client.it.bytesRead, server.it.bytesWritten);
    t.equal(client.events.at(-1), 'close peer-closed');
  }
});

function act(
  next: () => number,
  ends: { readonly client: End; readonly server: End },
  sent: { client: string; server: string },
): void {
  const side = next() < 0.5 ? 'client' : 'server';
  const connection = ends[side].it;
  const choice = next();
  if (choice < 0.2) connection.pauseReading();
  else if (choice < 0.4) connection.resumeReading();
  else {
    const text = String.fromCharCode(97 + next() * 26).repeat(Math.ceil(next() ** 4 * 20_000));
    sent[side] += text;
    if (choice < 0.7) connection.writeText(text);
    else connection.writeBytes(Buffer.from(text));
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((next) => setImmediate(next));
}
