// `proxy_proto.*`: how many connections had which header.
import type { Counter, StatsScope } from '../../../stats/metrics.ts';

/** Cells of one version. */
export interface VersionStats {
  readonly found: Counter;
  readonly disallowed: Counter;
  readonly error: Counter;
}

/** Cells of one filter. */
export class ProxyProtocolStats {
  readonly notFoundDisallowed: Counter;
  readonly notFoundAllowed: Counter;
  readonly v1: VersionStats;
  readonly v2: VersionStats;
  /** Every error, as older dashboards want it: a name without prefix. */
  readonly legacyError: Counter;

  constructor(scope: StatsScope, root: StatsScope) {
    this.notFoundDisallowed = scope.counter('not_found_disallowed');
    this.notFoundAllowed = scope.counter('not_found_allowed');
    this.v1 = versionStats(scope.scope('versions.v1'));
    this.v2 = versionStats(scope.scope('versions.v2'));
    this.legacyError = root.counter('downstream_cx_proxy_proto_error');
  }
}

function versionStats(scope: StatsScope): VersionStats {
  return {
    found: scope.counter('found'),
    disallowed: scope.counter('disallowed'),
    error: scope.counter('error'),
  };
}
