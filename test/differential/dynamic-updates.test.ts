// A configuration that changes while it serves, beside Envoy: what is asked and answered, what
// serves, what /config_dump and the statistics show after each step.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { closedPort } from '../support/dead-ports.ts';
import { ADS, rdsListener, routeTable } from '../support/dynamic-bootstrap.ts';
import { type DynamicStep, playSteps } from '../support/dynamic-steps.ts';
import type { DynamicSide } from '../support/dynamic-twins.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const ROUTES = routeTable('routes', { '/two': 'two', '/': 'one' });
const one = () => edsCluster('one', ADS);

/** Of errors only the configuration is compared: texts are each one's own, and we say versions. */
const UNCOMPARED = new Set([
  ...['last_updated', 'last_update_attempt', 'port_value', 'client_status', 'details'],
]);

/** Without moments, ports and what is only ours or theirs to say. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked).sort(byText);
  if (value === null || typeof value !== 'object') return value;
  if ('failed_configuration' in value) return masked(value.failed_configuration);
  const isRefused = 'error_state' in value && !('active_state' in value);
  const entries = Object.entries(value).filter(
    ([key]) => !UNCOMPARED.has(key) && !(isRefused && key === 'name'),
  );
  return Object.fromEntries(
    entries.sort(([x], [y]) => (x < y ? -1 : 1)).map(([key, each]) => [key, masked(each)]),
  );
}

/** The order of listed resources is nobody's promise. */
function byText(left: unknown, right: unknown): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}

async function parts(side: DynamicSide, ...names: readonly string[]): Promise<unknown> {
  const dump = await side.dump();
  return names.map((name) => masked(dump[name]));
}

const STEPS: Readonly<Record<string, DynamicStep>> = {
  start: async (side, ports) => {
    const { plane } = side;
    await plane.asked('cluster');
    plane.push('cluster', [one(), staticCluster('two', ports.b)]);
    await plane.asked('endpoint', 'one');
    await plane.set('endpoint', [assignment('one', [ports.a])]);
    await plane.asked('listener');
    plane.push('listener', [rdsListener('in')]);
    await plane.asked('route', 'routes');
    await plane.set('route', [ROUTES]);
    await side.serving();
    return [await side.get('/'), await parts(side, 'Clusters', 'Listeners', 'Routes')];
  },
  'a cluster warms': async (side, ports) => {
    const { plane } = side;
    const nonce = plane.push('cluster', [
      one(),
      staticCluster('two', ports.b),
      edsCluster('three', ADS),
    ]);
    await plane.asked('endpoint', 'three');
    const seen = [
      plane.requests(),
      await parts(side, 'Clusters'),
      await side.stats(
        /^cluster_manager\.(?!cds.(?:update_(?:duration|time)|config_reload_time|version:))/,
      ),
    ];
    await plane.set('endpoint', [assignment('one', [ports.a]), assignment('three', [ports.b])]);
    return [
      ...seen,
      await plane.answer(nonce),
      await parts(side, 'Clusters'),
      await side.stats(
        /^cluster_manager\.(?!cds.(?:update_(?:duration|time)|config_reload_time|version:))/,
      ),
    ];
  },
  'a listener warms': async (side) => {
    const { plane } = side;
    await plane.set('listener', [rdsListener('in'), rdsListener('second', { table: 'late' })]);
    await plane.asked('route', 'late');
    const seen = [
      await parts(side, 'Listeners'),
      await side.stats(
        /^listener_manager\.(?!lds.(?:update_(?:duration|time)|version:)|.*worker|listener_added)/,
      ),
    ];
    await plane.set('route', [ROUTES, routeTable('late', { '/': 'three' })]);
    await eventually(async () => (await side.get('/', 'second')) === 'b');
    return [
      ...seen,
      await parts(side, 'Listeners', 'Routes'),
      await side.stats(
        /^listener_manager\.(?!lds.(?:update_(?:duration|time)|version:)|.*worker|listener_added)/,
      ),
    ];
  },
  'what is refused is an error state': async (side, ports) => {
    const { plane } = side;
    const clusters = [one(), staticCluster('two', ports.b), edsCluster('three', ADS)];
    await plane.set('cluster', [...clusters, { name: 'bad', type: 'EDS' }]);
    await plane.set('listener', [
      rdsListener('in'),
      rdsListener('second', { table: 'late' }),
      { ...rdsListener('bad'), address: undefined },
    ]);
    plane.requests();
    const seen = await parts(side, 'Clusters', 'Listeners');
    await plane.set('cluster', clusters);
    await plane.set('listener', [rdsListener('in')]);
    await plane.dropped('route', 'late');
    return [seen, await parts(side, 'Clusters', 'Listeners', 'Routes')];
  },
  'which version is in use': async (side, ports) => {
    const { plane } = side;
    const seen: unknown[] = [];
    const look = async () => {
      const dump = await side.dump();
      seen.push([
        dump['Clusters']?.['version_info'],
        dump['Listeners']?.['version_info'],
        await side.stats(
          /^(?:cluster_manager.cds|listener_manager.lds|http.in.rds.nothing)\.(?:version_text|config_reload|update_success|update_rejected|update_attempt|update_empty|update_failure): /,
        ),
      ]);
    };
    const clusters = [one(), staticCluster('two', ports.b)];
    await look();
    await plane.set('cluster', clusters);
    await look();
    await plane.set('cluster', clusters);
    await look();
    await plane.set('cluster', [
      ...clusters,
      staticCluster('four', ports.b),
      { name: 'bad', type: 'EDS' },
    ]);
    await look();
    await plane.set('cluster', [...clusters, { name: 'bad', type: 'EDS' }]);
    await look();
    await plane.set('cluster', clusters);
    await look();
    const bad = { ...rdsListener('bad'), address: undefined };
    await plane.set('listener', [rdsListener('in')]);
    await look();
    await plane.set('listener', [rdsListener('in'), bad, rdsListener('fourth')]);
    await look();
    await plane.set('listener', [rdsListener('in'), bad]);
    await look();
    await plane.set('listener', [rdsListener('in')]);
    await look();
    await plane.set('route', [routeTable('routes', { '/': 'one' })]);
    await look();
    await plane.set('route', [routeTable('routes', { '/': 'one' })]);
    await look();
    await plane.set('route', [ROUTES]);
    await look();
    return seen;
  },
  'requests in flight when their cluster goes': async (side, ports) => {
    const { plane } = side;
    const gate = await Gate.listen();
    const clusters = [one(), staticCluster('two', ports.b)];
    await plane.set('cluster', [...clusters, staticCluster('gate', gate.port)]);
    await plane.set('route', [routeTable('routes', { '/gate': 'gate', '/': 'one' })]);
    const waiting = side.get('/gate');
    await gate.asked(1);
    await plane.set('cluster', clusters);
    const after = await side.get('/gate');
    gate.open();
    const seen = [await waiting, after];
    await plane.set('cluster', [...clusters, staticCluster('gate', gate.port)]);
    gate.close();
    const again = side.get('/gate');
    await gate.asked(2);
    await plane.set('cluster', [
      ...clusters,
      { ...staticCluster('gate', ports.a), connect_timeout: '4s' },
    ]);
    const replaced = await side.get('/gate');
    gate.open();
    seen.push(await again, replaced);
    gate.close();
    const third = side.get('/gate');
    await third;
    await plane.set('route', [ROUTES]);
    await gate.end();
    return [seen, await side.stats(/^cluster_manager\.cluster_(?:removed|modified|updated): /)];
  },
  'a listener is changed': async (side) => {
    const { plane } = side;
    const chained = (members: Message) => twoChains(members);
    await plane.set('listener', [rdsListener('in'), chained({})]);
    await eventually(async () => (await side.address('chains')) !== '');
    const port = (await side.address('chains')).split(':')[1] ?? '';
    const [first, second] = [new Client('127.0.0.1', port), new Client('127.0.0.2', port)];
    const seen = [await first.get(), await second.get()];
    await plane.set('listener', [rdsListener('in'), chained({ second: 'other' })]);
    await eventually(async () => /in_place_updated: 1/.test(await side.admin('/stats')));
    seen.push('in place', await first.get(), await second.get());
    const draining = await side.stats(
      /^listener_manager\.(?:listener_|total_).*(?<!success|added|draining): /,
    );
    seen.push(await new Client('127.0.0.2', port).get());
    await plane.set('listener', [rdsListener('in'), chained({ second: 'other', timeout: '3s' })]);
    await eventually(async () => /listener_modified: 2/.test(await side.admin('/stats')));
    seen.push('replaced', await first.get());
    seen.push(await new Client('127.0.0.1', port).get());
    await plane.set('listener', [rdsListener('in')]);
    seen.push('removed', await new Client('127.0.0.1', port).get());
    return [seen, draining];
  },
  'a listener moves': async (side) => {
    const { plane } = side;
    const [from, to] = [await closedPort(), await closedPort()];
    const at = (port: number) => ({
      ...rdsListener('moves'),
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
    });
    await plane.set('listener', [rdsListener('in'), at(from)]);
    await eventually(async () => (await new Client('127.0.0.1', from).get()) === '200 a');
    const open = new Client('127.0.0.1', from);
    const seen = [await open.get()];
    const answer = await plane.set('listener', [rdsListener('in'), at(to)]);
    await eventually(async () => (await new Client('127.0.0.1', to).get()) === '200 a');
    seen.push(answer.replace(/nonce.*/, ''), await new Client('127.0.0.1', from).get());
    seen.push(await open.get());
    await plane.set('listener', [rdsListener('in')]);
    return seen;
  },
  'a listener with the address of another': async (side) => {
    const { plane } = side;
    const port = await closedPort();
    const at = (name: string) => ({
      ...rdsListener(name),
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
    });
    const seen = [await plane.set('listener', [rdsListener('in'), at('x'), at('y')])];
    seen.push(await plane.set('listener', [rdsListener('in'), at('y')]));
    await eventually(async () => (await side.get('/', 'y')) === 'a');
    seen.push(await plane.set('listener', [rdsListener('in')]));
    return seen.map((text) => text.replaceAll(String(port), 'PORT'));
  },
};

/** Two filter chains, by the address that was asked for. */
function twoChains({ second = 'second', timeout = '15s' }: Message): Message {
  const chain = (name: string, address: string) => {
    const { filter_chains } = httpListener(
      name,
      { virtual_hosts: [virtualHost(['*'], [REPLY])] },
      {
        manager: { stat_prefix: name },
      },
    ) as unknown as { filter_chains: Message[] };
    const ranges = [{ address_prefix: address, prefix_len: 32 }];
    return { name: address, filter_chain_match: { prefix_ranges: ranges }, ...filter_chains[0] };
  };
  return {
    name: 'chains',
    address: { socket_address: { address: '0.0.0.0', port_value: 0 } },
    filter_chains: [chain('first', '127.0.0.1'), chain(String(second), '127.0.0.2')],
    listener_filters_timeout: timeout,
  };
}

const REPLY = {
  match: { prefix: '/' },
  direct_response: { status: 200, body: { inline_string: 'reply' } },
};

/** One connection that is kept; what becomes of a request on it. */
class Client {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #options: http.RequestOptions;
  readonly #sockets = new Set<unknown>();

  constructor(host: string, port: number | string) {
    this.#options = { host, port, path: '/', agent: this.#agent };
  }

  /**
   * Status and upstream, and whether the connection is another one. Which response is the last one
   * is a matter of chance where connections end gradually.
   */
  get(): Promise<string> {
    return new Promise((resolve) => {
      const request = http.get(this.#options, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          body += part;
        });
        const { socket } = request;
        response.on('end', () => {
          const from = body.startsWith('{') ? JSON.parse(body).upstream : body;
          const isNew = this.#sockets.size > 0 && !this.#sockets.has(socket);
          this.#sockets.add(socket);
          resolve(`${response.statusCode} ${from}${isNew ? ' new' : ''}`);
        });
      });
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  }
}

/** An upstream that answers when it is told to. */
class Gate {
  readonly #server: http.Server;
  readonly #waiting: http.ServerResponse[] = [];
  #isOpen = false;
  #count = 0;

  private constructor() {
    this.#server = http.createServer(KEPT, (_, response) => {
      this.#count += 1;
      if (this.#isOpen) answer(response);
      else this.#waiting.push(response);
    });
  }

  static async listen(): Promise<Gate> {
    const gate = new Gate();
    await new Promise<void>((resolve) => gate.#server.listen(0, '127.0.0.1', resolve));
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  asked(count: number): Promise<void> {
    return eventually(() => this.#count >= count);
  }

  open(): void {
    this.#isOpen = true;
    for (const response of this.#waiting.splice(0)) answer(response);
  }

  close(): void {
    this.#isOpen = false;
  }

  end(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

function answer(response: http.ServerResponse): void {
  response.end(JSON.stringify({ upstream: 'gate' }));
}

t.test('a configuration that changes, beside Envoy', { skip: withoutEnvoy }, (t) =>
  playSteps(t, STEPS),
);
