// What a route asks to be done besides forwarding: mirrors, internal redirects, hashing and rate
// limits, compiled from config.route.v3.RouteAction and RateLimit.
import type { CidrTable } from '../base/cidr-table.ts';
import type { SafeRegex } from '../base/safe-regex.ts';
import type { Formatter } from '../formatter/formatter.ts';
import type { MessageMutations } from './header-mutations.ts';
import type {
  HeaderMatchConfig,
  QueryParameterMatchConfig,
  StringMatchConfig,
} from './route-match.ts';

/** RouteAction.RequestMirrorPolicy */
export interface MirrorPolicyConfig {
  /** '' when `clusterHeader` names the field that holds it. */
  readonly cluster: string;
  /** Lower case; '' when `cluster` is set. */
  readonly clusterHeader: string;
  /** Parts per million of the requests, by the stream's random number. */
  readonly fractionPpm: number;
  /** The copy's host gets `-shadow` in front of its port. */
  readonly appendsShadow: boolean;
  /** '' keeps the host. */
  readonly hostRewriteLiteral: string;
  /** request_headers_mutations, one after the other. */
  readonly mutations: readonly MirrorMutationConfig[];
}

/** config.common.mutation_rules.v3.HeaderMutation */
export type MirrorMutationConfig =
  | { readonly kind: 'fields'; readonly fields: MessageMutations }
  | { readonly kind: 'remove-matching'; readonly names: StringMatchConfig };

/** InternalRedirectPolicy */
export interface InternalRedirectConfig {
  readonly maxRedirects: number;
  /** Statuses that are followed. Default 302. */
  readonly statuses: ReadonlySet<number>;
  readonly allowsCrossScheme: boolean;
  readonly predicates: readonly InternalRedirectPredicateConfig[];
  /** Lower case; copied from the redirecting response to the next request. */
  readonly responseHeadersToCopy: readonly string[];
}

/** envoy.extensions.internal_redirect.*: all must agree to the next route. */
export type InternalRedirectPredicateConfig =
  | { readonly kind: 'previous-routes' }
  | { readonly kind: 'allow-listed-routes'; readonly names: ReadonlySet<string> }
  | { readonly kind: 'safe-cross-scheme' };

/** RouteAction.HashPolicy; policies are combined in order, a terminal one ends it once there is a hash. */
export type HashPolicyConfig = HashSourceConfig & { readonly terminal: boolean };

/** type.v3.HashPolicy: what there is of a connection that carries no requests. */
export type ConnectionHashConfig = Extract<
  HashSourceConfig,
  { readonly kind: 'source-ip' | 'filter-state' }
>;

/** policy_specifier */
export type HashSourceConfig =
  | {
      readonly kind: 'header';
      readonly name: string;
      readonly regex: SafeRegex | null;
      readonly substitution: string;
    }
  | {
      readonly kind: 'cookie';
      readonly name: string;
      /** Seconds; 0: a session cookie; null: never made here. */
      readonly ttlS: number | null;
      readonly path: string;
      /** Text of the attributes, `; Name=value` each. */
      readonly attributes: string;
    }
  | { readonly kind: 'source-ip' }
  | { readonly kind: 'query-parameter'; readonly name: string }
  | { readonly kind: 'filter-state'; readonly key: string };

/** config.route.v3.RateLimit: makes one descriptor of a request, or none. */
export interface RateLimitConfig {
  readonly stage: number;
  /** '' for none. */
  readonly disableKey: string;
  readonly actions: readonly RateLimitActionConfig[];
  readonly applyOnStreamDone: boolean;
  /** What the descriptor counts for; null: as its filter says, 1 by default. */
  readonly hitsAddend: HitsAddendConfig | null;
  /** Another limit than the server's; null: the server's. */
  readonly override: RateLimitOverrideConfig | null;
}

/** descriptor_value: a format, and what stands for one that prints nothing. */
export interface DescriptorValueConfig {
  readonly format: Formatter;
  /** '' for none: then there is no entry. */
  readonly fallback: string;
}

/** RateLimit.HitsAddend */
export interface HitsAddendConfig {
  /** Of a fixed number; null: `format` prints it. */
  readonly number: number | null;
  readonly format: Formatter | null;
  /** Hits are given back. */
  readonly isNegative: boolean;
}

/** RateLimit.Override */
export type RateLimitOverrideConfig =
  | { readonly kind: 'fixed'; readonly requestsPerUnit: number; readonly unit: RateLimitUnitName }
  /** A struct with `requests_per_unit` and `unit` in the dynamic metadata. */
  | { readonly kind: 'metadata'; readonly namespace: string; readonly path: readonly string[] };

/** type.v3.RateLimitUnit */
export type RateLimitUnitName = 'UNKNOWN' | 'SECOND' | 'MINUTE' | 'HOUR' | 'DAY' | 'MONTH' | 'YEAR';

/** RateLimit.Action; an action that gives no entry drops the descriptor unless it may be skipped. */
export type RateLimitActionConfig =
  | { readonly kind: 'source-cluster' }
  | { readonly kind: 'destination-cluster' }
  | {
      readonly kind: 'request-header';
      readonly name: string;
      readonly key: string;
      readonly skipIfAbsent: boolean;
    }
  | {
      readonly kind: 'query-parameter';
      readonly name: string;
      readonly key: string;
      readonly skipIfAbsent: boolean;
    }
  | { readonly kind: 'remote-address' }
  | { readonly kind: 'masked-remote-address'; readonly v4Bits: number; readonly v6Bits: number }
  | {
      readonly kind: 'remote-address-match';
      readonly key: string;
      readonly value: DescriptorValueConfig;
      readonly ranges: CidrTable<true>;
      readonly inverts: boolean;
    }
  | { readonly kind: 'generic-key'; readonly key: string; readonly value: DescriptorValueConfig }
  | {
      readonly kind: 'header-match';
      readonly key: string;
      readonly value: DescriptorValueConfig;
      readonly expects: boolean;
      readonly headers: readonly HeaderMatchConfig[];
    }
  | {
      readonly kind: 'query-match';
      readonly key: string;
      readonly value: DescriptorValueConfig;
      readonly expects: boolean;
      readonly parameters: readonly QueryParameterMatchConfig[];
    }
  | {
      readonly kind: 'metadata';
      readonly key: string;
      readonly source: 'dynamic' | 'route';
      readonly namespace: string;
      readonly path: readonly string[];
      readonly defaultValue: string;
      readonly skipIfAbsent: boolean;
    };
