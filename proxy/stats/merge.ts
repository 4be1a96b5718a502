// Sums the statistics of several workers, and keeps what a worker that died had counted.
import { addBuckets } from './histogram.ts';
import { EMPTY_SNAPSHOT, type HistogramSnapshot, type StatsSnapshot } from './snapshot.ts';

/**
 * Last tokens of names whose value says the same in every worker (how many hosts a cluster has,
 * whether a breaker is open): their sum would be wrong, so the largest counts.
 */
const ALIKE_IN_ALL_WORKERS = new Set([
  ...['active_clusters', 'warming_clusters', 'warming_state', 'version', 'max_host_weight'],
  'cluster_updated',
  ...['membership_total', 'membership_healthy', 'membership_degraded', 'membership_excluded'],
  ...['membership_change', 'total_match_count', 'lb_healthy_panic_active'],
  ...['cx_open', 'cx_pool_open', 'rq_open', 'rq_pending_open', 'rq_retry_open'],
  ...['listener_in_place_updated', 'workers_started'],
  ...['total_listeners_active', 'total_listeners_warming', 'total_listeners_draining'],
  ...['total_filter_chains_draining'],
  ...['concurrency_limit', 'gradient', 'burst_queue_size', 'min_rtt_calculation_active'],
  ...['min_rtt_msecs', 'sample_rtt_msecs'],
]);

/**
 * What is left of limits that all workers count together: one that has just begun may not know yet
 * what the others took, so the smallest counts.
 */
const LEFT_TO_ALL_WORKERS = new Set([
  ...['remaining_cx', 'remaining_cx_pools', 'remaining_pending', 'remaining_retries'],
  ...['remaining_rq'],
]);

/** What each worker says of itself among what the primary says of the process. */
export const TOTAL_CONNECTIONS = 'server.total_connections';

/** How the values of several workers become one. */
export type MergeRule = 'sum' | 'max' | 'min';

/** The rule for a counter or gauge of that name. */
export function mergeRule(name: string): MergeRule {
  if (name === TOTAL_CONNECTIONS) return 'sum';
  if (name.startsWith('server.') || name.startsWith('runtime.')) return 'max';
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (LEFT_TO_ALL_WORKERS.has(last)) return 'min';
  return ALIKE_IN_ALL_WORKERS.has(last) ? 'max' : 'sum';
}

/** One snapshot out of those of many workers. */
export function mergeSnapshots(snapshots: readonly StatsSnapshot[]): StatsSnapshot {
  return merge(snapshots, mergeRule);
}

/** The same of processes that follow each other: what each has counted adds up, as in Envoy. */
export function mergeProcesses(snapshots: readonly StatsSnapshot[]): StatsSnapshot {
  return merge(snapshots, () => 'sum');
}

function merge(
  snapshots: readonly StatsSnapshot[],
  counterRule: (name: string) => MergeRule,
): StatsSnapshot {
  const [only] = snapshots;
  if (only !== undefined && snapshots.length === 1) return only;
  const counters: Record<string, number> = {};
  const gauges: Record<string, number> = {};
  const wideGauges: Record<string, string> = {};
  const textReadouts: Record<string, string> = {};
  const histograms: Record<string, HistogramSnapshot> = {};
  const usedZeroes = new Set<string>();
  const untouched = snapshots.flatMap((snapshot) => snapshot.untouched);
  for (const snapshot of snapshots) {
    mergeNumbers(counters, snapshot.counters, counterRule);
    mergeNumbers(gauges, snapshot.gauges, mergeRule);
    Object.assign(wideGauges, snapshot.wideGauges);
    Object.assign(textReadouts, snapshot.textReadouts);
    for (const name of snapshot.usedZeroes) usedZeroes.add(name);
    for (const [name, histogram] of Object.entries(snapshot.histograms)) {
      const known = histograms[name];
      histograms[name] = known === undefined ? histogram : mergeHistograms(known, histogram);
    }
  }
  return {
    ...{ counters, gauges, wideGauges, textReadouts, histograms },
    ...{ usedZeroes: [...usedZeroes], untouched },
  };
}

/**
 * What is left of workers that ended: counters and histograms go on counting, gauges are gone with
 * what they measured. `base` is the sum of those that ended before.
 */
export function foldEndedWorker(base: StatsSnapshot, last: StatsSnapshot): StatsSnapshot {
  // What each worker counts alike, the replacement counts again: see AlikeCounts.
  const counters = pick(last.counters, (name) => mergeRule(name) === 'sum');
  return mergeSnapshots([base, countsOf({ ...last, counters })]);
}

/** The same for a whole process that another one follows. */
export function foldEndedProcess(base: StatsSnapshot, last: StatsSnapshot): StatsSnapshot {
  return mergeProcesses([base, countsOf(lastingPart(last))]);
}

/** Counters and histograms, of what has come to its end. */
function countsOf({ counters, histograms, usedZeroes }: StatsSnapshot): StatsSnapshot {
  const ended: Record<string, HistogramSnapshot> = {};
  for (const [name, histogram] of Object.entries(histograms)) {
    ended[name] = { ...histogram, intervalBuckets: [] };
  }
  const used = usedZeroes.filter((name) => name in counters);
  return { ...EMPTY_SNAPSHOT, counters, histograms: ended, usedZeroes: used };
}

/**
 * What of a process that is ending counts beside its successor's: counters, histograms, and gauges
 * of what is in flight.
 */
export function lastingPart(snapshot: StatsSnapshot): StatsSnapshot {
  const { counters, gauges, histograms } = snapshot;
  return {
    ...EMPTY_SNAPSHOT,
    counters,
    gauges: pick(gauges, (name) => mergeRule(name) === 'sum' && isInFlight(name)),
    histograms: pick(histograms, (name) => !name.startsWith('server.')),
  };
}

function isInFlight(name: string): boolean {
  return name === TOTAL_CONNECTIONS || name.endsWith('_active');
}

function pick<T>(
  values: Readonly<Record<string, T>>,
  isWanted: (name: string) => boolean,
): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => isWanted(name)));
}

/** `base` after `/reset_counters`: every counter 0, histograms as they were. */
export function resetBase(base: StatsSnapshot): StatsSnapshot {
  const used = Object.keys(base.counters).filter((name) => base.counters[name] !== 0);
  const counters = Object.fromEntries(Object.keys(base.counters).map((name) => [name, 0]));
  return { ...base, counters, usedZeroes: [...new Set([...base.usedZeroes, ...used])] };
}

function mergeNumbers(
  into: Record<string, number>,
  values: Readonly<Record<string, number>>,
  ruleOf: (name: string) => MergeRule,
): void {
  for (const name of Object.keys(values)) {
    const value = values[name] ?? 0;
    const known = into[name];
    if (known === undefined) into[name] = value;
    else into[name] = merged(ruleOf(name), known, value);
  }
}

function merged(rule: MergeRule, left: number, right: number): number {
  if (rule === 'sum') return left + right;
  return rule === 'max' ? Math.max(left, right) : Math.min(left, right);
}

function mergeHistograms(left: HistogramSnapshot, right: HistogramSnapshot): HistogramSnapshot {
  return {
    unit: left.unit,
    sum: left.sum + right.sum,
    count: left.count + right.count,
    buckets: addBuckets(left.buckets, right.buckets),
    intervalBuckets: addBuckets(left.intervalBuckets, right.intervalBuckets),
  };
}
