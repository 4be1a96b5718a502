// Outlier detection: who is ejected for what, what is counted and logged, and who comes back. One of
// three hosts behaves as told, request by request; the others are well.
import fs from 'node:fs';
import { get as httpGet } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { closedPort } from '../support/dead-ports.ts';
import { eventually } from '../support/eventually.ts';
import { type Mood, MoodyUpstream } from '../support/moody-upstream.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { filterListener, tcpProxy } from '../support/tcp-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

/** A cluster, what its bad host does, and what both proxies must have come to. */
interface Setting {
  readonly detection: Message;
  /** One for each request that reaches the bad host; nothing listens there without any. */
  readonly moods?: readonly Mood[];
  /** Requests reach the bad host until these counters have these values. */
  readonly until: Readonly<Record<string, number>>;
  /** Lines of the log that come by themselves. */
  readonly laterEvents?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cluster?: Message;
  /** Sessions of a TCP proxy with these members, instead of requests. */
  readonly tcp?: Message;
}

const BAD = '127.0.0.1';
const HOSTS = [BAD, '127.0.0.2', '127.0.0.3'];
const WELL_AFTERWARDS = 9;
/** A machine with other things to do takes its time. */
const DEADLINE_MS = 20_000;
/** Nothing comes back and no interval ends while a setting is looked at. */
const LASTING = { interval: '100s', base_ejection_time: '100s', max_ejection_percent: 50 };
const QUICK = { interval: '0.2s', base_ejection_time: '0.3s', max_ejection_percent: 50 };
const BY_RATE = {
  ...{ ...LASTING, interval: '0.3s', consecutive_5xx: 1000 },
  ...{ success_rate_minimum_hosts: 3, success_rate_request_volume: 2 },
  ...{ success_rate_stdev_factor: 500, failure_percentage_minimum_hosts: 3 },
  ...{ failure_percentage_request_volume: 2 },
};
const GRPC = { 'content-type': 'application/grpc', te: 'trailers' };
const LOCAL = { split_external_local_origin_errors: true, consecutive_local_origin_failure: 2 };
const ONCE_5XX = { ejections_detected_consecutive_5xx: 1 };
const ONCE_LOCAL = { ejections_detected_consecutive_local_origin_failure: 1 };

const SETTINGS: Readonly<Record<string, Setting>> = {
  streak: { detection: { ...LASTING, consecutive_5xx: 3 }, moods: [500], until: ONCE_5XX },
  'streak with a success': {
    detection: { ...LASTING, consecutive_5xx: 3 },
    moods: [500, 500, 200, 500, 404, 501, 599, 500],
    until: ONCE_5XX,
  },
  'default threshold': { detection: LASTING, moods: [503], until: ONCE_5XX },
  'a tenth of three is none': {
    detection: { consecutive_5xx: 2 },
    moods: [500],
    until: { ejections_overflow: 2 },
  },
  'one in any case': {
    detection: { consecutive_5xx: 2, always_eject_one_host: true },
    moods: [500],
    until: ONCE_5XX,
  },
  'gateway failures': {
    detection: {
      ...LASTING,
      ...{ consecutive_gateway_failure: 3, enforcing_consecutive_gateway_failure: 100 },
      consecutive_5xx: 10,
    },
    moods: [503, 502, 500, 503, 502, 504],
    until: { ejections_detected_consecutive_gateway_failure: 1 },
  },
  'gateway failures are only told of': {
    detection: { ...LASTING, consecutive_gateway_failure: 2 },
    moods: [503],
    until: ONCE_5XX,
  },
  'never enforced': {
    detection: { ...LASTING, consecutive_5xx: 2, enforcing_consecutive_5xx: 0 },
    moods: [500],
    until: { ejections_detected_consecutive_5xx: 3 },
  },
  resets: { detection: { ...LASTING, consecutive_5xx: 2 }, moods: ['reset'], until: ONCE_5XX },
  'resets inside responses': {
    detection: { ...LASTING, consecutive_5xx: 1 },
    moods: ['reset-late'],
    until: ONCE_5XX,
  },
  timeouts: {
    detection: {
      ...LASTING,
      ...{ consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100 },
    },
    moods: ['silence'],
    until: { ejections_detected_consecutive_gateway_failure: 1 },
  },
  'nobody listens': { detection: { ...LASTING, consecutive_5xx: 2 }, until: ONCE_5XX },
  'apart, nobody listens': { detection: { ...LASTING, ...LOCAL }, until: ONCE_LOCAL },
  'apart, timeouts and resets': {
    detection: { ...LASTING, ...LOCAL, consecutive_local_origin_failure: 1 },
    moods: ['silence', 'reset'],
    until: ONCE_LOCAL,
  },
  'apart, responses': {
    detection: { ...LASTING, ...LOCAL, consecutive_5xx: 3 },
    moods: [503, 'reset', 503, 503],
    until: ONCE_5XX,
  },
  'gRPC status in the head': {
    detection: { ...LASTING, consecutive_5xx: 3 },
    ...{ moods: ['grpc'], headers: GRPC, until: ONCE_5XX },
  },
  'gRPC status in trailers': {
    detection: { ...LASTING, consecutive_5xx: 2 },
    moods: ['grpc', 'grpc-late', 'grpc', 'grpc'],
    ...{ headers: GRPC, until: ONCE_5XX },
  },
  'circuit breaker': {
    detection: { ...LASTING, consecutive_5xx: 1 },
    moods: [200],
    cluster: { circuit_breakers: { thresholds: [{ max_requests: 0 }] } },
    until: { ejections_detected_consecutive_5xx: 0 },
  },
  'comes back': {
    detection: { ...QUICK, consecutive_5xx: 2 },
    ...{ moods: [500, 500, 200], until: ONCE_5XX, laterEvents: 1 },
  },
  degraded: {
    detection: { ...QUICK, detect_degraded_hosts: true, max_ejection_percent: 0 },
    moods: ['degraded', 200],
    until: { ejections_detected_degradation: 1 },
    laterEvents: 1,
  },
  'degraded, unasked': {
    detection: LASTING,
    moods: ['degraded'],
    until: { ejections_detected_degradation: 0 },
  },
  'success rate': {
    detection: { ...BY_RATE, failure_percentage_minimum_hosts: 4 },
    moods: [500],
    until: { ejections_detected_success_rate: 1 },
  },
  'success rate and failure percentage': {
    detection: { ...BY_RATE, max_ejection_percent: 70 },
    moods: [500],
    until: { ejections_detected_success_rate: 1, ejections_detected_failure_percentage: 1 },
  },
  'success rate, failure percentage and no room for both': {
    detection: BY_RATE,
    moods: [500],
    until: { ejections_detected_success_rate: 1, ejections_detected_failure_percentage: 1 },
  },
  'failure percentage': {
    detection: { ...BY_RATE, enforcing_failure_percentage: 100, success_rate_minimum_hosts: 4 },
    moods: [500],
    until: { ejections_detected_failure_percentage: 1 },
  },
  'apart, success rate': {
    detection: {
      ...{ ...BY_RATE, ...LOCAL, consecutive_local_origin_failure: 1000 },
      failure_percentage_minimum_hosts: 4,
    },
    until: { ejections_detected_local_origin_success_rate: 1 },
  },
  'apart, failure percentage': {
    detection: {
      ...{ ...BY_RATE, ...LOCAL, consecutive_local_origin_failure: 1000 },
      ...{ enforcing_failure_percentage_local_origin: 100, success_rate_minimum_hosts: 4 },
    },
    until: { ejections_detected_local_origin_failure_percentage: 1 },
  },
  'TCP, nobody listens': {
    detection: { ...LASTING, consecutive_5xx: 2 },
    ...{ tcp: {}, until: ONCE_5XX },
  },
  'TCP, gateway failures': {
    detection: {
      ...LASTING,
      ...{ consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100 },
    },
    ...{ tcp: {}, until: { ejections_detected_consecutive_gateway_failure: 1 } },
  },
  'TCP, several attempts': {
    detection: { ...LASTING, consecutive_5xx: 2 },
    ...{ tcp: { max_connect_attempts: 3 }, until: ONCE_5XX },
  },
  'TCP, apart, nobody listens': {
    detection: { ...LASTING, ...LOCAL },
    ...{ tcp: {}, until: ONCE_LOCAL },
  },
  'TCP, apart, success rate': {
    detection: {
      ...{ ...BY_RATE, ...LOCAL, consecutive_local_origin_failure: 1000 },
      failure_percentage_minimum_hosts: 4,
    },
    ...{ tcp: {}, until: { ejections_detected_local_origin_success_rate: 1 } },
  },
  'TCP, what goes on in a session': {
    detection: { ...LASTING, consecutive_5xx: 1 },
    ...{ tcp: {}, moods: ['reset', 500], until: {} },
  },
  'TCP, comes back': {
    detection: { ...QUICK, consecutive_5xx: 1 },
    ...{ tcp: {}, until: ONCE_5XX, laterEvents: 1 },
  },
};

function cluster(name: string, setting: Setting, ports: { up: number; dead: number }): Message {
  const isDead = setting.moods === undefined;
  const lb_endpoints = HOSTS.map((address) => {
    const port_value = isDead && address === BAD ? ports.dead : ports.up;
    return { endpoint: { address: { socket_address: { address, port_value } } } };
  });
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
    common_lb_config: { update_merge_window: '0s', healthy_panic_threshold: { value: 0 } },
    outlier_detection: setting.detection,
    ...setting.cluster,
  };
}

function bootstrap(ports: { up: number; dead: number }, event_log_path: string): Message {
  const names = Object.entries(SETTINGS);
  const routes = names.map(([name, setting], index) => ({
    match: { path: `/${index}` },
    route: { cluster: name, timeout: setting.moods?.includes('silence') ? '0.5s' : '0s' },
  }));
  const hosts = virtualHost(['*'], routes);
  const sessions = names
    .filter(([, { tcp }]) => tcp !== undefined)
    .map(([name, { tcp }]) => filterListener(name, tcpProxy('t', { cluster: name, ...tcp })));
  const clusters = names.map(([name, setting]) => cluster(name, setting, ports));
  return {
    ...bootstrapOf([httpListener('main', { virtual_hosts: [hosts] }), ...sessions], clusters),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    cluster_manager: { outlier_detection: { event_log_path } },
  };
}

/** Where a proxy is found. */
interface SidePlace {
  readonly admin: string;
  /** By name of the listener. */
  readonly ports: Readonly<Record<string, number>>;
  readonly log: string;
}

/** One proxy with an upstream of its own. */
class Side {
  readonly upstream: MoodyUpstream;
  readonly #at: SidePlace;

  constructor(upstream: MoodyUpstream, at: SidePlace) {
    this.upstream = upstream;
    this.#at = at;
  }

  /** What there is to see of a setting. */
  async run(index: number, name: string, setting: Setting): Promise<unknown> {
    const { moods = [], until, laterEvents = 0, headers = {}, tcp } = setting;
    const port = this.#at.ports[tcp === undefined ? 'main' : name] ?? 0;
    this.upstream.moods.set(BAD, [...moods]);
    const before = this.upstream.hitsOf(BAD);
    const statuses = new Set<string>();
    const ask = async (): Promise<void> =>
      void statuses.add(await this.#ask({ port, path: `/${index}` }, headers));
    await eventually(async () => {
      for (const _ of HOSTS) await ask();
      const stats = await this.#stats(name);
      return Object.entries(until).every(([counter, value]) => (stats[counter] ?? 0) >= value);
    }, DEADLINE_MS);
    // Who comes back by itself may be back already.
    const flags = laterEvents > 0 ? null : await this.#flags(name);
    const wasEjected = this.upstream.hitsOf(BAD) - before;
    if (laterEvents === 0) for (let count = 0; count < WELL_AFTERWARDS; count += 1) await ask();
    const isOut = this.upstream.hitsOf(BAD) - before === wasEjected;
    // Counters count before lines are written.
    const stats = await this.#stats(name);
    const expected = eventsIn(stats) + laterEvents;
    await eventually(() => this.#events(name).length >= expected, DEADLINE_MS);
    const events = this.#events(name);
    const later = laterEvents === 0 ? null : await this.#flags(name);
    return { flags, later, stats, isOut, statuses: [...statuses].sort(), events };
  }

  #ask(
    place: { readonly port: number; readonly path: string },
    headers: Readonly<Record<string, string>>,
  ): Promise<string> {
    const at = { host: '127.0.0.1', ...place, agent: false, headers };
    return new Promise((resolve) => {
      httpGet(at, (response) => {
        response.resume();
        response.on('error', () => resolve('broken off'));
        response.on('end', () => resolve(String(response.statusCode)));
      }).on('error', () => resolve('failed'));
    });
  }

  async #stats(name: string): Promise<Record<string, number>> {
    const prefix = `cluster.${name}.outlier_detection.`;
    const filter = encodeURIComponent(`^cluster\\.${name}\\.outlier_detection\\.`);
    const text = await (await fetch(`${this.#at.admin}/stats?filter=${filter}`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(prefix));
    return Object.fromEntries(
      lines.map((line) => {
        const [counter = '', value] = line.slice(prefix.length).split(': ');
        return [counter, Number(value)];
      }),
    );
  }

  async #flags(name: string): Promise<readonly string[]> {
    const text = await (await fetch(`${this.#at.admin}/clusters`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}::`) && line.includes('::health_flags::'))
      .map((line) => line.replace(/:\d+::health_flags/, ''));
  }

  #events(name: string): readonly string[] {
    if (!fs.existsSync(this.#at.log)) return [];
    return fs
      .readFileSync(this.#at.log, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`"cluster_name":"${name}"`))
      .map((line) => line.replace(/"timestamp":"[-\dT:]{19}(\.\d{3})?Z"/, '"timestamp":""'))
      .map((line) => line.replace(/(127\.0\.0\.\d):\d+/, '$1'));
  }
}

/** Lines of ejections that belong to these counters. */
function eventsIn(stats: Readonly<Record<string, number>>): number {
  const found = Object.entries(stats).filter(([name]) => name.startsWith('ejections_detected_'));
  const all = found.reduce((sum, [, value]) => sum + value, 0);
  return all - (stats['ejections_overflow'] ?? 0);
}

t.test('finds, ejects, logs and lets back in as Envoy', { skip: withoutEnvoy }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'outlier-'));
  const upstreams = [new MoodyUpstream(), new MoodyUpstream()] as const;
  const dead = await closedPort();
  const logs = [path.join(directory, 'ours'), path.join(directory, 'envoy')] as const;
  const ports = [await upstreams[0].listen(), await upstreams[1].listen()] as const;
  const proxy = await withProxy(bootstrap({ up: ports[0], dead }, logs[0]), {
    fileFlushIntervalMs: 20,
  });
  const theirs = bootstrap({ up: ports[1], dead }, logs[1]);
  const flush = ['--file-flush-interval-msec', '20'];
  try {
    await withEnvoy(
      theirs,
      async (envoy) => {
        const theirPorts: Record<string, number> = {};
        for (const name of Object.keys(proxy.ports)) {
          theirPorts[name] = Number((await envoy.listener(name)).split(':').at(-1));
        }
        const admin = `http://${proxy.adminAddress}`;
        const sides = [
          new Side(upstreams[0], { admin, ports: proxy.ports, log: logs[0] }),
          new Side(upstreams[1], { admin: envoy.admin, ports: theirPorts, log: logs[1] }),
        ];
        for (const [index, [name, setting]] of Object.entries(SETTINGS).entries()) {
          const [ours, envoys] = await Promise.all(
            sides.map((side) => side.run(index, name, setting)),
          );
          t.same(ours, envoys, name);
        }
      },
      flush,
    );
  } finally {
    await proxy.stop();
    for (const upstream of upstreams) upstream.close();
    fs.rmSync(directory, { recursive: true });
  }
});
