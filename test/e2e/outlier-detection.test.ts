// Outlier detection of a proxy as a whole: what four workers see counts together, and what follows
// from it holds for all of them, whatever becomes of one.
import { renameSync } from 'node:fs';
import { Agent, get as httpGet } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { MoodyUpstream } from '../support/moody-upstream.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { type ProxyProcess, startProcess, TestDirectory } from '../support/with-process.ts';

const BAD = '127.0.0.1';
const GOOD = '127.0.0.2';
const WORKERS = 4;
const STREAK = 40;
/** How long an ejection may take to reach the last worker. */
const SPREAD_MS = 100;
/** Where the machine is busy with other things, one good round out of these is enough. */
const MAX_ROUNDS = 6;
/** Wall time in ms at which the worker got the request. */
const BEGUN = 'x-begun';
/** A machine with other things to do takes seconds to start a worker. */
const DEADLINE_MS = 30_000;
/** Everything that was ejected stays out. */
const DETECTION = { interval: '100s', base_ejection_time: '100s', max_ejection_percent: 50 };
/** A connection for each: the system hands them to all workers. */
const STAMP = { header: { key: BEGUN, value: '%START_TIME(%s%3f)%' } };
const AGENT = new Agent({ keepAlive: false });

function cluster(name: string, port: number, members: Message): Message {
  const lb_endpoints = [BAD, GOOD].map((address) => ({
    endpoint: { address: { socket_address: { address, port_value: port } } },
  }));
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    ...members,
  };
}

function bootstrap(port: number, logPath: string, members: Message = {}): Message {
  const routes = ['streak', 'rate', 'brief'].map((name) => ({
    match: { prefix: `/${name}` },
    route: { cluster: name },
  }));
  const rate = {
    ...{ ...DETECTION, interval: '0.2s', consecutive_5xx: 1_000_000 },
    ...{ success_rate_minimum_hosts: 3, failure_percentage_minimum_hosts: 2 },
    ...{ failure_percentage_request_volume: 30, enforcing_failure_percentage: 100 },
  };
  const host = virtualHost(['*'], routes, { request_headers_to_add: [STAMP] });
  const streak = { ...DETECTION, consecutive_5xx: STREAK };
  const brief = {
    ...{ ...DETECTION, interval: '0.1s', consecutive_5xx: 10 },
    ...{ base_ejection_time: '0.5s', max_ejection_time: '0.5s' },
  };
  const clusters = [
    cluster('streak', port, { outlier_detection: streak, ...members }),
    cluster('rate', port, { outlier_detection: rate }),
    cluster('brief', port, { outlier_detection: brief }),
  ];
  return {
    ...bootstrapOf([httpListener('main', { virtual_hosts: [host] })], clusters),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    cluster_manager: { outlier_detection: { event_log_path: logPath } },
  };
}

/** Who answered: the address, or an error's code. */
function ask(proxy: ProxyProcess, path: string): Promise<string> {
  const at = { host: '127.0.0.1', port: proxy.ports['main'] ?? 0, path, agent: AGENT };
  return new Promise((resolve) => {
    httpGet(at, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.headers['x-host'] ?? response.statusCode)));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}

/** The proxy, with its upstream, log and statistics. */
class Rig {
  readonly directory = new TestDirectory();
  readonly upstream = new MoodyUpstream();
  readonly logPath = join(this.directory.path, 'events.log');
  #port = 0;

  async start(): Promise<ProxyProcess> {
    this.#port = await this.upstream.listen();
    this.upstream.moods.set(BAD, [500]);
    const config = this.configure();
    const flags = ['--concurrency', String(WORKERS), '--file-flush-interval-msec', '20'];
    return startProcess(this.directory, config, ...flags);
  }

  /** Writes the configuration, with these members of the cluster. */
  configure(members: Message = {}): string {
    return this.directory.write('config.json', bootstrap(this.#port, this.logPath, members));
  }

  events(): readonly string[] {
    // The last line may be in the making.
    return this.directory.read('events.log').split('\n').slice(0, -1);
  }

  async stat(proxy: ProxyProcess, name: string): Promise<number> {
    const url = `http://127.0.0.1:${proxy.adminPort}/stats?filter=${name}$`;
    return Number((await (await fetch(url)).text()).split(': ')[1] ?? 0);
  }

  /** True when as many connections as workers have been answered by somebody else. */
  async staysOut(proxy: ProxyProcess): Promise<boolean> {
    const answers = await Promise.all(
      Array.from({ length: 10 * WORKERS }, () => ask(proxy, '/streak')),
    );
    return answers.every((answer) => answer === GOOD);
  }

  async stop(proxy: ProxyProcess): Promise<void> {
    proxy.command.signal('SIGKILL');
    await proxy.command.ended;
    this.upstream.close();
    this.directory.remove();
  }
}

t.test('four workers are one detector', async (t) => {
  const rig = new Rig();
  const { upstream } = rig;
  const proxy = await rig.start();
  const prefix = 'cluster.streak.outlier_detection.';
  t.teardown(() => rig.stop(proxy));

  // Each failure but the last, by several at once.
  const missing = () => STREAK - 1 - upstream.hitsOf(BAD);
  while (missing() > 0) {
    const count = Math.min(missing(), 8);
    await Promise.all(Array.from({ length: count }, () => ask(proxy, '/streak')));
  }
  t.equal(upstream.hitsOf(BAD), STREAK - 1);
  t.equal(
    await rig.stat(proxy, `${prefix}ejections_detected_consecutive_5xx`),
    0,
    'one is missing',
  );

  while (upstream.hitsOf(BAD) < STREAK) await ask(proxy, '/streak');
  await eventually(() => rig.staysOut(proxy), DEADLINE_MS);
  t.equal(await rig.stat(proxy, `${prefix}ejections_detected_consecutive_5xx`), 1, 'told of once');
  t.equal(await rig.stat(proxy, `${prefix}ejections_active`), 1);
  t.ok(await rig.staysOut(proxy));

  // A worker that comes later knows it from the start.
  const before = proxy.command.children();
  const hits = upstream.hitsOf(BAD);
  process.kill(before[0] ?? 0, 'SIGKILL');
  await eventually(() => {
    const now = proxy.command.children();
    return now.length === WORKERS && !now.includes(before[0] ?? 0);
  }, DEADLINE_MS);
  await eventually(() => rig.staysOut(proxy), DEADLINE_MS);
  t.equal(upstream.hitsOf(BAD), hits, 'also when a worker is replaced');

  // So do the hosts of a cluster that was changed.
  rig.configure({ connect_timeout: '4s' });
  proxy.command.signal('SIGHUP');
  await eventually(
    async () => (await rig.stat(proxy, 'server.config_reload_success')) === 1,
    DEADLINE_MS,
  );
  t.ok(await rig.staysOut(proxy));
  t.equal(upstream.hitsOf(BAD), hits, 'also when its cluster is configured anew');

  // Requests of all workers are one volume.
  t.equal(rig.events().length, 1);
  renameSync(rig.logPath, `${rig.logPath}.old`);
  proxy.command.signal('SIGUSR1');
  await eventually(async () => {
    await Promise.all(Array.from({ length: 20 * WORKERS }, () => ask(proxy, '/rate')));
    const name = 'cluster.rate.outlier_detection.ejections_enforced_failure_percentage';
    return (await rig.stat(proxy, name)) === 1;
  }, DEADLINE_MS);
  await eventually(() => rig.events().length === 1);
  const event = JSON.parse(rig.events()[0] ?? '{}');
  t.match(event, { type: 'FAILURE_PERCENTAGE', cluster_name: 'rate', enforced: true });
});

/** Moments of one ejection, wall time in ms. */
interface Ejection {
  readonly ejectedMs: number;
  readonly backMs: number;
}

/** The last ejection that was followed by a return, by the primary's log; null: none since `from`. */
function ejectionIn(lines: readonly string[]): Ejection | null {
  const events = lines.map((line) => JSON.parse(line));
  const back = events.findLast(({ action }) => action === 'UNEJECT');
  const ejected = events.findLast(({ action }) => action === 'EJECT');
  if (back === undefined || ejected === undefined) return null;
  return { ejectedMs: Date.parse(ejected.timestamp), backMs: Date.parse(back.timestamp) };
}

/** Lets the host fail until it is ejected, and asks until it is back: how long some worker used it. */
async function spreadMs(rig: Rig, proxy: ProxyProcess): Promise<number> {
  const { upstream } = rig;
  const begun: number[] = [];
  upstream.moods.set(BAD, [500]);
  upstream.onRequest = (address, { headers }) => {
    if (address === BAD) begun.push(Number(headers[BEGUN]));
  };
  const before = rig.events().length;
  const since = () => rig.events().slice(before);
  await eventually(async () => {
    await Promise.all(Array.from({ length: 3 * WORKERS }, () => ask(proxy, '/brief')));
    if (since().length > 0) upstream.moods.set(BAD, [200]);
    return ejectionIn(since()) !== null;
  }, DEADLINE_MS);
  const { ejectedMs, backMs } = ejectionIn(since()) as Ejection;
  const late = begun.filter((moment) => moment > ejectedMs && moment < backMs);
  return Math.max(0, ...late.map((moment) => moment - ejectedMs));
}

t.test('an ejection is in all workers within 100 ms', async (t) => {
  const rig = new Rig();
  const proxy = await rig.start();
  t.teardown(() => rig.stop(proxy));
  await eventually(async () => (await ask(proxy, '/brief')) === GOOD, DEADLINE_MS);
  const found: number[] = [];
  const isGood = (): boolean => (found.at(-1) ?? Number.POSITIVE_INFINITY) <= SPREAD_MS;
  while (found.length < MAX_ROUNDS && !isGood()) found.push(await spreadMs(rig, proxy));
  t.ok(isGood(), `some worker still used the host after ${found} ms`);
  const stats = await (await fetch(`http://127.0.0.1:${proxy.adminPort}/stats`)).text();
  const served = [...stats.matchAll(/\.worker_\d+\.downstream_cx_total: [1-9]/g)];
  t.equal(served.length, WORKERS, 'each worker was asked');
});
