// How four worker processes split requests among weighted clusters. The clusters have no hosts: the
// local reply names the one that was drawn.
import http from 'node:http';
import t from 'tap';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';
import { startProcess, TestDirectory } from '../support/with-process.ts';

const REQUESTS = 20_000;
const AT_ONCE = 40;
/** So uneven that chance alone is off by 1 % in fewer than one run of 10^9. */
const WEIGHTS = { a: 95, b: 4, c: 1 } as const;

const HASH_POLICY = [{ header: { header_name: 'x-key' } }];
const CLUSTERS = Object.entries(WEIGHTS).map(([name, weight]) => ({ name, weight }));

function weighted(prefix: string, members: Message, action: Message = {}): Message {
  const weighted_clusters = { clusters: CLUSTERS, ...members };
  return { match: { prefix }, route: { weighted_clusters, ...action } };
}

function bootstrap(): Message {
  const routes = [
    weighted('/header', { header_name: 'x-draw' }),
    weighted('/hash', { use_hash_policy: true }, { hash_policy: HASH_POLICY }),
    weighted('/', {}),
  ];
  const value = '%UPSTREAM_CLUSTER%';
  const table = {
    virtual_hosts: [virtualHost(['*'], routes)],
    response_headers_to_add: [{ header: { key: 'x-cluster', value } }],
  };
  const clusters = CLUSTERS.map(({ name }) => ({
    ...{ name, type: 'STATIC' },
    load_assignment: { cluster_name: name, endpoints: [] },
  }));
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  return {
    admin: { address },
    static_resources: { listeners: [httpListener('main', table)], clusters },
  };
}

/** The cluster that a request was for. */
function drawn(options: http.RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(options, (response) => {
      response.resume();
      response.once('end', () => resolve(String(response.headers['x-cluster'])));
    });
    request.once('error', reject);
  });
}

t.test('four workers split by weight, and stick by field and by hash', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const path = directory.write('proxy.json', bootstrap());
  const proxy = await startProcess(directory, path, '--concurrency', '4');
  t.teardown(() => proxy.command.signal('SIGKILL'));
  t.equal(proxy.command.children().length, 4);
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const ask = (target: string, headers: http.OutgoingHttpHeaders = {}) =>
    drawn({ host: '127.0.0.1', port: proxy.ports['main'], path: target, agent, headers });

  const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
  let left = REQUESTS;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const name = await ask('/');
      counts[name] = (counts[name] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  for (const [name, weight] of Object.entries(WEIGHTS)) {
    const share = ((counts[name] ?? 0) / REQUESTS) * 100;
    t.ok(Math.abs(share - weight) < 1, `${name} got ${share} % instead of ${weight} %`);
  }

  const many = (target: string, headers: http.OutgoingHttpHeaders) =>
    Promise.all(Array.from({ length: 200 }, () => ask(target, headers)));
  t.same([...new Set(await many('/header', { 'x-draw': '96' }))], ['b']);
  t.same([...new Set(await many('/header', { 'x-draw': '199' }))], ['c']);
  for (const key of ['one', 'two', 'three']) {
    t.equal(new Set(await many('/hash', { 'x-key': key })).size, 1, `${key} goes to one cluster`);
  }
  agent.destroy();
  proxy.command.signal('SIGTERM');
  await proxy.command.ended;
});
