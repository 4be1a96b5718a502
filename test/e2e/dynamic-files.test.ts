// Listeners, clusters, endpoints and routes out of files that are swapped while requests run.
import { Agent, type RequestOptions, request } from 'node:http';
import t, { type Test } from 'tap';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster, ResourceFiles } from '../support/resource-files.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';

const NODE = { id: 'test', cluster: 'test' };

/** A route table that sends everything to one cluster. */
function routesTo(name: string, cluster: string): Message {
  const route = { match: { prefix: '/' }, route: { cluster } };
  return { name, virtual_hosts: [virtualHost(['*'], [route])] };
}

function rdsListener(name: string, config_source: Message): Message {
  const rds = { config_source, route_config_name: 'routes' };
  const manager = { route_config: undefined, rds };
  return httpListener(name, {}, { manager });
}

async function get(address: string, path = '/'): Promise<{ status: number; upstream: string }> {
  const response = await fetch(`http://${address}${path}`, { headers: { connection: 'close' } });
  const text = await response.text();
  const { upstream = '' } = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, upstream };
}

interface Rig {
  readonly files: ResourceFiles;
  readonly proxy: SpawnedServer;
  readonly ports: Readonly<Record<'a' | 'b', number>>;
}

async function start(
  t: Test,
  flags: readonly string[],
  prepare: (files: ResourceFiles, ports: Rig['ports']) => Message,
): Promise<Rig> {
  const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
  const ports = { a: a.port, b: b.port };
  let files: ResourceFiles | null = null;
  const proxy = await spawnServer(
    (directory) => {
      files = new ResourceFiles(directory);
      return { node: NODE, ...prepare(files, ports) };
    },
    { flags },
  );
  t.teardown(async () => {
    proxy.kill('SIGKILL');
    await proxy.exited;
    await Promise.all([a.close(), b.close()]);
  });
  return { files: files as unknown as ResourceFiles, proxy, ports };
}

t.test(
  'routes and endpoints that do not come in time are 404 and 503 until they come',
  async (t) => {
    const { files, proxy, ports } = await start(t, [], (files) => {
      files.write('lds', [rdsListener('in', files.source('rds', '0.2s'))]);
      files.write('cds', [edsCluster('one', files.source('eds', '0.2s'))]);
      return {
        dynamic_resources: { lds_config: files.source('lds'), cds_config: files.source('cds') },
      };
    });
    const address = await proxy.listener('in');
    t.equal((await get(address)).status, 404);
    files.write('rds', [routesTo('routes', 'one')]);
    await eventually(async () => (await get(address)).status === 503);
    files.write('eds', [assignment('one', [ports.a])]);
    await eventually(async () => (await get(address)).upstream === 'a');
    t.pass('both came');
  },
);

for (const concurrency of ['1', '4']) {
  t.test(`with ${concurrency} workers`, async (t) => {
    const { files, proxy, ports } = await start(
      t,
      ['--concurrency', concurrency],
      (files, ports) => {
        files.write('lds', [rdsListener('in', files.source('rds'))]);
        files.write('rds', [routesTo('routes', 'one')]);
        files.write('cds', [edsCluster('one', files.source('eds')), staticCluster('two', ports.b)]);
        files.write('eds', [assignment('one', [ports.a])]);
        return {
          dynamic_resources: { lds_config: files.source('lds'), cds_config: files.source('cds') },
        };
      },
    );
    const address = await proxy.listener('in');
    t.same(await get(address), { status: 200, upstream: 'a' }, 'everything is there at the start');

    files.write('eds', [assignment('one', [ports.b])]);
    await eventually(async () => (await get(address)).upstream === 'b');
    t.pass('endpoints move');

    files.write('eds', [assignment('one', [ports.a])]);
    files.write('rds', [routesTo('routes', 'two')]);
    await eventually(async () => (await get(address)).upstream === 'b');
    t.pass('routes move');

    files.write('rds', [routesTo('routes', 'one')]);
    await eventually(async () => (await get(address)).upstream === 'a');
    files.write('cds', [staticCluster('two', ports.b)]);
    await eventually(async () => (await get(address)).status === 503);
    t.pass('a cluster that is gone answers 503');

    files.write('lds', []);
    await eventually(async () => !(await proxy.admin('/listeners')).includes('in::'));
    t.pass('a listener that is gone is not bound');
  });
}

t.test(
  'connections of filter chains that stay the same outlive an update of the listener',
  async (t) => {
    const chain = (port: number, status: number, names: readonly string[]): Message => {
      const routes = [{ match: { prefix: '/' }, direct_response: { status } }];
      const { filter_chains } = httpListener('in', { virtual_hosts: [virtualHost(['*'], routes)] });
      const [only] = filter_chains as readonly Message[];
      const match = {
        source_prefix_ranges: names.map((ip) => ({ address_prefix: ip, prefix_len: 32 })),
      };
      return { ...only, name: `chain-${port}`, filter_chain_match: match };
    };
    const listener = (first: number, second: number): Message => ({
      ...httpListener('in', {}),
      filter_chains: [chain(1, first, ['127.0.0.2']), chain(2, second, ['127.0.0.3'])],
    });
    const { files, proxy } = await start(t, [], (files) => {
      files.write('lds', [listener(200, 200)]);
      return { dynamic_resources: { lds_config: files.source('lds') } };
    });
    const address = await proxy.listener('in');
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    const clients = ['127.0.0.2', '127.0.0.3'].map(
      (localAddress) => new Client(port, localAddress),
    );
    t.teardown(() => {
      for (const client of clients) client.close();
    });
    t.same(await Promise.all(clients.map((client) => client.get())), ['200 1', '200 1']);
    files.write('lds', [listener(200, 201)]);
    await eventually(async () =>
      /in_place_updated: 1$/m.test(await proxy.admin('/stats?filter=in_place')),
    );
    t.equal(await clients[0]?.get(), '200 1', 'on the connection it had');
    t.same(await clients[1]?.get(), '201 2', 'on a connection of the new chain');
    t.match(await proxy.admin('/stats?filter=total_listeners_draining'), /: 0$/m);
  },
);

/** Keeps one connection as long as the proxy does; says on which one it was answered. */
class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #options: RequestOptions;
  readonly #sockets = new Set<unknown>();

  constructor(port: number, localAddress: string) {
    this.#options = { agent: this.#agent, host: '127.0.0.1', port, localAddress };
  }

  /** Status, and how many connections there were so far. Sends again what met a closing connection. */
  async get(): Promise<string> {
    for (;;) {
      const answer = await this.#ask();
      if (answer !== null && (answer.status !== 200 || !answer.isLast)) {
        return `${answer.status} ${this.#sockets.size}`;
      }
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(): Promise<{ status: number; isLast: boolean } | null> {
    return new Promise((resolve) => {
      const asked = request(this.#options, (response) => {
        const isLast = response.headers.connection === 'close';
        response.resume().once('end', () => resolve({ status: response.statusCode ?? 0, isLast }));
      });
      asked.once('socket', (socket) => this.#sockets.add(socket));
      asked.once('error', () => resolve(null)).end();
    });
  }
}
