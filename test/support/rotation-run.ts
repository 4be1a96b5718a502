// Rotations under load: of certificates on both sides, of bad ones, and of the authority.

import { makeAuthority, makeCertificate, type TestCertificate } from './certificates.ts';
import { eventually } from './eventually.ts';
import { RotationLoad } from './rotation-load.ts';
import { RotationSite } from './rotation-site.ts';

/** What came of it. */
export interface RotationReport {
  readonly rotations: number;
  readonly handshakes: number;
  readonly requests: number;
  readonly failures: readonly string[];
  /** The longest time from a swap of files to the last connection begun with what was there before. */
  readonly slowestMs: number;
  /** Of half of them: the longest. */
  readonly medianMs: number;
  /** Bad secrets that were put in place; after each the old ones served on. */
  readonly refused: number;
  /** Authorities that were replaced. */
  readonly rollOvers: number;
}

/** Of how long a rotation may take before the run gives up. */
const DEADLINE_MS = 30_000;
/** Every so many rotations a bad pair comes, or another authority. */
const BAD_EVERY = 10;
const ROLL_OVER_EVERY = 20;

/** Runs it; every rotation waits for the one before. */
export async function runRotations(rotations: number, workers: number): Promise<RotationReport> {
  const site = await RotationSite.start(workers);
  const load = new RotationLoad(site);
  const run = new RotationRun(site, load, workers);
  try {
    for (let count = 1; count <= rotations; count += 1) {
      await run.rotate();
      if (count % BAD_EVERY === 0) await run.spoil();
      if (count % ROLL_OVER_EVERY === 0) await run.rollOver();
    }
    await load.stop();
    const { handshakes, requests, failures } = load;
    const { slowestMs, medianMs, refused, rollOvers } = run;
    const times = { slowestMs, medianMs };
    return { rotations, handshakes, requests, failures, ...times, refused, rollOvers };
  } catch (error) {
    const said = [...load.failures.slice(0, 3), site.stderr()].join('\n');
    throw new Error(`${(error as Error).message}: ${said}`, { cause: error });
  } finally {
    await load.stop();
    await site.stop();
  }
}

class RotationRun {
  readonly #site: RotationSite;
  readonly #load: RotationLoad;
  readonly #workers: number;
  /** From each swap to the last connection begun with what was there before. */
  readonly #times: number[] = [];
  refused = 0;
  rollOvers = 0;
  #isGarbage = false;

  constructor(site: RotationSite, load: RotationLoad, workers: number) {
    this.#site = site;
    this.#load = load;
    this.#workers = workers;
  }

  get slowestMs(): number {
    return Math.max(0, ...this.#times);
  }

  get medianMs(): number {
    return this.#times.toSorted((a, b) => a - b)[this.#times.length >> 1] ?? 0;
  }

  /** Both sides get another certificate with another key. */
  async rotate(): Promise<void> {
    const before = { server: latest(this.#load.servers), client: latest(this.#load.clients) };
    const swappedMs = performance.now();
    const next = { server: this.#site.rotateServer(), client: this.#site.rotateClient() };
    await eventually(() => this.#areSeen(next), DEADLINE_MS);
    this.#measure(swappedMs, before);
  }

  /** A pair that does not fit, or is cut short: what was there before stays in use. */
  async spoil(): Promise<void> {
    const { servers } = this.#load;
    const other = makeCertificate({ issuer: this.#site.authority, keyLabel: 'misfit' });
    const whole = this.#site.issueClient();
    this.#isGarbage = !this.#isGarbage;
    const rejected = await this.#site.counter('sds.default.update_rejected');
    const chain = this.#isGarbage ? whole.chainPem.slice(0, 200) : whole.chainPem;
    const before = servers.size;
    this.#site.putServerPair(chain, other.keyPem);
    const bad = {
      certificate_chain: { inline_string: chain },
      private_key: { inline_string: other.keyPem },
    };
    const secret = {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
      name: 'default',
      tls_certificate: bad,
    };
    this.#site.putSecret('client.json', JSON.stringify({ resources: [secret] }));
    await eventually(
      async () => (await this.#site.counter('sds.default.update_rejected')) > rejected,
      DEADLINE_MS,
    );
    const handshakes = this.#load.handshakes;
    await eventually(() => this.#load.handshakes > handshakes + 2, DEADLINE_MS);
    if (servers.size !== before) throw new Error('a bad pair came into use');
    this.refused += 2;
  }

  /** Another authority, with a time in which both are trusted. */
  async rollOver(): Promise<void> {
    const old = this.#site.authority;
    this.rollOvers += 1;
    const next = makeAuthority({ subject: `root ${this.rollOvers}` });
    await this.#trust(old, next);
    this.#site.authority = next;
    await this.rotate();
    this.#load.client = this.#site.issueClient();
    const { requests } = this.#load;
    // Direct clients that began with the old one are through.
    await eventually(() => this.#load.requests > requests + 8, DEADLINE_MS);
    await this.#trust(next);
  }

  async #trust(...roots: readonly TestCertificate[]): Promise<void> {
    const names = [
      'listener..*server_ssl',
      'cluster.over-h1.client_ssl',
      'cluster.over-h2.client_ssl',
    ];
    const counters = names.map((name) => `${name}_socket_factory.ssl_context_update_by_sds`);
    const count = () => Promise.all(counters.map((name) => this.#site.counter(name)));
    const before = await count();
    this.#site.putRoots(...roots);
    await eventually(
      async () => (await count()).every((value, at) => value >= (before[at] ?? 0) + this.#workers),
      DEADLINE_MS,
    );
  }

  #areSeen(next: { readonly server: string; readonly client: string }): boolean {
    return this.#load.servers.has(next.server) && this.#load.clients.has(next.client);
  }

  #measure(swappedMs: number, before: { readonly server: string; readonly client: string }): void {
    for (const sighting of [
      this.#load.servers.get(before.server),
      this.#load.clients.get(before.client),
    ]) {
      this.#times.push((sighting?.lastMs ?? 0) - swappedMs);
    }
  }
}

/** The certificate that came into use last; '' : none yet. */
function latest(seen: ReadonlyMap<string, unknown>): string {
  return [...seen.keys()].at(-1) ?? '';
}
