// The names that requests of dynamic forward proxies bring along, with their addresses. Bounded:
// max_hosts names, max_pending_requests requests that wait for one.
import type { DnsCacheConfig } from '../../model/dns-cache.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { CachedName, type CachedNameOwner, type CachedNamePlace } from './cached-name.ts';
import { DnsCacheStats } from './dns-cache-stats.ts';
import type { DnsServices } from './dns-services.ts';

/** Waits for a name that is asked for the first time. */
export interface NameWaiter {
  /** Once: it was answered, well or not. */
  onNameAnswered(name: CachedName): void;
}

/** Hears of names as they come and go. */
export interface DnsCacheListener {
  /** It has addresses, others than before. */
  onNameFound(name: CachedName): void;
  onNameForgotten(name: CachedName): void;
}

/**
 * What a cache says of a name:
 * - a CachedName: that is what is known, and may be that it has no address.
 * - `loading`: the waiter is told.
 * - `hosts-overflow`, `requests-overflow`: there are too many of them.
 */
export type NameFinding = CachedName | 'loading' | 'hosts-overflow' | 'requests-overflow';

/** See the file's head. */
export class DnsCache implements CachedNameOwner {
  readonly config: DnsCacheConfig;
  readonly #scope: StatsScope;
  readonly #stats: DnsCacheStats;
  readonly #place: CachedNamePlace;
  readonly #names = new Map<string, CachedName>();
  readonly #waiting = new Map<CachedName, Set<NameWaiter>>();
  readonly #listeners = new Set<DnsCacheListener>();
  #pending = 0;

  /** `scope` is `dns_cache.<name>.` */
  constructor(config: DnsCacheConfig, services: DnsServices, scope: StatsScope) {
    this.config = config;
    this.#scope = scope;
    this.#stats = new DnsCacheStats(scope);
    this.#place = { config, services, stats: this.#stats, owner: this };
    this.#countPending(0);
    for (const key of config.preresolved) this.#add(key);
  }

  /** Names that were answered. */
  known(): readonly CachedName[] {
    return [...this.#names.values()].filter(({ isAnswered }) => isAnswered);
  }

  /** Looks a `name:port` up; who gave up waiting says so with `giveUp`. */
  find(key: string, waiter: NameWaiter): NameFinding {
    if (this.#pending >= this.config.maxPendingRequests) {
      this.#stats.pendingOverflow.inc();
      return 'requests-overflow';
    }
    const known = this.#names.get(key);
    if (known?.isAnswered === true) {
      known.touch();
      return known;
    }
    // As Envoy: nor is there room then for a name that others wait for.
    if (this.#names.size >= this.config.maxHosts) {
      this.#stats.hostOverflow.inc();
      return 'hosts-overflow';
    }
    const name = known ?? this.#add(key);
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting.add(waiter));
    this.#countPending(1);
    return 'loading';
  }

  /** Harmless for who does not wait. */
  giveUp(key: string, waiter: NameWaiter): void {
    const name = this.#names.get(key);
    const isWaiting = name !== undefined && this.#waiting.get(name)?.delete(waiter) === true;
    if (isWaiting) this.#countPending(-1);
  }

  listen(listener: DnsCacheListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: DnsCacheListener): void {
    this.#listeners.delete(listener);
  }

  /** Nobody uses it any more: nobody waits any longer, nothing is asked for. */
  close(): void {
    for (const name of this.#names.values()) {
      name.stop();
      if (name.failure === '') name.failure = 'canceled';
      this.#tellWaiting(name);
    }
    this.#names.clear();
    this.#scope.release();
  }

  onAnswered(name: CachedName, isChanged: boolean): void {
    if (isChanged) for (const each of this.#listeners) each.onNameFound(name);
    this.#tellWaiting(name);
  }

  onUnused(name: CachedName): void {
    name.stop();
    this.#names.delete(name.key);
    this.#stats.hostRemoved.inc();
    this.#stats.hosts.dec();
    for (const each of this.#listeners) each.onNameForgotten(name);
  }

  #add(key: string): CachedName {
    const name = new CachedName(key, this.#place);
    this.#names.set(key, name);
    this.#stats.hostAdded.inc();
    this.#stats.hosts.inc();
    name.start();
    return name;
  }

  #tellWaiting(name: CachedName): void {
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) return;
    this.#waiting.delete(name);
    this.#countPending(-waiting.size);
    for (const waiter of waiting) waiter.onNameAnswered(name);
  }

  #countPending(change: number): void {
    this.#pending += change;
    const { maxPendingRequests: most } = this.config;
    this.#stats.pendingRemaining.set(Math.max(0, most - this.#pending));
    this.#stats.pendingOpen.set(this.#pending >= most ? 1 : 0);
  }
}
