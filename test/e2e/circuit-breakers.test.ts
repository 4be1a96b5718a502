// Limits of a cluster hold for the proxy as a whole: exactly, whatever the number of workers, and
// whatever becomes of them.
import { Agent, get as httpGet } from 'node:http';
import t, { type Test } from 'tap';
import { CountingUpstream } from '../support/counting-upstream.ts';
import { eventually } from '../support/eventually.ts';
import {
  bootstrapOf,
  httpListener,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { type ProxyProcess, startProcess, TestDirectory } from '../support/with-process.ts';

const CLIENTS = 200;
const LIMIT = 10;
const ROUNDS = 5;
/** A machine with other things to do takes seconds to start a worker. */
const DEADLINE_MS = 20_000;

/** A proxy in front of an upstream that counts. */
class Rig {
  readonly upstream: CountingUpstream;
  readonly proxy: ProxyProcess;
  /** By status, or by the code of the error. */
  readonly outcomes = new Map<string, number>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

  constructor(upstream: CountingUpstream, proxy: ProxyProcess) {
    this.upstream = upstream;
    this.proxy = proxy;
  }

  count(outcome: string): number {
    return this.outcomes.get(outcome) ?? 0;
  }

  /** One request; its outcome is counted. */
  async request(): Promise<void> {
    const outcome = await outcomeOf(this.proxy.ports['main'] ?? 0, this.#agent);
    this.outcomes.set(outcome, this.count(outcome) + 1);
  }

  /** All clients ask, the upstream holds what it gets: resolves when all others were refused. */
  async fill(): Promise<Promise<void>[]> {
    const { upstream } = this;
    this.outcomes.clear();
    upstream.isHolding = true;
    const requests = Array.from({ length: CLIENTS }, () => this.request());
    const isFull = (): boolean =>
      this.count('503 UO') === CLIENTS - LIMIT && upstream.active.size === LIMIT;
    await eventually(isFull, DEADLINE_MS);
    return requests;
  }

  /** Fills all places while the upstream holds what it gets, and checks that the limit is met exactly. */
  async checkExact(test: Test, title: string): Promise<void> {
    const { upstream } = this;
    const requests = await this.fill();
    await this.#checkGauges(test, `${title}, full`, { rq_open: 1, remaining_rq: 0 });
    upstream.answerAll();
    await Promise.all(requests);
    test.equal(this.count('200'), LIMIT, title);
    await this.#checkGauges(test, `${title}, empty`, { rq_open: 0, remaining_rq: LIMIT });
  }

  async gauge(name: string): Promise<number> {
    const path = `http://127.0.0.1:${this.proxy.adminPort}/stats?filter=${name}$`;
    const text = await (await fetch(path)).text();
    return Number(text.split(': ')[1]);
  }

  /** Clients that ask again and again while `meanwhile` goes on. */
  async load(meanwhile: () => Promise<void>): Promise<void> {
    let isLoading = true;
    const clients = Array.from({ length: CLIENTS }, async () => {
      for (let round = 0; isLoading || round < ROUNDS; round += 1) await this.request();
    });
    await meanwhile();
    isLoading = false;
    await Promise.all(clients);
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.proxy.command.signal('SIGKILL');
    await this.proxy.command.ended;
    this.upstream.close();
  }

  async #checkGauges(
    test: Test,
    title: string,
    wanted: Readonly<Record<string, number>>,
  ): Promise<void> {
    for (const [name, value] of Object.entries(wanted)) {
      const full = `cluster.main.circuit_breakers.default.${name}`;
      let seen = -1;
      const isRight = async (): Promise<boolean> => {
        seen = await this.gauge(full);
        return seen === value;
      };
      await eventually(isRight, DEADLINE_MS).catch(() => undefined);
      test.equal(seen, value, `${title}: ${name}`);
    }
  }
}

/** `200`, `503 UO` when the breaker refused, or an error's code. */
function outcomeOf(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    httpGet({ host: '127.0.0.1', port, path: '/', agent }, (response) => {
      const isOverflow = response.headers['x-envoy-overloaded'] === 'true';
      response.resume();
      response.on('end', () => resolve(`${response.statusCode}${isOverflow ? ' UO' : ''}`));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}

async function withRig(concurrency: number, use: (rig: Rig) => Promise<void>): Promise<void> {
  const directory = new TestDirectory();
  const upstream = new CountingUpstream();
  const cluster = {
    ...staticCluster('main', await upstream.listen()),
    circuit_breakers: { thresholds: [{ max_requests: LIMIT, track_remaining: true }] },
  };
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'main' } }];
  const listener = httpListener('main', { virtual_hosts: [virtualHost(['*'], routes)] });
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  const config = directory.write('config.json', { ...bootstrapOf([listener], [cluster]), admin });
  const proxy = await startProcess(directory, config, '--concurrency', String(concurrency));
  const rig = new Rig(upstream, proxy);
  try {
    await use(rig);
  } finally {
    await rig.stop();
    directory.remove();
  }
}

for (const concurrency of [1, 2, 4]) {
  t.test(`with ${concurrency} workers exactly ${LIMIT} requests are in flight`, async (t) => {
    await withRig(concurrency, async (rig) => {
      await rig.checkExact(t, 'at first');
      await rig.load(() => eventually(() => rig.upstream.most >= LIMIT));
      t.equal(rig.upstream.most, LIMIT, 'under load never more');
      t.same([...rig.outcomes.keys()].sort(), ['200', '503 UO']);
      await rig.checkExact(t, 'afterwards');
      if (concurrency < 4) return;
      await killOne(t, rig);
      await killUnderLoad(t, rig);
    });
  });
}

/** kill -9 of a worker gives back what it held, at once. */
async function killOne(t: Test, rig: Rig): Promise<void> {
  const { upstream, proxy } = rig;
  const requests = await rig.fill();
  for (const victim of proxy.command.children()) {
    process.kill(victim, 'SIGKILL');
    await eventually(() => !proxy.command.children().includes(victim));
    if (upstream.active.size < LIMIT) break;
  }
  t.ok(upstream.active.size < LIMIT, 'it held some');
  const more = Array.from({ length: CLIENTS }, () => rig.request());
  await eventually(() => upstream.active.size === LIMIT, DEADLINE_MS);
  upstream.answerAll();
  await Promise.all([...requests, ...more]);
  await rig.checkExact(t, 'after a kill');
  t.equal(upstream.most, LIMIT, 'never more');
}

/** kill -9 under load leaves no place lost and none too many. */
async function killUnderLoad(t: Test, rig: Rig): Promise<void> {
  await rig.load(async () => {
    for (let kills = 0; kills < 2; kills += 1) {
      const served = rig.count('200');
      await eventually(() => rig.count('200') > served + 50, DEADLINE_MS);
      const victim = rig.proxy.command.children()[0] as number;
      process.kill(victim, 'SIGKILL');
      await eventually(() => {
        const now = rig.proxy.command.children();
        return now.length === 4 && !now.includes(victim);
      }, DEADLINE_MS);
    }
  });
  t.ok(rig.upstream.most <= LIMIT, `never more than ${LIMIT}: ${rig.upstream.most}`);
  await rig.checkExact(t, 'after kills under load');
}

t.test('a worker that retires keeps what it holds until it ends', async (t) => {
  await withRig(2, async (rig) => {
    const { upstream, proxy } = rig;
    const before = proxy.command.children();
    const requests = await rig.fill();
    proxy.command.signal('SIGUSR2');
    await eventually(() => proxy.command.children().length === 4, DEADLINE_MS);
    const refused = rig.count('503 UO');
    await Promise.all(Array.from({ length: 5 }, () => rig.request()));
    t.equal(rig.count('503 UO'), refused + 5, 'the new workers know');
    upstream.answerAll();
    await Promise.all(requests);
    await eventually(
      () => !proxy.command.children().some((pid) => before.includes(pid)),
      DEADLINE_MS,
    );
    await rig.checkExact(t, 'afterwards');
    t.equal(upstream.most, LIMIT, 'never more');
  });
});

t.test(
  'without the native package each worker counts for itself, and the log says so',
  async (t) => {
    const directory = new TestDirectory();
    const hook = directory.write(
      'hide.cjs',
      `const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (name, ...rest) {
      if (name === 'koffi') throw new Error('hidden');
      return resolve.call(this, name, ...rest);
    };`,
    );
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = `--require ${hook}`;
    try {
      await withRig(2, async (rig) => {
        await Promise.all(Array.from({ length: 20 }, () => rig.request()));
        t.equal(rig.count('200') + rig.count('503 UO'), 20);
        const said = rig.proxy.command.stderr.match(/limits hold for each worker alone.*hidden/g);
        t.equal(said?.length, 1);
        t.equal(await rig.gauge('server.worker_deaths'), 0);
      });
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
      directory.remove();
    }
  },
);
