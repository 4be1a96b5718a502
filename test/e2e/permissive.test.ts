// One port of a workload: PERMISSIVE takes clear text, raw TCP and mTLS side by side; turned to STRICT
// under load it loses nobody who speaks mTLS, and says why it turns the others away.
import net from 'node:net';
import tls from 'node:tls';
import t from 'tap';
import { makeAuthority } from '../support/certificates.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import {
  inboundChains,
  type SecretFiles,
  type ServerMode,
  spiffeId,
  workloadCertificate,
  writeSecrets,
} from '../support/mesh-tls.ts';
import { type Json, typed } from '../support/rig-bootstrap.ts';
import { TestDirectory } from '../support/with-process.ts';
import { withProxy } from '../support/with-proxy.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
const LINE = 'hello\r\n';
const authority = makeAuthority();
const server = workloadCertificate(authority, spiffeId('foo', 'server'));
const client = workloadCertificate(authority, spiffeId('foo', 'client'));

interface Place {
  readonly files: SecretFiles;
  readonly port: number;
  readonly httpPort: number;
  readonly tcpPort: number;
}

/** The port in one of its modes; who speaks no HTTP is sent to another upstream. */
function bootstrap(mode: ServerMode, { files, port, httpPort, tcpPort }: Place): object {
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'http' } }];
  const filter = (type: string, value: Json): Json => ({
    name: type,
    typed_config: typed(`extensions.filters.network.${type}`, value),
  });
  const router = typed('extensions.filters.http.router.v3.Router');
  const hcm = filter('http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'http',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: router }],
  });
  const proxy = filter('tcp_proxy.v3.TcpProxy', { stat_prefix: 'tcp', cluster: 'tcp' });
  const inspector = (name: string): Json => ({
    name,
    typed_config: typed(`extensions.filters.listener.${name}`),
  });
  const at = (port_value: number): Json => ({
    socket_address: { address: '127.0.0.1', port_value },
  });
  const cluster = (name: string, upstreamPort: number): Json => {
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: at(upstreamPort) } }] }];
    return { name, load_assignment: { cluster_name: name, endpoints } };
  };
  const listener = {
    name: 'inbound',
    address: at(port),
    listener_filters: [
      inspector('tls_inspector.v3.TlsInspector'),
      inspector('http_inspector.v3.HttpInspector'),
    ],
    filter_chains: inboundChains({ port, mode, protocol: 'auto' }, files, {
      http: [hcm],
      tcp: [proxy],
    }),
  };
  return {
    static_resources: {
      listeners: [listener],
      clusters: [cluster('http', httpPort), cluster('tcp', tcpPort)],
    },
  };
}

/** What comes back for a text until a line is whole, `ended` without one. */
function ask(socket: net.Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      heard += part;
      if (heard.includes('\r\n')) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard.split('\r\n')[0] || 'ended'));
    socket.write(text);
  });
}

function inClear(port: number, text: string): Promise<string> {
  return ask(net.connect(port, '127.0.0.1'), text);
}

function overMtls(port: number, alpn: string, text: string): Promise<string> {
  const own = { cert: client.chainPem, key: client.keyPem };
  const options = { ...own, port, host: '127.0.0.1', rejectUnauthorized: false };
  return ask(tls.connect({ ...options, ALPNProtocols: [alpn] }), text);
}

async function startTcpEcho(): Promise<net.Server> {
  const echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  return echo;
}

async function unusedPort(): Promise<number> {
  const echo = await startTcpEcho();
  const { port } = echo.address() as net.AddressInfo;
  await new Promise((resolve) => echo.close(resolve));
  return port;
}

t.test('PERMISSIVE, then STRICT', async (t) => {
  const directory = new TestDirectory();
  const [http, echo] = [await startEchoUpstream('http'), await startTcpEcho()];
  const place: Place = {
    files: writeSecrets((name, text) => directory.write(name, text), server, authority),
    port: await unusedPort(),
    httpPort: http.port,
    tcpPort: (echo.address() as net.AddressInfo).port,
  };
  const { port } = place;
  const proxy = await withProxy(bootstrap('PERMISSIVE', place));
  t.teardown(async () => {
    await proxy.stop();
    await http.close();
    echo.close();
    directory.remove();
  });
  await t.test('one port takes everything', async (t) => {
    t.equal(await inClear(port, GET), 'HTTP/1.1 200 OK');
    t.equal(await inClear(port, LINE), 'hello');
    t.equal(await overMtls(port, 'istio-http/1.1', GET), 'HTTP/1.1 200 OK');
    t.equal(await overMtls(port, 'istio', LINE), 'hello');
    t.equal(await proxy.stat(`listener.127.0.0.1_${port}.no_filter_chain_match`), 0);
  });
  await t.test('becomes STRICT while clients call', async (t) => {
    const answers = new Map<string, number>();
    let [isOver, calls] = [false, 0];
    const load = [1, 2, 3].map(async () => {
      while (!isOver) {
        const answer = await overMtls(port, 'istio-http/1.1', GET);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        calls += 1;
      }
    });
    await eventually(() => calls > 20);
    t.ok(await proxy.reload(bootstrap('STRICT', place)));
    await eventually(async () => (await inClear(port, GET)) === 'ended');
    const before = calls;
    await eventually(() => calls > before + 20);
    isOver = true;
    await Promise.all(load);
    t.same([...answers.keys()], ['HTTP/1.1 200 OK'], `${calls} calls`);
  });
  await t.test('clear text is refused, counted, and said why', async (t) => {
    const name = `listener.127.0.0.1_${port}.no_filter_chain_match`;
    const before = await proxy.stat(name);
    t.equal(await inClear(port, GET), 'ended');
    t.equal(await inClear(port, LINE), 'ended');
    t.equal((await proxy.stat(name)) - before, 2);
    const line = proxy.log.find((each) => each.includes('refused for want of TLS'));
    t.match(line, 'info');
    t.equal(await overMtls(port, 'istio', LINE), 'hello');
  });
});
