// Names by the system's means: getaddrinfo, which knows the hosts file and search domains, or DNS
// itself when times to live are wanted. getaddrinfo blocks a thread of libuv's pool of four, so
// only a few may run at once: file writes need the others.
import { type LookupAddress, lookup, promises } from 'node:dns';
import { chooseFamily } from './choose-family.ts';
import type { DnsAnswer, DnsFamily, DnsQuestion, DnsResolver } from './dns-resolver.ts';

/** Questions under way at once; the rest wait. */
const MAX_CONCURRENT = 3;

/** Errors that say that the name has no address; every other says nothing about it. */
const NO_ADDRESS_CODES = new Set(['ENOTFOUND', 'ENODATA']);

interface WaitingQuestion {
  readonly question: DnsQuestion;
  readonly done: (answer: DnsAnswer) => void;
}

/** Addresses of one family with their smallest time to live in seconds. */
interface FamilyAnswer {
  readonly ips: readonly string[];
  readonly ttlSeconds: number;
}

/** See the file's head. Bounded by its users: each name is asked for once at a time. */
export class SystemDnsResolver implements DnsResolver {
  readonly #waiting: WaitingQuestion[] = [];
  #running = 0;

  resolve(question: DnsQuestion, done: (answer: DnsAnswer) => void): void {
    this.#waiting.push({ question, done });
    this.#startNext();
  }

  #startNext(): void {
    if (this.#running === MAX_CONCURRENT) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running += 1;
    const finish = (answer: DnsAnswer): void => {
      this.#running -= 1;
      this.#startNext();
      next.done(answer);
    };
    if (next.question.wantsTtl) void askDns(next.question).then(finish);
    else askSystem(next.question, finish);
  }
}

function askSystem(question: DnsQuestion, done: (answer: DnsAnswer) => void): void {
  const options = { all: true, verbatim: true, family: lookupFamily(question.family) } as const;
  lookup(question.name, options, (error, addresses) => {
    if (error === null) done(completed(question.family, addresses));
    else done(failure(error));
  });
}

function lookupFamily(family: DnsFamily): 0 | 4 | 6 {
  if (family === 'v4-only') return 4;
  return family === 'v6-only' ? 6 : 0;
}

function completed(family: DnsFamily, addresses: readonly LookupAddress[]): DnsAnswer {
  const ofFamily = (wanted: number): string[] =>
    addresses.filter((found) => found.family === wanted).map((found) => found.address);
  return { status: 'completed', ips: chooseFamily(family, ofFamily(4), ofFamily(6)), ttlMs: null };
}

function failure(error: NodeJS.ErrnoException): DnsAnswer {
  if (NO_ADDRESS_CODES.has(error.code ?? '')) return { status: 'completed', ips: [], ttlMs: null };
  return { status: 'failed', reason: error.code ?? error.message };
}

/** DNS with times to live. What DNS does not know may stand in the hosts file. */
async function askDns(question: DnsQuestion): Promise<DnsAnswer> {
  const { family, name } = question;
  try {
    const [v4, v6] = await Promise.all([
      family === 'v6-only' ? NONE : ofFamily(promises.resolve4(name, { ttl: true })),
      family === 'v4-only' ? NONE : ofFamily(promises.resolve6(name, { ttl: true })),
    ]);
    const ips = chooseFamily(family, v4.ips, v6.ips);
    if (ips.length > 0) {
      const usesV4 = ips.some((ip) => v4.ips.includes(ip));
      const usesV6 = ips.some((ip) => v6.ips.includes(ip));
      const ttls = [...(usesV4 ? [v4.ttlSeconds] : []), ...(usesV6 ? [v6.ttlSeconds] : [])];
      return { status: 'completed', ips, ttlMs: Math.min(...ttls) * 1000 };
    }
  } catch {
    // DNS could not be asked: the system may still know the name, or says why it does not.
  }
  return new Promise((resolve) => askSystem(question, resolve));
}

const NONE: FamilyAnswer = { ips: [], ttlSeconds: Number.POSITIVE_INFINITY };

interface Record {
  readonly address: string;
  readonly ttl: number;
}

async function ofFamily(asked: Promise<readonly Record[]>): Promise<FamilyAnswer> {
  try {
    const records = await asked;
    return {
      ips: records.map((record) => record.address),
      ttlSeconds: Math.min(...records.map((record) => record.ttl)),
    };
  } catch (error) {
    if (NO_ADDRESS_CODES.has((error as NodeJS.ErrnoException).code ?? '')) return NONE;
    throw error;
  }
}
