// Limits of downstream connections hold for all workers together, exactly.
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { type RawPeer, rawConnect } from '../support/raw-peer.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { type ProxyProcess, startProcess, TestDirectory } from '../support/with-process.ts';

const CLIENTS = 40;
const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const DEADLINE_MS = 20_000;
const LIMITS = { all: 12, ofListener: 6, ofFilter: 4 };
const RUNTIME = {
  'overload.global_downstream_max_connections': LIMITS.all,
  'envoy.resource_limits.listener.limited.connection_limit': LIMITS.ofListener,
};

function listener(name: string, gates: readonly Message[] = []): Message {
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200 } }];
  const made = httpListener(name, { virtual_hosts: [virtualHost(['*'], routes)] });
  const [chain] = made['filter_chains'] as readonly { readonly filters: readonly Message[] }[];
  return { ...made, filter_chains: [{ filters: [...gates, ...(chain?.filters ?? [])] }] };
}

function bootstrap(): Message {
  const type = 'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit';
  const gate = {
    name: 'envoy.filters.network.connection_limit',
    typed_config: {
      '@type': `type.googleapis.com/${type}`,
      ...{ stat_prefix: 'gate', max_connections: LIMITS.ofFilter },
    },
  };
  return {
    ...bootstrapOf([listener('plain'), listener('limited'), listener('gated', [gate])], []),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    layered_runtime: { layers: [{ name: 'static', static_layer: RUNTIME }] },
  };
}

/** Clients that all ask at once: those that were served, when every other one was turned away. */
async function crowd(proxy: ProxyProcess, name: string): Promise<RawPeer[]> {
  const address = `127.0.0.1:${proxy.ports[name]}`;
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => rawConnect(address)));
  for (const client of clients) client.write(REQUEST);
  const isDecided = (client: RawPeer): boolean => client.bytesRead > 0 || client.end !== null;
  await eventually(() => clients.every(isDecided), DEADLINE_MS);
  return clients.filter(({ bytesRead }) => bytesRead > 0);
}

for (const concurrency of [1, 4]) {
  t.test(`with ${concurrency} workers`, async (t) => {
    const directory = new TestDirectory();
    const config = directory.write('config.json', bootstrap());
    const proxy = await startProcess(directory, config, '--concurrency', String(concurrency));
    const stat = async (name: string): Promise<number> => {
      const url = `http://127.0.0.1:${proxy.adminPort}/stats?filter=^${name}$`;
      return Number((await (await fetch(url)).text()).split(': ')[1]);
    };
    try {
      const limited = await crowd(proxy, 'limited');
      t.equal(limited.length, LIMITS.ofListener, 'of the listener');
      const gated = await crowd(proxy, 'gated');
      t.equal(gated.length, LIMITS.ofFilter, 'of the filter');
      t.equal(await stat('connection_limit.gate.active_connections'), LIMITS.ofFilter);
      const plain = await crowd(proxy, 'plain');
      const left = LIMITS.all - LIMITS.ofListener - LIMITS.ofFilter;
      t.equal(plain.length, left, 'what is left of the whole');
      for (const client of [...limited, ...gated, ...plain]) client.close();
      await eventually(async () => (await stat('server.total_connections')) === 0, DEADLINE_MS);
      const again = await crowd(proxy, 'plain');
      t.equal(again.length, LIMITS.all, 'given back, all of it');
      for (const client of again) client.close();
    } finally {
      proxy.command.signal('SIGKILL');
      await proxy.command.ended;
      directory.remove();
    }
  });
}
