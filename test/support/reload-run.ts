// Reloads under load: what clients noticed, and what the proxy holds at the end that it did not hold
// at the beginning.
import { Agent, get } from 'node:http';
import type { Holding } from './heap-hook.ts';
import { CHANGES, ReloadSite } from './reload-site.ts';

/** How much is changed and asked. */
export interface ReloadSettings {
  readonly reloads: number;
  /** Changes before anything is measured: caches are full then. */
  readonly warmUp: number;
  readonly workers: number;
  readonly requestsPerSecond: number;
  /** The heap is told from compiled code exactly, which takes seconds for each process. */
  readonly isExact?: boolean;
}

/** What came of it. */
export interface ReloadReport {
  readonly requests: number;
  /** Of them, with why. */
  readonly failures: readonly string[];
  /** What was refused, and which workers died. */
  readonly mishaps: readonly string[];
  readonly tookMs: number;
  /** Of the process in which it grew most: at the end, as a share of the beginning. */
  readonly heapGrowth: number;
  readonly descriptorGrowth: number;
  /** Before and after, for whoever wants to know more. */
  readonly detail: string;
}

const TICK_MS = 10;
const CONNECTIONS = 32;
/** Nothing may be under way when it is measured. */
const CALM_MS = 1_500;

/** Runs it; every change waits for the one before. */
export async function runReloads(settings: ReloadSettings): Promise<ReloadReport> {
  const { reloads, workers, requestsPerSecond } = settings;
  const site = await ReloadSite.start(workers, settings.isExact);
  try {
    const warmUp = new SteadyLoad(site, requestsPerSecond);
    for (let turn = 0; turn < settings.warmUp; turn += 1) await changeOnce(site, turn);
    await warmUp.stop();
    const before = await measure(site);
    const load = new SteadyLoad(site, requestsPerSecond);
    const startMs = performance.now();
    for (let turn = 0; turn < reloads; turn += 1) await changeOnce(site, turn);
    const tookMs = performance.now() - startMs;
    await load.stop();
    const after = await measure(site);
    return {
      requests: warmUp.requests + load.requests,
      failures: [...warmUp.failures, ...load.failures],
      mishaps: await site.mishaps(),
      tookMs,
      heapGrowth: growth(before, after, ({ heapBytes }) => heapBytes),
      descriptorGrowth: growth(before, after, ({ descriptors }) => descriptors),
      detail: `before ${text(before)}\nafter  ${text(after)}\n${await site.statNames()} statistics`,
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${site.stderr().slice(-2_000)}`, {
      cause: error,
    });
  } finally {
    await site.stop();
  }
}

function changeOnce(site: ReloadSite, turn: number): Promise<void> {
  return site.change(CHANGES[turn % CHANGES.length] ?? 'file');
}

async function measure(site: ReloadSite): Promise<ReadonlyMap<number, Holding>> {
  await new Promise((resolve) => setTimeout(resolve, CALM_MS));
  return site.holdings();
}

function growth(
  before: ReadonlyMap<number, Holding>,
  after: ReadonlyMap<number, Holding>,
  of: (holding: Holding) => number,
): number {
  let most = 0;
  for (const [pid, holding] of after) {
    const earlier = before.get(pid);
    most = Math.max(
      most,
      earlier === undefined ? Number.POSITIVE_INFINITY : of(holding) / of(earlier),
    );
  }
  return most;
}

function text(holdings: ReadonlyMap<number, Holding>): string {
  const each = [...holdings].map(([pid, { heapBytes, totalBytes, descriptors, resources }]) => {
    const counted = JSON.stringify(resources);
    const sizes = `${mib(heapBytes)}, with all compiled code ${mib(totalBytes)}`;
    return `${pid}: ${sizes}, ${descriptors} files ${counted}`;
  });
  return each.join('; ');
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}

/** So many requests a second over a handful of connections, whatever becomes of them. */
class SteadyLoad {
  requests = 0;
  readonly failures: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #timer: NodeJS.Timeout;
  readonly #ports: readonly number[];
  readonly #underWay = new Set<Promise<void>>();
  readonly #startMs = performance.now();
  readonly #perSecond: number;

  constructor({ ports }: ReloadSite, perSecond: number) {
    this.#ports = [ports.fromFile, ports.fromServer];
    this.#perSecond = perSecond;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    this.#agent.destroy();
  }

  #tick(): void {
    const due = ((performance.now() - this.#startMs) * this.#perSecond) / 1000;
    // A machine that is behind sends less, not everything at once.
    const most = (this.#perSecond * TICK_MS) / 250;
    for (let count = 0; count < most && this.requests < due; count += 1) {
      if (this.#underWay.size >= CONNECTIONS * 2) return;
      const port = this.#ports[this.requests % this.#ports.length] ?? 0;
      this.requests += 1;
      const asked = this.#ask(port);
      this.#underWay.add(asked);
      void asked.then(() => this.#underWay.delete(asked));
    }
  }

  #ask(port: number): Promise<void> {
    return new Promise((resolve) => {
      const fail = (why: string): void => {
        this.failures.push(why);
        resolve();
      };
      const asked = get({ host: '127.0.0.1', port, agent: this.#agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data) => {
          text += data;
        });
        response.once('error', (error) => fail(`within the response: ${error.message}`));
        response.once('end', () => {
          if (response.statusCode === 200) resolve();
          else fail(`status ${response.statusCode}: ${text}`);
        });
      });
      asked.once('error', (error: NodeJS.ErrnoException) => {
        fail(`${error.code} ${asked.reusedSocket ? 'on a connection used before' : 'at once'}`);
      });
    });
  }
}
