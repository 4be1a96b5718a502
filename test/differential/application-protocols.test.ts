// ALPN by filter state (envoy.network.application_protocols): what upstreams are offered, and which
// connections are shared.
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import t from 'tap';
import { makeCertificate } from '../support/certificates.ts';
import { identityRoot } from '../support/identities.ts';
import { KEPT } from '../support/kept-connections.ts';
import { type ServedTwin, secureCluster, withServedTwins } from '../support/tls-twins.ts';
import { typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const certificate = makeCertificate({ issuer: identityRoot, subject: 'a.test' });

/** Answers with what ALPN offered on the connection, and how many requests it had before. */
async function openOffered(): Promise<{ readonly port: number; close(): void }> {
  const handler = http.createServer(KEPT, (request, response) => {
    const socket = request.socket as net.Socket & { offered?: string; before?: number };
    socket.before = (socket.before ?? -1) + 1;
    response.end(`${socket.offered ?? 'nothing'} ${socket.before}`);
  });
  let offered = 'nothing';
  const server = tls.createServer({
    cert: certificate.chainPem,
    key: certificate.keyPem,
    ALPNCallback: ({ protocols }: { readonly protocols: readonly string[] }) => {
      offered = protocols.join(',');
      return protocols[0];
    },
  } as tls.TlsOptions);
  server.on('secureConnection', (socket) => {
    Object.assign(socket, { offered });
    offered = 'nothing';
    handler.emit('connection', socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Paths beginning with /bare do without the filter. */
const CASES: readonly (readonly [path: string, wanted: string])[] = [
  ['/bare/own', ''],
  ['/own', 'x,http/1.1'],
  ['/own', 'http/1.1'],
  ['/own', 'x,http/1.1'],
  ['/bare/own', ''],
  ['/bare/none', ''],
  ['/none', 'y'],
  ['/bare/plain', ''],
  ['/plain', 'z'],
];

const STATE = 'envoy.network.application_protocols';
const LOG = `%FILTER_STATE(${STATE})%%FILTER_STATE(${STATE}:PLAIN)%\n`;

/** Status and content of the answer. */
async function ask(port: number, path: string, wanted: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  const lines = wanted === '' ? [] : [`x-alpn: ${wanted}`];
  const head = [`GET ${path} HTTP/1.1`, 'host: a', ...lines, 'connection: close', '', ''];
  socket.write(head.join('\r\n'));
  let text = '';
  for await (const chunk of socket) text += chunk.toString('latin1');
  return `${text.split(' ')[1]} ${/\r\n\r\n(?:[0-9a-f]+\r\n)?([^\r]*)/.exec(text)?.[1]}`;
}

async function seen({ ports, lines }: ServedTwin): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const [path, wanted] of CASES) answers.push(await ask(ports['main'] ?? 0, path, wanted));
  const log = await lines(CASES.length);
  return answers.map((answer, index) => `${answer} ${log[index]}`);
}

t.test('ALPN that a filter wants, as Envoy', { skip: withoutEnvoy }, async (t) => {
  const server = await openOffered();
  const plain = http.createServer(KEPT, (_request, response) => response.end('clear'));
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.teardown(() => {
    server.close();
    plain.close();
  });
  const state = {
    object_key: 'envoy.network.application_protocols',
    format_string: { text_format_source: { inline_string: '%REQ(x-alpn)%' } },
  };
  const filter = {
    name: 'state',
    typed_config: typed('extensions.filters.http.set_filter_state.v3.Config', {
      on_request_headers: [state],
    }),
  };
  const clusters = ['own', 'none'].map((name) => {
    const common = { alpn_protocols: name === 'own' ? ['http/1.1', 'own'] : [] };
    return secureCluster(
      server.port,
      { common_tls_context: common, max_session_keys: 0 },
      { name },
    );
  });
  const address = {
    socket_address: { address: '127.0.0.1', port_value: (plain.address() as AddressInfo).port },
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  const clear = { name: 'plain', load_assignment: { cluster_name: 'plain', endpoints } };
  const names = ['own', 'none', 'plain'];
  const off = { state: typed('config.route.v3.FilterConfig', { disabled: true }) };
  const routes = names.flatMap((cluster) => [
    { match: { path: `/${cluster}` }, route: { cluster } },
    { match: { path: `/bare/${cluster}` }, route: { cluster }, typed_per_filter_config: off },
  ]);
  const config = {
    listeners: { main: { routes, filters: [filter] } },
    moreClusters: [...clusters, clear],
    log: { log_format: { text_format_source: { inline_string: LOG } } },
  };
  await withServedTwins(config as never, async ({ ours, envoy }) => {
    const mine = await seen(ours);
    t.same(mine, await seen(envoy));
    t.same(mine, [
      '200 http/1.1,own 0 --',
      '200 x,http/1.1 0 --',
      '200 http/1.1 0 --',
      '200 x,http/1.1 1 --',
      '200 http/1.1,own 1 --',
      '200 http/1.1 0 --',
      '200 y 0 --',
      '200 clear --',
      '200 clear --',
    ]);
  });
});
