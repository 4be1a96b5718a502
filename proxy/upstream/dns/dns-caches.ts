// The DNS caches of a worker: one for each name and its settings, as long as a cluster uses it.
import type { DnsCacheConfig } from '../../model/dns-cache.ts';
import type { UpstreamContext } from '../upstream-context.ts';
import { CountedResolver } from './cares-stats.ts';
import { DnsCache } from './dns-cache.ts';
import type { DnsResolver } from './dns-resolver.ts';
import type { DnsServices } from './dns-services.ts';
import { SharedLookups } from './shared-lookups.ts';

interface UsedCache {
  readonly cache: DnsCache;
  users: number;
}

/** Nobody resolves names here. */
const NO_RESOLVER: DnsResolver = {
  resolve: (_question, done) =>
    queueMicrotask(() => done({ status: 'failed', reason: 'no resolver' })),
};

/** See the file's head. */
export class DnsCaches {
  readonly #context: UpstreamContext;
  /** null: nobody looks anything up. */
  #services: DnsServices | null = null;
  readonly #caches = new Map<string, UsedCache>();

  constructor(context: UpstreamContext) {
    this.#context = context;
  }

  /** null: no cluster uses such a cache. */
  find(config: DnsCacheConfig): DnsCache | null {
    return this.#caches.get(config.key)?.cache ?? null;
  }

  /** For a cluster, which gives it back with `release`. */
  acquire(config: DnsCacheConfig): DnsCache {
    let used = this.#caches.get(config.key);
    if (used === undefined) {
      this.#services ??= servicesOf(this.#context);
      const scope = this.#context.stats.scope('dns_cache').scope(config.name);
      used = { cache: new DnsCache(config, this.#services, scope), users: 0 };
      this.#caches.set(config.key, used);
    }
    used.users += 1;
    return used.cache;
  }

  release({ config }: DnsCache): void {
    const used = this.#caches.get(config.key);
    if (used === undefined) return;
    used.users -= 1;
    if (used.users > 0) return;
    this.#caches.delete(config.key);
    used.cache.close();
  }
}

function servicesOf(context: UpstreamContext): DnsServices {
  const { clock, timers, random, log, resolver = NO_RESOLVER } = context;
  const lookups = new SharedLookups(new CountedResolver(resolver, context.stats), clock);
  return { clock, timers, random, log, lookups };
}
