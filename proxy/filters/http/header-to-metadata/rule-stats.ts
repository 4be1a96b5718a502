// What header_to_metadata counts under `http_filter_name.<stat_prefix>.`.
import type { Counter, StatsScope } from '../../../stats/metrics.ts';

/** Counters of one direction. */
export interface DirectionStats {
  readonly rulesProcessed: Counter;
  readonly metadataAdded: Counter;
  readonly headerNotFound: Counter;
}

/** See the file's head. */
export class RuleStats {
  readonly request: DirectionStats;
  readonly response: DirectionStats;
  readonly base64DecodeFailed: Counter;
  readonly headerValueTooLong: Counter;
  readonly regexSubstitutionFailed: Counter;

  constructor(scope: StatsScope) {
    this.request = direction(scope, 'request');
    this.response = direction(scope, 'response');
    this.base64DecodeFailed = scope.counter('base64_decode_failed');
    this.headerValueTooLong = scope.counter('header_value_too_long');
    this.regexSubstitutionFailed = scope.counter('regex_substitution_failed');
  }
}

function direction(scope: StatsScope, name: string): DirectionStats {
  return {
    rulesProcessed: scope.counter(`${name}_rules_processed`),
    metadataAdded: scope.counter(`${name}_metadata_added`),
    headerNotFound: scope.counter(`${name}_header_not_found`),
  };
}
