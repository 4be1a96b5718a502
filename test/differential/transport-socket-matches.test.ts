// Which transport socket an endpoint gets by its metadata, and how that is counted.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { serverIdentities } from '../support/identities.ts';
import { KEPT } from '../support/kept-connections.ts';
import { openMirror } from '../support/tls-exchange.ts';
import { type ServedTwin, tlsSocket, withServedTwins } from '../support/tls-twins.ts';
import { type Json, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const RAW = {
  name: 'raw',
  typed_config: typed('extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
};
const MATCHES = [
  { name: 'mesh', match: { tlsMode: 'istio', n: 1 }, transport_socket: tlsSocket('Upstream', {}) },
  { name: 'istio', match: { tlsMode: 'istio' }, transport_socket: tlsSocket('Upstream', {}) },
  { name: 'odd', match: { list: [1, { a: true }] }, transport_socket: RAW },
];

interface Endpoint {
  readonly port: number;
  readonly labels?: Json;
}

function cluster(name: string, endpoints: readonly Endpoint[], more: Json = {}): Json {
  return {
    ...{ name, type: 'STATIC', connect_timeout: '2s', transport_socket_matches: MATCHES, ...more },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: endpoints.map(({ port, labels }) => ({
            endpoint: {
              address: { socket_address: { address: '127.0.0.1', port_value: port } },
            },
            ...(labels && {
              metadata: { filter_metadata: { 'envoy.transport_socket_match': labels } },
            }),
          })),
        },
      ],
    },
  };
}

async function seen({ ports, stat }: ServedTwin, names: readonly string[]): Promise<unknown> {
  const all = ['mesh', 'istio', 'odd', 'default'];
  const statuses: Record<string, unknown> = {};
  for (const name of names) {
    const response = await fetch(`http://127.0.0.1:${ports['main']}/${name}`);
    await response.text();
    const counts = all.map((each) => stat(`cluster.${name}.${each}.total_match_count`));
    statuses[name] = [response.status, ...(await Promise.all(counts))];
  }
  return statuses;
}

t.test(
  'endpoints get the first transport that their metadata ask for',
  { skip: withoutEnvoy },
  async (t) => {
    const secure = await openMirror(serverIdentities.bare);
    const plain = http.createServer(KEPT, (_request, response) => response.end('plain'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      secure.close();
      plain.close();
    });
    const [tlsPort, port] = [secure.port, (plain.address() as AddressInfo).port];
    const fallback = { transport_socket: tlsSocket('Upstream', {}) };
    const clusters: Readonly<Record<string, Json>> = {
      labelled: cluster('labelled', [{ port: tlsPort, labels: { tlsMode: 'istio' } }]),
      first: cluster('first', [{ port: tlsPort, labels: { tlsMode: 'istio', n: 1, more: 'x' } }]),
      other: cluster('other', [{ port, labels: { tlsMode: 'disabled' } }]),
      structured: cluster('structured', [{ port, labels: { list: [1, { a: true }] } }], fallback),
      none: cluster('none', [{ port }]),
      fallback: cluster('fallback', [{ port: tlsPort, labels: { list: [1] } }], fallback),
      mixed: cluster('mixed', [
        { port: tlsPort, labels: { tlsMode: 'istio' } },
        { port },
        { port: tlsPort, labels: { tlsMode: 'istio', n: 1 } },
      ]),
      wrong: cluster('wrong', [{ port, labels: { tlsMode: 'istio' } }]),
    };
    const names = Object.keys(clusters);
    const routes = names.map((name) => ({
      match: { prefix: `/${name}` },
      route: { cluster: name },
    }));
    const config = {
      listeners: { main: { routes } },
      moreClusters: Object.values(clusters),
      log: null,
    };
    await withServedTwins(config, async ({ ours, envoy }) => {
      const [mine, theirs] = await Promise.all([seen(ours, names), seen(envoy, names)]);
      t.same(mine, theirs);
      t.match(mine, { labelled: [200, 0, 1], first: [200, 1, 0], wrong: [503] });
    });
  },
);

t.test(
  'checks reach endpoints as requests do, or by criteria of their own',
  { skip: withoutEnvoy },
  async (t) => {
    const { port, close } = await openMirror(serverIdentities.bare);
    t.teardown(close);
    const check = {
      ...{ timeout: '2s', interval: '60s', no_traffic_interval: '60s' },
      ...{ unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: '/' } },
    };
    const criteria = { ...check, transport_socket_match_criteria: { tlsMode: 'istio' } };
    const labels = { tlsMode: 'istio' };
    const clusters: Readonly<Record<string, Json>> = {
      labelled: cluster('labelled', [{ port, labels }], { health_checks: [check] }),
      criteria: cluster('criteria', [{ port }], { health_checks: [criteria] }),
      clear: cluster('clear', [{ port }], { health_checks: [check] }),
    };
    const config = { listeners: { main: {} }, moreClusters: Object.values(clusters), log: null };
    await withServedTwins(config, async (twins) => {
      for (const { side, stat } of [twins.ours, twins.envoy]) {
        const of = (name: string) => `cluster.${name}.health_check`;
        await eventually(async () => (await stat(`${of('clear')}.failure`)) === 1);
        await eventually(async () => (await stat(`${of('labelled')}.success`)) === 1);
        await eventually(async () => (await stat(`${of('criteria')}.success`)) === 1);
        t.pass(`${side}: two of three speak TLS`);
      }
    });
  },
);
