// What becomes of a client that is in the middle of its TLS handshake when its listener is replaced,
// its filter chain taken away, or its process about to end: it is served.
import net from 'node:net';
import tls from 'node:tls';
import t from 'tap';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { makeCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { serverTls } from '../support/secure-listener.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const TRANSPORT = serverTls({ certificate: makeCertificate({}), alpn: ['http/1.1'] });
/** Octets of a client that come through at once: a part of its hello, or all of it. */
const HELD_FROM = { 'within its hello': 100, 'before its last word': Number.POSITIVE_INFINITY };
const REQUEST = 'GET /direct HTTP/1.1\r\nhost: a\r\n\r\n';

function bootstrap(body: string, direction: string): object {
  const made = bootstrapOf({ body }) as {
    static_resources: { listeners: { filter_chains: object[] }[] };
  };
  const [listener] = made.static_resources.listeners;
  Object.assign(listener as object, { traffic_direction: direction });
  Object.assign(listener?.filter_chains[0] as object, { transport_socket: TRANSPORT });
  return made;
}

/** A client whose octets are held from that one on, or from its second flight on. */
async function heldClient(port: number, firstOctets: number) {
  const proxy = net.connect(port, '127.0.0.1');
  const held: Buffer[] = [];
  let isHolding = true;
  let passed = 0;
  const relay = net.createServer((client) => {
    client.on('error', () => proxy.destroy());
    proxy.on('error', () => client.destroy());
    proxy.pipe(client);
    client.on('data', (data) => {
      const first = passed === 0 ? data.subarray(0, firstOctets) : data.subarray(0, 0);
      passed += first.length;
      if (!isHolding) proxy.write(data);
      else proxy.write(first);
      if (isHolding) held.push(data.subarray(first.length));
    });
    client.on('close', () => proxy.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const { port: relayPort } = relay.address() as net.AddressInfo;
  const socket = tls.connect({ port: relayPort, host: '127.0.0.1', rejectUnauthorized: false });
  let text = '';
  let ending = '';
  socket.on('data', (data) => {
    text += data.toString();
  });
  socket.on('error', ({ message }) => {
    ending = message;
  });
  socket.once('secureConnect', () => socket.write(REQUEST));
  return {
    async answer(): Promise<string> {
      isHolding = false;
      for (const data of held) proxy.write(data);
      await eventually(() => ending !== '' || text.includes('\r\n\r\n'));
      return ending || `${text.slice(0, 15)} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`;
    },
    close: () => {
      socket.destroy();
      relay.close();
    },
  };
}

type Act = (proxy: TestProxy) => Promise<unknown>;

const ACTS: Readonly<Record<string, Act>> = {
  'its listener is replaced': (proxy) => proxy.reload(bootstrap('old', 'INBOUND')),
  'its filter chain is taken away': (proxy) => proxy.reload(bootstrap('new', 'OUTBOUND')),
  'its process ends': async (proxy) => void proxy.primary.workforce.drain(10_000, 'now'),
  'another process takes over': async (proxy) => void proxy.primary.retire(10_000),
};

for (const [when, act] of Object.entries(ACTS)) {
  t.test(`a client in its handshake is served when ${when}`, async (t) => {
    const proxy = await withProxy(bootstrap('old', 'OUTBOUND'));
    t.teardown(() => proxy.stop());
    const clients = await Promise.all(
      Object.values(HELD_FROM).map((octets) => heldClient(proxy.port, octets)),
    );
    const count = () => proxy.stat('listener.127.0.0.1_0.downstream_cx_active');
    await eventually(async () => (await count()) === clients.length);
    await act(proxy);
    for (const [index, client] of clients.entries()) {
      const where = String(Object.keys(HELD_FROM)[index]);
      t.equal(await client.answer(), 'HTTP/1.1 200 OK old', where);
      client.close();
    }
  });
}
