// Which buckets a request draws from: those of its descriptors, the slowest first, then the one for
// all requests.
import type { CellUser } from '../../../base/cells/shared-cells.ts';
import type { BucketRate, SharedTokenBucket } from '../../../base/cells/shared-token-bucket.ts';
import type {
  DescriptorEntry,
  RateLimitDescriptor,
} from '../../../routing/rate-limit-descriptors.ts';
import { DynamicBuckets } from './dynamic-buckets.ts';
import type { LimitedDescriptor, LocalRateLimitConfig } from './local-ratelimit-config.ts';

/** A bucket with the rate at which it fills. */
export interface RatedBucket {
  readonly bucket: SharedTokenBucket;
  readonly rate: BucketRate;
  readonly isShadow: boolean;
}

/** What became of a request. */
export interface Verdict {
  readonly isAllowed: boolean;
  /** A bucket that only watches would have refused it. */
  readonly isShadowed: boolean;
  /** Whose state the client is told; null: none was asked. */
  readonly bucket: RatedBucket | null;
}

interface Match {
  readonly rated: RatedBucket;
  readonly hits: number;
}

/** A descriptor with values left open. */
interface Wildcard {
  readonly descriptor: LimitedDescriptor;
  readonly buckets: DynamicBuckets;
}

/** Between parts of a key: no byte string has it. */
const SEPARATOR = '\u0100';

/** One per configuration, or per connection where each has its own. */
export class RateLimiter {
  readonly #config: LocalRateLimitConfig;
  readonly #cells: CellUser;
  readonly #default: RatedBucket | null;
  readonly #exact = new Map<string, RatedBucket>();
  readonly #wildcards: readonly Wildcard[];

  constructor(config: LocalRateLimitConfig, cells: CellUser) {
    this.#config = config;
    this.#cells = cells;
    const { rate, descriptors, maxDynamicDescriptors } = config;
    this.#default = rate === null ? null : this.#rated('default', rate, false);
    for (const { entries, rate: own, isShadow } of descriptors.filter(isExact)) {
      const key = keyOf(entries);
      this.#exact.set(key, this.#rated(`exact/${key}`, own, isShadow));
    }
    this.#wildcards = descriptors
      .filter((each) => !isExact(each))
      .map((descriptor) => {
        const key = `${this.#prefix}wildcard/${keyOf(descriptor.entries)}`;
        return { descriptor, buckets: new DynamicBuckets(cells, key, maxDynamicDescriptors) };
      });
  }

  /** Draws for a request that is described so. */
  decide(descriptors: readonly RateLimitDescriptor[]): Verdict {
    const nowMs = this.#cells.nowMs();
    const matches = this.#matches(descriptors);
    let isShadowed = false;
    for (const { rated, hits } of matches) {
      if (rated.bucket.consume(hits, nowMs, rated.rate)) continue;
      if (!rated.isShadow) return { isAllowed: false, isShadowed, bucket: rated };
      isShadowed = true;
    }
    const first = matches[0]?.rated ?? null;
    const own = this.#default;
    if (own === null || (first !== null && !this.#config.alwaysConsumesDefault)) {
      return { isAllowed: true, isShadowed, bucket: first };
    }
    const isAllowed = own.bucket.consume(1, nowMs, own.rate);
    return { isAllowed, isShadowed, bucket: isAllowed ? (first ?? own) : own };
  }

  get #prefix(): string {
    return `local_ratelimit/${this.#config.place}/`;
  }

  /** In order of their rates, the slowest first. */
  #matches(descriptors: readonly RateLimitDescriptor[]): readonly Match[] {
    const matches: Match[] = [];
    for (const { entries, hits } of descriptors) {
      const rated = this.#exact.get(keyOf(entries)) ?? this.#dynamic(entries);
      // As Envoy: the addends of routes are for the service that limits for many proxies.
      const ownHits = this.#config.rateLimits.length === 0 ? 1 : Math.max(0, hits ?? 1);
      if (rated !== null) matches.push({ rated, hits: ownHits });
    }
    if (matches.length < 2) return matches;
    return matches.sort((a, b) => a.rated.rate.tokensPerMs - b.rated.rate.tokensPerMs);
  }

  #dynamic(entries: readonly DescriptorEntry[]): RatedBucket | null {
    for (const { descriptor, buckets } of this.#wildcards) {
      if (!fits(descriptor, entries)) continue;
      const { rate, isShadow } = descriptor;
      return { bucket: buckets.of(entries.map(({ value }) => value).join('\0')), rate, isShadow };
    }
    return null;
  }

  #rated(name: string, rate: BucketRate, isShadow: boolean): RatedBucket {
    return { bucket: this.#cells.bucket(this.#prefix + name), rate, isShadow };
  }
}

/** Of a descriptor with these entries: in their order, with their values. */
export function keyOf(entries: readonly DescriptorEntry[]): string {
  return entries.map(({ key, value }) => key + SEPARATOR + value).join(SEPARATOR);
}

function isExact({ entries }: LimitedDescriptor): boolean {
  return entries.every(({ value }) => value !== '');
}

function fits(
  { entries: wanted }: LimitedDescriptor,
  entries: readonly DescriptorEntry[],
): boolean {
  return (
    entries.length === wanted.length &&
    wanted.every(({ key, value }, index) => {
      const entry = entries[index] as DescriptorEntry;
      return entry.key === key && (value === '' || entry.value === value);
    })
  );
}
