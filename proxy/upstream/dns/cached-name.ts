// One name of a DNS cache: asks for its addresses again and again until nobody wants it any more.
import { type SocketAddress, socketAddress } from '../../base/address.ts';
import { ipVersion } from '../../base/ip-address.ts';
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import type { DnsCacheConfig } from '../../model/dns-cache.ts';
import type { DnsCacheStats } from './dns-cache-stats.ts';
import type { DnsAnswer, DnsFamily } from './dns-resolver.ts';
import type { DnsServices } from './dns-services.ts';
import { type ForwardTarget, parseForwardTarget } from './forward-target.ts';
import { RefreshSchedule } from './refresh-schedule.ts';

/** The cache of a name. */
export interface CachedNameOwner {
  /** It was asked for, well or not. */
  onAnswered(name: CachedName, isChanged: boolean): void;
  /** Nobody wanted it for host_ttl. */
  onUnused(name: CachedName): void;
}

/** What a name is made with. */
export interface CachedNamePlace {
  readonly config: DnsCacheConfig;
  readonly services: DnsServices;
  readonly stats: DnsCacheStats;
  readonly owner: CachedNameOwner;
}

/** Why a question that takes too long ends: Envoy's word. */
const TIMED_OUT = 'resolve_timeout';
/** Envoy's word for a name that has no address. */
const NO_RECORDS = 'cares_norecords:Domain_name_not_found';
/** The same for what is no name, and for addresses of a family that is not looked for. */
const MALFORMED = 'cares_failure:Misformatted_domain_name';
/** Another answer than none with a time to live of 0 is asked for again as soon as may be. */
const LEAST_TTL_MS = 1;

/** See the file's head. */
export class CachedName implements TimerTarget {
  /** `name:port`, as it was asked for. */
  readonly key: string;
  /** Where it leads, the best first; empty: nobody knows. */
  addresses: readonly SocketAddress[] = [];
  /** Why there are no addresses; '' while there are some. */
  failure = '';
  /** The first answer came. */
  isAnswered = false;
  readonly #target: ForwardTarget | null;
  readonly #place: CachedNamePlace;
  readonly #schedule: RefreshSchedule;
  readonly #timer = new Timer(this);
  /** Of the question that is under way; answers to others come too late. */
  #question = 0;
  #isAsking = false;
  #usedMs: number;
  #isStopped = false;

  constructor(key: string, place: CachedNamePlace) {
    this.key = key;
    this.#place = place;
    this.#target = parseForwardTarget(key);
    this.#schedule = new RefreshSchedule(place.config.dns, place.services.random);
    this.#usedMs = place.services.clock.nowMs();
  }

  /** Somebody wants it. */
  touch(): void {
    this.#usedMs = this.#place.services.clock.nowMs();
  }

  /** Asks; the answer never comes inside the call. */
  start(): void {
    const { config, services, stats } = this.#place;
    const { clock, timers, lookups } = services;
    const question = this.#question + 1;
    this.#question = question;
    this.#isAsking = true;
    stats.attempt.inc();
    const done = (answer: DnsAnswer): void => {
      if (question === this.#question && this.#isAsking) this.#onAnswer(answer);
    };
    const known = knownAnswer(this.#target, config.dns.family);
    if (known !== null || this.#target === null) {
      queueMicrotask(() => done(known ?? { status: 'failed', reason: MALFORMED }));
      return;
    }
    if (config.queryTimeoutMs > 0) timers.arm(this.#timer, clock.nowMs(), config.queryTimeoutMs);
    const { family, resolver } = config.dns;
    // An answer to somebody else's question is as good, but never one from before.
    lookups.ask({ name: this.#target.name, family, wantsTtl: true, resolver }, 0, done);
  }

  stop(): void {
    this.#isStopped = true;
    this.#isAsking = false;
    this.#place.services.timers.cancel(this.#timer);
  }

  onTimer(): void {
    const { config, services, stats, owner } = this.#place;
    if (this.#isAsking) {
      stats.timeout.inc();
      this.#onAnswer({ status: 'failed', reason: TIMED_OUT });
    } else if (services.clock.nowMs() - this.#usedMs > config.hostTtlMs) owner.onUnused(this);
    else this.start();
  }

  #onAnswer(answer: DnsAnswer): void {
    if (this.#isStopped) return;
    this.#isAsking = false;
    const { services, stats, owner } = this.#place;
    const isCompleted = answer.status === 'completed';
    (isCompleted ? stats.success : stats.failure).inc();
    const isChanged = isCompleted && this.#takeOver(answer.ips);
    if (isChanged) stats.addressChanged.inc();
    if (this.addresses.length === 0) this.failure = isCompleted ? NO_RECORDS : answer.reason;
    this.isAnswered = true;
    services.timers.arm(this.#timer, services.clock.nowMs(), this.#delayMs(answer));
    owner.onAnswered(this, isChanged);
  }

  /** What was found before is better than nothing. True: it is other than before. */
  #takeOver(ips: readonly string[]): boolean {
    if (ips.length === 0 || this.#target === null) return false;
    const { port } = this.#target;
    const next = [...new Set(ips)].map((ip) => socketAddress(ip, port));
    const before = new Set(this.addresses.map(({ text }) => text));
    if (before.size === next.length && next.every(({ text }) => before.has(text))) return false;
    this.addresses = next;
    this.failure = '';
    return true;
  }

  #delayMs(answer: DnsAnswer): number {
    const { dns } = this.#place.config;
    const isFound = answer.status === 'completed' && answer.ips.length > 0;
    const known = isFound ? answer.ttlMs : null;
    const ttlMs = known === null ? null : Math.max(known, LEAST_TTL_MS);
    const told = answer.status === 'completed' ? { ...answer, ttlMs } : answer;
    const delayMs = this.#schedule.nextDelayMs(told, answer.status === 'completed');
    return isFound ? Math.max(delayMs, dns.minTtlMs) : delayMs;
  }
}

/** Addresses need no DNS. */
function knownAnswer(target: ForwardTarget | null, family: DnsFamily): DnsAnswer | null {
  const version = target === null ? 0 : ipVersion(target.name);
  if (target === null || version === 0) return null;
  const isOther = family === (version === 4 ? 'v6-only' : 'v4-only');
  if (isOther) return { status: 'failed', reason: MALFORMED };
  return { status: 'completed', ips: [target.name], ttlMs: null };
}
