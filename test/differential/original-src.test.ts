// Upstreams that see a client's own address (envoy.filters.listener.original_src), beside Envoy.
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import t from 'tap';
import { socketOptions } from '../../proxy/net/socket-options.ts';
import { KEPT } from '../support/kept-connections.ts';
import { type ServedTwin, withServedTwins } from '../support/tls-twins.ts';
import { typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const noOptions = typeof socketOptions() === 'string' && 'no socket options here';
const skip = withoutEnvoy || noOptions || (process.getuid?.() !== 0 && 'needs root');

/** Which client asks which listener; the same connection of the upstream twice is told. */
const CASES: readonly (readonly [from: string, listener: string])[] = [
  ['127.0.0.9', 'main'],
  ['127.0.0.9', 'main'],
  ['127.0.0.8', 'main'],
  ['127.0.0.9', 'main'],
  ['127.0.0.9', 'marked'],
  ['127.0.0.9', 'bound'],
  ['127.0.0.9', 'plain'],
  ['127.0.0.8', 'plain'],
];

async function ask(port: number, localAddress: string): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk.toString('latin1');
  return text.split('\r\n\r\n')[1] ?? '';
}

/** Where each request came from, with the number of that address's connection. */
async function seen({ ports }: ServedTwin): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const [from, listener] of CASES) answers.push(await ask(ports[listener] ?? 0, from));
  const known: string[] = [];
  return answers.map((answer) => {
    const [ip = '', port = ''] = answer.split(' ');
    if (!known.includes(port)) known.push(port);
    return `${ip} ${known.indexOf(port)}`;
  });
}

function original(mark: number) {
  const config = typed('extensions.filters.listener.original_src.v3.OriginalSrc', { mark });
  return { listener_filters: [{ name: 'original_src', typed_config: config }] };
}

t.test('connections come from their clients, as Envoy', { skip }, async (t) => {
  const upstream = http.createServer(
    KEPT,
    ({ socket: { remoteAddress, remotePort } }, response) => {
      const text = `${remoteAddress} ${remotePort}`;
      response.setHeader('content-length', text.length).end(text);
    },
  );
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const hosts = [{ lb_endpoints: [{ endpoint: { address } }] }];
  const up = { name: 'up', load_assignment: { cluster_name: 'up', endpoints: hosts } };
  const bound = {
    ...{ name: 'bound', load_assignment: { cluster_name: 'bound', endpoints: hosts } },
    upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } },
  };
  const to = (cluster: string) => [{ match: { prefix: '/' }, route: { cluster } }];
  const config = {
    listeners: {
      main: { routes: to('up'), listener: original(0) },
      marked: { routes: to('up'), listener: original(7) },
      bound: { routes: to('bound'), listener: original(0) },
      plain: { routes: to('bound') },
    },
    moreClusters: [up, bound],
    log: null,
  };
  await withServedTwins(config, async ({ ours, envoy }) => {
    const mine = await seen(ours);
    t.same(mine, await seen(envoy));
    t.same(mine, [
      '127.0.0.9 0',
      '127.0.0.9 0',
      '127.0.0.8 1',
      '127.0.0.9 0',
      '127.0.0.9 2',
      '127.0.0.9 3',
      '127.0.0.6 4',
      '127.0.0.6 4',
    ]);
  });
});
