// Circuit breakers: who is let through, who waits and who is refused, with which flags, gauges and
// counters. Requests are held by their upstream until both proxies have shown what they make of them.
import { get as httpGet } from 'node:http';
import t from 'tap';
import { CountingUpstream } from '../support/counting-upstream.ts';
import { eventually } from '../support/eventually.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

/** A cluster and what is asked of it. */
interface Setting {
  /** Of priority DEFAULT. */
  readonly thresholds?: Message;
  readonly high?: Message;
  readonly perHost?: Message;
  /** Addresses of the upstream; one where nothing is said. */
  readonly hosts?: number;
  /** Requests at once, of routes of either priority. */
  readonly asked?: number;
  readonly askedHigh?: number;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  defaults: { asked: 2 },
  requests: { thresholds: { max_requests: 1 }, asked: 3 },
  requests_none: { thresholds: { max_requests: 0, track_remaining: true }, asked: 2 },
  pending: { thresholds: { max_pending_requests: 1, max_connections: 1 }, asked: 3 },
  pending_none: { thresholds: { max_pending_requests: 0, track_remaining: true }, asked: 2 },
  connections: { thresholds: { max_connections: 1 }, asked: 3 },
  connections_none: { thresholds: { max_connections: 0, track_remaining: true }, asked: 2 },
  connections_hosts: { thresholds: { max_connections: 1 }, hosts: 2, asked: 4 },
  tracked: {
    thresholds: {
      ...{ max_connections: 4, max_pending_requests: 5, max_requests: 2, max_retries: 7 },
      ...{ max_connection_pools: 3, track_remaining: true },
    },
    asked: 3,
  },
  budget: { thresholds: { retry_budget: {}, track_remaining: true }, asked: 1 },
  pools: { thresholds: { max_connection_pools: 1, track_remaining: true }, hosts: 2, asked: 2 },
  pools_none: { thresholds: { max_connection_pools: 0, track_remaining: true }, asked: 1 },
  high: { thresholds: { max_requests: 0 }, high: { max_requests: 1 }, asked: 1, askedHigh: 2 },
  high_only: { high: { max_requests: 0, track_remaining: true }, asked: 1, askedHigh: 1 },
  per_host: { perHost: { max_connections: 1 }, hosts: 2, asked: 4 },
  per_host_high: {
    perHost: { max_connections: 1, priority: 'HIGH' },
    ...{ asked: 2, askedHigh: 2 },
  },
  by_runtime: { thresholds: { max_requests: 5 }, asked: 3 },
};

const RUNTIME = { 'circuit_breakers.by_runtime.default.max_requests': 2 };

function cluster(name: string, setting: Setting, port: number): Message {
  const { thresholds, high, perHost, hosts = 1 } = setting;
  const all = [thresholds, high === undefined ? high : { priority: 'HIGH', ...high }];
  const lb_endpoints = Array.from({ length: hosts }, (_, index) => ({
    endpoint: {
      address: { socket_address: { address: `127.0.0.${index + 1}`, port_value: port } },
    },
  }));
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
    circuit_breakers: {
      thresholds: all.filter((each) => each !== undefined),
      ...(perHost !== undefined && { per_host_thresholds: [perHost] }),
    },
  };
}

function bootstrap(port: number): Message {
  const flags = [
    { header: { key: 'x-flags', value: '%RESPONSE_FLAGS%' } },
    { header: { key: 'x-details', value: '%RESPONSE_CODE_DETAILS%' } },
  ];
  const names = Object.keys(SETTINGS);
  const routes = names.flatMap((name) => [
    { match: { path: `/${name}` }, route: { cluster: name } },
    { match: { path: `/${name}/high` }, route: { cluster: name, priority: 'HIGH' } },
  ]);
  const host = virtualHost(['*'], routes, { response_headers_to_add: flags });
  const clusters = Object.entries(SETTINGS).map(([name, setting]) => cluster(name, setting, port));
  return {
    ...bootstrapOf([httpListener('main', { virtual_hosts: [host] })], clusters),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    layered_runtime: { layers: [{ name: 'static', static_layer: RUNTIME }] },
  };
}

/** One proxy with an upstream of its own. */
class Side {
  readonly #upstream: CountingUpstream;
  readonly #admin: string;
  readonly #port: number;

  constructor(upstream: CountingUpstream, admin: string, port: number) {
    this.#upstream = upstream;
    this.#admin = admin;
    this.#port = port;
  }

  /** What there is to see of a setting: before, while requests are held, and after. */
  async run(name: string, { asked = 0, askedHigh = 0 }: Setting): Promise<unknown> {
    const before = await this.#stats(name);
    const usedBefore = await this.#used(name);
    this.#upstream.isHolding = true;
    const answers: string[] = [];
    const paths = [
      ...Array.from({ length: asked }, () => `/${name}`),
      ...Array.from({ length: askedHigh }, () => `/${name}/high`),
    ];
    const requests: Promise<void>[] = [];
    // One after the other: the limits decide in this order on both sides.
    for (const path of paths) {
      requests.push(this.#ask(path).then((answer) => void answers.push(`${path} ${answer}`)));
      await this.#settle(name, requests.length, answers);
    }
    const refused = [...answers];
    const held = this.#upstream.active.size;
    const during = await this.#stats(name);
    const usedDuring = await this.#used(name);
    this.#upstream.answerAll();
    await Promise.all(requests);
    await eventually(async () => (await this.#stats(name)).get('upstream_rq_active') === 0);
    const after = await this.#stats(name);
    return {
      ...{ usedBefore, usedDuring, refused, held, answers },
      before: Object.fromEntries(before),
      during: Object.fromEntries(during),
      after: Object.fromEntries(after),
    };
  }

  /** Everything that was asked is answered, held, or waits in the proxy. */
  async #settle(name: string, asked: number, answers: readonly string[]): Promise<void> {
    // A request that waits for its connection may yet be refused: what is so has to stay so.
    let before = '';
    let same = 0;
    await eventually(async () => {
      const waiting = (await this.#stats(name)).get('upstream_rq_pending_active') ?? 0;
      const [answered, held] = [answers.length, this.#upstream.active.size];
      const now = `${answered} ${held} ${waiting}`;
      same = now === before ? same + 1 : 0;
      before = now;
      return answered + held + waiting === asked && same >= 5;
    });
  }

  #ask(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      httpGet({ host: '127.0.0.1', port: this.#port, path, agent: false }, (response) => {
        let body = '';
        response.on('data', (data: Buffer) => {
          body += data.toString();
        });
        const { 'x-flags': flags, 'x-details': details } = response.headers;
        const overloaded = response.headers['x-envoy-overloaded'] ?? '-';
        const facts = `${response.statusCode} ${flags} ${details} overloaded: ${overloaded}`;
        response.on('end', () => resolve(`${facts} ${body}`));
      }).on('error', reject);
    });
  }

  /** Gauges and counters that have to do with limits. */
  async #stats(name: string): Promise<Map<string, number>> {
    const wanted = [
      'circuit_breakers\\..*',
      'upstream_cx_(overflow|pool_overflow|active|none_healthy|total)',
      'upstream_rq_(active|pending_active|active_overflow|pending_overflow|pending_total|total)',
    ];
    const filter = encodeURIComponent(`^cluster\\.${name}\\.(${wanted.join('|')})$`);
    const text = await (await fetch(`${this.#admin}/stats?filter=${filter}`)).text();
    const lines = text.trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [full = '', value] = line.split(': ');
        return [full.slice(`cluster.${name}.`.length), Number(value)] as const;
      }),
    );
  }

  /** Names of the breakers' gauges that `usedonly` shows. */
  async #used(name: string): Promise<readonly string[]> {
    const filter = encodeURIComponent(`^cluster\\.${name}\\.circuit_breakers\\.`);
    const text = await (await fetch(`${this.#admin}/stats?usedonly&filter=${filter}`)).text();
    return text
      .trim()
      .split('\n')
      .map((line) => line.split(': ')[0] ?? '');
  }
}

t.test('lets through, holds and refuses as Envoy', { skip: withoutEnvoy }, async (t) => {
  const upstreams = [new CountingUpstream(), new CountingUpstream()] as const;
  const [ourPort, envoyPort] = [
    await upstreams[0].listen('0.0.0.0'),
    await upstreams[1].listen('0.0.0.0'),
  ];
  const proxy = await withProxy(bootstrap(ourPort));
  try {
    await withEnvoy(bootstrap(envoyPort), async (envoy) => {
      const ours = new Side(upstreams[0], `http://${proxy.adminAddress}`, proxy.port);
      const address = await envoy.listener('main');
      const port = Number(address.slice(address.lastIndexOf(':') + 1));
      const theirs = new Side(upstreams[1], envoy.admin, port);
      for (const [name, setting] of Object.entries(SETTINGS)) {
        const outcomes = await Promise.all([ours.run(name, setting), theirs.run(name, setting)]);
        t.same(outcomes[0], outcomes[1], name);
      }
    });
  } finally {
    await proxy.stop();
    for (const upstream of upstreams) upstream.close();
  }
});
