// Names by the system's means: getaddrinfo, which knows the hosts file and search domains, or DNS
// itself when times to live are wanted. getaddrinfo blocks a thread of libuv's pool of four, so
// only a few may run at once: file writes need the others.
import { type LookupAddress, lookup, promises } from 'node:dns';
import { chooseFamily } from './choose-family.ts';
import { askRecords, NO_ADDRESS_CODES } from './dns-records.ts';
import type { DnsAnswer, DnsFamily, DnsQuestion, DnsResolver } from './dns-resolver.ts';
import { askServers } from './dns-servers.ts';

/** Questions under way at once; the rest wait. */
const MAX_CONCURRENT = 3;

/** Envoy's getaddrinfo resolver knows no times to live: answers get this one. */
const GETADDRINFO_TTL_MS = 60_000;

interface WaitingQuestion {
  readonly question: DnsQuestion;
  readonly done: (answer: DnsAnswer) => void;
}

/** See the file's head. Bounded by its users: each name is asked for once at a time. */
export class SystemDnsResolver implements DnsResolver {
  readonly #limit: number;
  readonly #waiting: WaitingQuestion[] = [];
  #running = 0;

  /** `limit`: so many questions at once. */
  constructor(limit = MAX_CONCURRENT) {
    this.#limit = limit;
  }

  resolve(question: DnsQuestion, done: (answer: DnsAnswer) => void): void {
    this.#waiting.push({ question, done });
    this.#startNext();
  }

  #startNext(): void {
    if (this.#running === this.#limit) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running += 1;
    const finish = (answer: DnsAnswer): void => {
      this.#running -= 1;
      this.#startNext();
      next.done(answer);
    };
    startLookup(next.question, finish);
  }
}

function startLookup(question: DnsQuestion, done: (answer: DnsAnswer) => void): void {
  const { resolver, wantsTtl } = question;
  if (resolver.kind === 'servers') void askServers(question, resolver).then(done);
  else if (resolver.kind === 'getaddrinfo') {
    askSystem(question, (answer) =>
      done(answer.status === 'failed' ? answer : { ...answer, ttlMs: GETADDRINFO_TTL_MS }),
    );
  } else if (wantsTtl) void askDns(question).then(done);
  else askSystem(question, done);
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
  try {
    const answer = await askRecords(question.name, question.family, promises);
    if (answer.ips.length > 0) return answer;
  } catch {
    // DNS could not be asked: the system may still know the name, or says why it does not.
  }
  return new Promise((resolve) => askSystem(question, resolve));
}
