// A file of route tests as it was read: requests, and what is expected to become of them.
import type { Origin } from '../configuration.ts';
import type { RequestWords } from '../dry-request.ts';
import type { OutcomeKind } from '../explanation.ts';
import type { Json } from '../flow-text.ts';

/** All tests of one file. */
export interface RouteTestFile {
  readonly name: string;
  /** The configuration, as the file names it; '': the command line does. */
  readonly config: string;
  readonly tests: readonly RouteTest[];
}

/** One request. */
export interface RouteTest {
  readonly name: string;
  readonly origin: Origin;
  readonly request: RequestWords;
  readonly expectations: readonly Expectation[];
}

/** One thing that must be so. */
export type Expectation = ExpectedValue & {
  /** As in the file: `request_headers.set.x-user`. */
  readonly key: string;
  readonly origin: Origin;
};

/** What it is about; names of headers are in lower case. */
export type ExpectedValue =
  | { readonly kind: 'outcome'; readonly value: OutcomeKind }
  | { readonly kind: 'text'; readonly field: TextField; readonly value: string }
  | { readonly kind: 'status'; readonly value: number }
  | {
      readonly kind: 'duration';
      readonly field: 'timeout' | 'idle timeout';
      readonly value: string;
    }
  /** Percent by cluster. */
  | { readonly kind: 'weights'; readonly value: Readonly<Record<string, number>> }
  | { readonly kind: 'names'; readonly field: NamesField; readonly value: readonly string[] }
  /** A policy has at least these members. */
  | { readonly kind: 'policy'; readonly field: string; readonly value: Json }
  | {
      readonly kind: 'header';
      readonly message: 'request' | 'response';
      readonly test: 'set' | 'removed' | 'absent';
      readonly name: string;
      readonly value: string;
    };

/** Expectations of one text. */
export const TEXT_FIELDS = [
  'listener',
  'filter_chain',
  'virtual_host',
  'route',
  'cluster',
  'redirect',
  'body',
  'path',
  'host',
  'details',
] as const;

/** One of TEXT_FIELDS. */
export type TextField = (typeof TEXT_FIELDS)[number];

/** Expectations of a list of names, in any order. */
export const NAMES_FIELDS = ['filters', 'disabled_filters', 'mirrors', 'hosts'] as const;

/** One of NAMES_FIELDS. */
export type NamesField = (typeof NAMES_FIELDS)[number];

/** Expectations of a policy, with the field of the configuration that they look at. */
export const POLICY_FIELDS: Readonly<Record<string, string>> = {
  retry: 'retry_policy',
  hash_policy: 'hash_policy',
  internal_redirect: 'internal_redirect_policy',
  rate_limits: 'rate_limits',
  max_stream_duration: 'max_stream_duration',
};
