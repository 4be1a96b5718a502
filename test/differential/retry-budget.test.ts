// Retry budgets beside Envoy's: how many retries may be under way at once, while so many requests are.
import { type ClientRequest, get as httpGet } from 'node:http';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { PlayingUpstream } from '../support/playing-upstream.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

/** A budget, and what goes on when requests fail. */
interface Setting {
  readonly budget: Message;
  /** Requests that are over before. Default: none. */
  readonly finished?: number;
  /** Requests that hang. */
  readonly hanging: number;
  /** Then so many fail, and their retries hang. */
  readonly failing: number;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  defaults: { budget: {}, hanging: 0, failing: 6 },
  'defaults-many': { budget: {}, hanging: 20, failing: 7 },
  'no-minimum': { budget: { min_retry_concurrency: 0 }, hanging: 10, failing: 6 },
  'no-minimum-alone': { budget: { min_retry_concurrency: 0 }, hanging: 0, failing: 3 },
  half: {
    budget: { budget_percent: { value: 50 }, min_retry_concurrency: 1 },
    ...{ hanging: 4, failing: 8 },
  },
  'minimum-only': {
    budget: { budget_percent: { value: 0 }, min_retry_concurrency: 2 },
    ...{ hanging: 20, failing: 5 },
  },
  fraction: {
    budget: { budget_percent: { value: 12.5 }, min_retry_concurrency: 0 },
    ...{ hanging: 15, failing: 4 },
  },
  // Long enough for all of it.
  'of-late': {
    budget: { min_retry_concurrency: 0, budget_interval: '300s' },
    ...{ finished: 12, hanging: 0, failing: 12 },
  },
  'of-late-and-now': {
    budget: { budget_percent: { value: 25 }, min_retry_concurrency: 1, budget_interval: '300s' },
    ...{ finished: 3, hanging: 4, failing: 7 },
  },
  'no-interval': {
    budget: { min_retry_concurrency: 1, budget_interval: '0s' },
    ...{ finished: 10, hanging: 5, failing: 5 },
  },
};

/**
 * One that forgets soon. So many requests allow a retry; few, so that a busy machine has asked them
 * before they are forgotten. As many as are asked to find out, retries included, do not.
 */
const SHORT = 'short';
const SHORT_MS = 2000;
const SHORT_REQUESTS = 30;
const ASK_EVERY_MS = SHORT_MS / 7;
const SHORT_BUDGET = {
  ...{ budget_percent: { value: 4 }, min_retry_concurrency: 0 },
  budget_interval: `${SHORT_MS / 1000}s`,
};

function bootstrap(port: number): Message {
  const budgets = Object.entries(SETTINGS).map(([name, { budget }]) => [name, budget] as const);
  budgets.push([SHORT, SHORT_BUDGET]);
  const retry_policy = {
    ...{ retry_on: '5xx', num_retries: 1 },
    retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
  };
  const routes = budgets.map(([name]) => ({
    match: { path: `/${name}` },
    route: { cluster: name, timeout: '0s', retry_policy },
  }));
  const clusters = budgets.map(([name, budget]) => ({
    ...staticCluster(name, port),
    // The budget counts instead.
    circuit_breakers: { thresholds: [{ max_retries: 0, retry_budget: budget }] },
  }));
  return {
    ...bootstrapOf(
      [httpListener('main', { virtual_hosts: [virtualHost(['*'], routes)] })],
      clusters,
    ),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  };
}

/** One proxy. */
class Side {
  readonly #admin: string;
  readonly #port: number;
  #requests: ClientRequest[] = [];
  #count = 0;

  constructor(admin: string, port: number) {
    this.#admin = admin;
    this.#port = port;
  }

  /** What became of each request that failed, one after the other. */
  async run(name: string, { finished = 0, ...more }: Setting): Promise<readonly string[]> {
    const { hanging, failing } = more;
    for (let index = 0; index < finished; index += 1) await this.#status(name, '200');
    for (let index = 0; index < hanging; index += 1) this.#ask(name, 'hang');
    await this.#until(name, 'upstream_rq_active', hanging);
    const outcomes: string[] = [];
    let begun = 0;
    for (let index = 0; index < failing; index += 1) {
      let status = 0;
      this.#ask(name, '503;hang', (answer) => {
        status = answer;
      });
      await eventually(async () => {
        const retries = await this.#stat(name, 'upstream_rq_retry');
        return status !== 0 || retries > begun;
      });
      const isRetried = status === 0;
      if (isRetried) begun += 1;
      // It is under way before the next one fails.
      await this.#until(name, 'upstream_rq_active', hanging + begun);
      outcomes.push(isRetried ? 'retried' : `${status}`);
    }
    const overflows = await this.#stat(name, 'upstream_rq_retry_overflow');
    this.#end();
    return [...outcomes, `overflows: ${overflows}`];
  }

  /** After how many ms requests of the past allow no retry any more. */
  async forgets(): Promise<number> {
    let begin = 0;
    await eventually(async () => {
      // On a busy machine they may be forgotten before the one that they allow a retry.
      begin = performance.now();
      const all = Array.from({ length: SHORT_REQUESTS }, () => this.#status(SHORT, '200'));
      await Promise.all(all);
      return (await this.#status(SHORT, '503;200')) === 200;
    });
    let askedMs = performance.now();
    await eventually(async () => {
      if (performance.now() - askedMs < ASK_EVERY_MS) return false;
      askedMs = performance.now();
      return (await this.#status(SHORT, '503;200')) === 503;
    });
    return performance.now() - begin;
  }

  #status(name: string, play: string): Promise<number> {
    return new Promise((resolve) => this.#ask(name, play, resolve));
  }

  #ask(name: string, play: string, onStatus: (status: number) => void = () => undefined): void {
    this.#count += 1;
    const headers = { 'x-case': `${name}-${this.#count}`, 'x-play': play };
    const at = { host: '127.0.0.1', port: this.#port, path: `/${name}`, agent: false, headers };
    const request = httpGet(at, (response) => {
      response.resume();
      response.on('end', () => onStatus(response.statusCode ?? 0));
    });
    request.on('error', () => undefined);
    this.#requests.push(request);
  }

  #end(): void {
    for (const request of this.#requests) request.destroy();
    this.#requests = [];
  }

  async #until(name: string, stat: string, value: number): Promise<void> {
    await eventually(async () => (await this.#stat(name, stat)) === value);
  }

  async #stat(name: string, stat: string): Promise<number> {
    const filter = encodeURIComponent(`^cluster\\.${name}\\.${stat}$`);
    const text = await (await fetch(`${this.#admin}/stats?filter=${filter}`)).text();
    return Number(text.split(': ')[1] ?? 0);
  }
}

t.test('as many retries are under way as with Envoy', { skip: withoutEnvoy }, async (t) => {
  const upstream = new PlayingUpstream('all', { seen: new Map(), turns: new Map() });
  const twin = new PlayingUpstream('all', { seen: new Map(), turns: new Map() });
  const proxy = await withProxy(bootstrap(await upstream.listen()));
  try {
    await withEnvoy(bootstrap(await twin.listen()), async (envoy) => {
      const ours = new Side(`http://${proxy.adminAddress}`, proxy.port);
      const address = await envoy.listener('main');
      const theirs = new Side(envoy.admin, Number(address.slice(address.lastIndexOf(':') + 1)));
      for (const [name, setting] of Object.entries(SETTINGS)) {
        const [found, wanted] = await Promise.all([
          ours.run(name, setting),
          theirs.run(name, setting),
        ]);
        t.same(found, wanted, name);
      }
      for (const forgottenMs of await Promise.all([ours.forgets(), theirs.forgets()])) {
        t.ok(forgottenMs > 0.85 * SHORT_MS, `forgotten after ${Math.round(forgottenMs)} ms`);
      }
    });
  } finally {
    await proxy.stop();
    upstream.close();
    twin.close();
  }
});
