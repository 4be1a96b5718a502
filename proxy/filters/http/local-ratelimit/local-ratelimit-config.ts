// What envoy.filters.http.local_ratelimit was configured with.
import type { BucketRate } from '../../../base/cells/shared-token-bucket.ts';
import type { Fraction } from '../../../base/random.ts';
import type { HeaderValueConfig } from '../../../model/header-mutations.ts';
import type { RateLimitConfig } from '../../../model/route-policies.ts';

/** extensions.filters.http.local_ratelimit.v3.LocalRateLimit, complete. */
export interface LocalRateLimitConfig {
  /** Names its buckets: the same in every worker, and another for every message there is. */
  readonly place: string;
  readonly statPrefix: string;
  /** Of a request that is refused; at least 400. */
  readonly status: number;
  /** null: only descriptors limit. */
  readonly rate: BucketRate | null;
  /** null: never. */
  readonly filterEnabled: Fraction | null;
  readonly filterEnforced: Fraction | null;
  readonly requestHeadersWhenNotEnforced: readonly HeaderValueConfig[];
  readonly responseHeaders: readonly HeaderValueConfig[];
  readonly descriptors: readonly LimitedDescriptor[];
  readonly stage: number;
  readonly isPerConnection: boolean;
  readonly sendsRateLimitHeaders: boolean;
  readonly sendsRetryAfter: boolean;
  readonly vhRateLimits: 'override' | 'include' | 'ignore';
  readonly alwaysConsumesDefault: boolean;
  /** What gRPC clients are told: RESOURCE_EXHAUSTED instead of UNAVAILABLE. */
  readonly isResourceExhausted: boolean;
  /** Of the filter itself; empty: those of routes describe requests. */
  readonly rateLimits: readonly RateLimitConfig[];
  /** How many values of a wildcard have buckets at a time. */
  readonly maxDynamicDescriptors: number;
}

/** LocalRateLimitDescriptor. */
export interface LimitedDescriptor {
  /** '' as a value: any, each with a bucket of its own. */
  readonly entries: readonly { readonly key: string; readonly value: string }[];
  readonly rate: BucketRate;
  /** It refuses nobody, and is counted. */
  readonly isShadow: boolean;
}
