// Without any rule: 127.0.0.6 is an address of this host, so the test plays the redirection.
import { once } from 'node:events';
import net from 'node:net';
import t from 'tap';
import { checkCapture } from '../../iptables-init/check-capture.ts';
import { captureOptions } from '../support/capture-options.ts';
import { closedPort } from '../support/dead-ports.ts';

async function listen(host: string, onSocket: (socket: net.Socket) => void): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port;

async function optionsFor(probePort: number, timeoutMs = 900) {
  const [proxyPort, inboundPort] = [await closedPort(), await closedPort()];
  const capture = captureOptions(`-p ${proxyPort} -z ${inboundPort}`);
  return { capture, probePort, timeoutMs };
}

t.test('captured: the connection comes out at a port of the proxy', async (t) => {
  let proxyPort = 0;
  const redirect = await listen('127.0.0.6', (socket) => {
    const onward = net.connect(proxyPort, '127.0.0.1');
    onward.on('error', () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  t.teardown(() => redirect.close());
  const options = await optionsFor(portOf(redirect), 20_000);
  proxyPort = options.capture.inboundCapturePort;
  t.same(await checkCapture(options, 4), { kind: 'captured' });
});

t.test('not captured: nobody there, somebody else, or nobody who speaks', async (t) => {
  t.match(await checkCapture(await optionsFor(await closedPort()), 4), {
    kind: 'not-captured',
    reason: /127\.0\.0\.6:\d+ was not redirected: .*ECONNREFUSED/,
  });
  const stranger = await listen('127.0.0.6', (socket) => socket.end('SSH-2.0\r\n'));
  const silent = await listen('127.0.0.6', () => undefined);
  t.teardown(() => {
    stranger.close();
    silent.close();
  });
  t.match(await checkCapture(await optionsFor(portOf(stranger)), 4), {
    reason: /somebody else answered/,
  });
  t.match(await checkCapture(await optionsFor(portOf(silent)), 4), { reason: /no answer/ });
});

t.test('a port of the proxy that is in use is said so', async (t) => {
  const proxy = await listen('127.0.0.1', () => undefined);
  t.teardown(() => proxy.close());
  const options = await optionsFor(1);
  const capture = { ...options.capture, proxyPort: portOf(proxy) };
  t.match(await checkCapture({ ...options, capture }, 4), {
    kind: 'not-captured',
    reason: /EADDRINUSE/,
  });
});
