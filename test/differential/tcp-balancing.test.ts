// Where sessions of a TCP proxy go: by the hash of their client's address, and to a subset.
import net from 'node:net';
import t from 'tap';
import { hostsJson, ManyHosts } from '../support/many-hosts.ts';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

const CLIENTS = 24;
const REQUEST = 'GET / HTTP/1.1\r\nhost: h.test\r\nconnection: close\r\n\r\n';

function tcpListener(members: Json): { readonly chain: Json } {
  const proxy = typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 't',
    ...members,
  });
  const filter = { name: 'envoy.filters.network.tcp_proxy', typed_config: proxy };
  return { chain: { filters: [filter] } };
}

function wants(version: string): Json {
  return { filter_metadata: { 'envoy.lb': { version } } };
}

function config(hosts: ManyHosts): TwinConfig {
  const hash_policy = [{ source_ip: {} }];
  const metadata_match = wants('1');
  return {
    listeners: {
      ring: tcpListener({ cluster: 'ring', hash_policy }),
      maglev: tcpListener({ cluster: 'maglev', hash_policy }),
      subset: tcpListener({ cluster: 'subset', metadata_match }),
      weighted: tcpListener({
        metadata_match,
        weighted_clusters: {
          clusters: [{ name: 'subset', weight: 1, metadata_match: wants('2') }],
        },
      }),
    },
    moreClusters: [
      hosts.cluster('ring', [{ hosts: hostsJson(7) }], { lb_policy: 'RING_HASH' }),
      hosts.cluster('maglev', [{ hosts: hostsJson(7) }], { lb_policy: 'MAGLEV' }),
      hosts.cluster(
        'subset',
        [{ hosts: hostsJson(3, (index) => ({ metadata: { version: String(index) } })) }],
        { lb_subset_config: { subset_selectors: [{ keys: ['version'] }] } },
      ),
    ],
    log: null,
  };
}

/** The host that a client at 127.1.0.x reaches. */
function reached(port: number, client: number): Promise<string> {
  const from = { host: '127.0.0.1', port, localAddress: `127.1.0.${client}` };
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(from, () => socket.write(REQUEST));
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(/x-host: (\S+)/.exec(text)?.[1] ?? text));
  });
}

async function all(twin: Twin, listener: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let client = 1; client <= CLIENTS; client += 1) {
    found.push(await reached(twin.ports[listener] ?? 0, client));
  }
  return found;
}

t.test('sessions go where they go in Envoy', { skip: withoutEnvoy }, async (t) => {
  const hosts = new ManyHosts();
  await hosts.listen();
  t.teardown(() => hosts.close());
  await withTwins(config(hosts), async ({ ours, envoy }) => {
    for (const listener of Object.keys(ours.ports)) {
      t.same(await all(ours, listener), await all(envoy, listener), listener);
    }
  });
});
