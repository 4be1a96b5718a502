// stats_config as functions of a name: which statistics are kept, and their buckets.
import type { StatsConfig } from '../model/bootstrap.ts';
import { matchesString } from '../model/match-value.ts';
import { DEFAULT_BOUNDS } from '../stats/distribution.ts';
import type { BoundsOf } from '../stats/selection.ts';
import type { NameFilter } from '../stats/store.ts';

/** stats_matcher; null when everything is kept. */
export function statFilter({ matcher }: StatsConfig): NameFilter | null {
  if (matcher === null) return null;
  if (matcher.kind === 'reject-all') return () => false;
  const { patterns } = matcher;
  const kept = matcher.kind === 'include';
  return (name) => patterns.some((pattern) => matchesString(pattern, name)) === kept;
}

/** histogram_bucket_settings: the first that matches counts. */
export function boundsOf({ histogramBuckets }: StatsConfig): BoundsOf {
  return (name) =>
    histogramBuckets.find(({ match }) => matchesString(match, name))?.bounds ?? DEFAULT_BOUNDS;
}
