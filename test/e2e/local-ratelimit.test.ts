// Rates hold for all workers together: exactly as many requests and connections as there are tokens.
import { Agent, request } from 'node:http';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { type RawPeer, rawConnect } from '../support/raw-peer.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { startProcess, TestDirectory } from '../support/with-process.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';
const CLIENTS = 120;
const DEADLINE_MS = 20_000;
const TOKENS = { all: 50, value: 13, connections: 9 };
const ALL = { default_value: { numerator: 100 } };

const bucket = (max_tokens: number): Message => ({ max_tokens, fill_interval: '36000s' });

function limit(members: Message): Message {
  const type = `${TYPE}.http.local_ratelimit.v3.LocalRateLimit`;
  return { '@type': type, stat_prefix: 'p', ...members };
}

function bootstrap(): Message {
  const on = { filter_enabled: ALL, filter_enforced: ALL };
  const byUser = { request_headers: { header_name: 'x-user', descriptor_key: 'user' } };
  const routes = [
    {
      match: { prefix: '/all' },
      direct_response: { status: 200 },
      typed_per_filter_config: { limit: limit({ ...on, token_bucket: bucket(TOKENS.all) }) },
    },
    {
      match: { prefix: '/user' },
      direct_response: { status: 200 },
      typed_per_filter_config: {
        limit: limit({
          ...{ ...on, token_bucket: bucket(100_000), rate_limits: [{ actions: [byUser] }] },
          descriptors: [{ entries: [{ key: 'user' }], token_bucket: bucket(TOKENS.value) }],
        }),
      },
    },
  ];
  const table = { virtual_hosts: [virtualHost(['*'], routes)] };
  const http_filters = [
    { name: 'limit', typed_config: limit({}) },
    { name: 'router', typed_config: { '@type': `${TYPE}.http.router.v3.Router` } },
  ];
  const inbound = httpListener('in', table, { manager: { http_filters } });
  const gated = httpListener('gated', table, { manager: { http_filters } });
  const [chain] = gated['filter_chains'] as readonly { readonly filters: readonly Message[] }[];
  const gate = {
    name: 'gate',
    typed_config: {
      '@type': `${TYPE}.network.local_ratelimit.v3.LocalRateLimit`,
      ...{ stat_prefix: 'g', token_bucket: bucket(TOKENS.connections) },
    },
  };
  return {
    ...bootstrapOf(
      [inbound, { ...gated, filter_chains: [{ filters: [gate, ...(chain?.filters ?? [])] }] }],
      [],
    ),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  };
}

/** How many of many requests at once were served. */
async function served(port: number, path: string, user = ''): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const options = { agent, port, path, host: '127.0.0.1', headers: { 'x-user': user } };
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(options, (response) => {
        response.resume().once('end', () => resolve(response.statusCode === 200 ? 1 : 0));
      });
      asked.once('error', reject).end();
    });
  const outcomes = await Promise.all(Array.from({ length: CLIENTS }, ask));
  agent.destroy();
  return outcomes.reduce((sum, one) => sum + one, 0);
}

/** How many of many connections were let in. */
async function admitted(port: number): Promise<number> {
  const peers = await Promise.all(
    Array.from({ length: CLIENTS }, () => rawConnect(`127.0.0.1:${port}`)),
  );
  for (const peer of peers) peer.write('GET /none HTTP/1.1\r\nhost: a\r\n\r\n');
  const isDecided = (peer: RawPeer): boolean => peer.bytesRead > 0 || peer.end !== null;
  await eventually(() => peers.every(isDecided), DEADLINE_MS);
  for (const peer of peers) peer.close();
  return peers.filter(({ bytesRead }) => bytesRead > 0).length;
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
      const { in: port = 0, gated = 0 } = proxy.ports;
      t.equal(await served(port, '/all'), TOKENS.all);
      t.equal(await served(port, '/all'), 0);
      const users = await Promise.all(['a', 'b', 'c'].map((user) => served(port, '/user', user)));
      t.strictSame(users, [TOKENS.value, TOKENS.value, TOKENS.value], 'each value for itself');
      t.equal(await admitted(gated), TOKENS.connections, 'connections');
      t.equal(await stat('local_rate_limit.g.rate_limited'), CLIENTS - TOKENS.connections);
      const refused = 5 * CLIENTS - TOKENS.all - 3 * TOKENS.value;
      t.equal(await stat('p.http_local_rate_limit.enforced'), refused);
    } finally {
      proxy.command.signal('SIGKILL');
      await proxy.command.ended;
      directory.remove();
    }
  });
}
