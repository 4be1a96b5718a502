// How much of the traffic each priority gets, in whole percent: lower priorities take over as the
// hosts of higher ones fail. Pure arithmetic on counts, with Envoy's rounding.
import type { PriorityRulesConfig } from '../../model/cluster.ts';
import type { Host } from '../host.ts';
import type { PriorityHosts } from '../host-set.ts';

/** What counts of one priority. */
export interface PriorityCounts extends PrioritySizes {
  /** Sizes that shares go by where not by numbers of hosts; panic always goes by numbers. */
  readonly weights?: PrioritySizes;
  /** Where it differs from what the rules say: a priority of another cluster. */
  readonly overprovisioningPercent?: number;
}

/** Of all, healthy and degraded hosts. */
export interface PrioritySizes {
  readonly total: number;
  readonly healthy: number;
  readonly degraded: number;
}

/** Counts of a priority's hosts. */
export function priorityCounts(
  { counted, healthy, degraded }: PriorityHosts,
  { isHealthWeighted }: PriorityRulesConfig,
): PriorityCounts {
  const sizes = { total: counted.length, healthy: healthy.length, degraded: degraded.length };
  if (!isHealthWeighted) return sizes;
  const weights = {
    total: weightOf(counted),
    healthy: weightOf(healthy),
    degraded: weightOf(degraded),
  };
  return { ...sizes, weights };
}

function weightOf(hosts: readonly Host[]): number {
  return hosts.reduce((sum, { weight }) => sum + weight, 0);
}

/** Shares of the traffic by priority; healthy and degraded ones together make 100. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  /** True where too few hosts are usable: all of the priority's hosts are used. */
  readonly panics: readonly boolean[];
}

/** Shares for the given counts; at least one priority. */
export function priorityLoad(
  counts: readonly PriorityCounts[],
  rules: PriorityRulesConfig,
): PriorityLoad {
  const { healthy, degraded } = availabilities(counts, rules);
  const total = Math.min(100, sum(healthy) + sum(degraded));
  const threshold = rules.panicThresholdPercent;
  if (threshold === 0 && total === 0) return nobody(counts);
  const panics = counts.map((count) => total < 100 && usablePercent(count) < threshold);
  if (panics.every(Boolean)) return allPanicking(counts);
  return { ...distribute(healthy, degraded, total), panics };
}

/**
 * Shares for a retry that is to avoid priorities (retry_priority); null: nobody else is usable, and
 * nothing is avoided.
 */
export function retryLoad(
  counts: readonly PriorityCounts[],
  rules: PriorityRulesConfig,
  tried: readonly number[],
): Pick<PriorityLoad, 'healthy' | 'degraded'> | null {
  const all = availabilities(counts, rules);
  const untried = (shares: readonly number[]) =>
    shares.map((share, priority) => (tried.includes(priority) ? 0 : share));
  const [healthy, degraded] = [untried(all.healthy), untried(all.degraded)];
  const total = Math.min(100, sum(healthy) + sum(degraded));
  return total === 0 ? null : distribute(healthy, degraded, total);
}

function availabilities(
  counts: readonly PriorityCounts[],
  rules: PriorityRulesConfig,
): { readonly healthy: readonly number[]; readonly degraded: readonly number[] } {
  const share = (kind: 'healthy' | 'degraded') => (count: PriorityCounts) => {
    const { [kind]: usable, total } = count.weights ?? count;
    const factor = count.overprovisioningPercent ?? rules.overprovisioningPercent;
    return availability(usable, total, factor);
  };
  return { healthy: counts.map(share('healthy')), degraded: counts.map(share('degraded')) };
}

function availability(usable: number, total: number, overprovisioningPercent: number): number {
  if (total === 0) return 0;
  return Math.min(100, Math.floor((overprovisioningPercent * usable) / total));
}

function usablePercent({ total, healthy, degraded }: PriorityCounts): number {
  return total === 0 ? 0 : (100 * (healthy + degraded)) / total;
}

/** Nobody is usable and nobody may panic: everything goes to the first priority, which has none. */
function nobody(counts: readonly PriorityCounts[]): PriorityLoad {
  const none = counts.map(() => 0);
  return {
    healthy: none.with(0, 100),
    degraded: none,
    panics: counts.map(() => false),
  };
}

function distribute(
  healthy: readonly number[],
  degraded: readonly number[],
  total: number,
): { healthy: number[]; degraded: number[] } {
  let remaining = 100;
  const take = (percent: number): number => {
    const load = total === 0 ? 0 : Math.min(remaining, Math.floor((percent * 100) / total));
    remaining -= load;
    return load;
  };
  const loads = { healthy: healthy.map(take), degraded: degraded.map(take) };
  addRemainder(loads, remaining, { healthy, degraded });
  return loads;
}

function addRemainder(
  loads: { healthy: number[]; degraded: number[] },
  remaining: number,
  usable: { healthy: readonly number[]; degraded: readonly number[] },
): void {
  const firstHealthy = usable.healthy.findIndex((percent) => percent > 0);
  const firstDegraded = usable.degraded.findIndex((percent) => percent > 0);
  if (firstHealthy >= 0)
    loads.healthy[firstHealthy] = (loads.healthy[firstHealthy] ?? 0) + remaining;
  else if (firstDegraded >= 0) {
    loads.degraded[firstDegraded] = (loads.degraded[firstDegraded] ?? 0) + remaining;
  }
}

/** Nobody has enough: traffic follows the number of hosts, whatever their health. */
function allPanicking(counts: readonly PriorityCounts[]): PriorityLoad {
  const total = sum(counts.map((count) => count.total));
  const healthy = counts.map((count) =>
    total === 0 ? 0 : Math.floor((100 * count.total) / total),
  );
  const first = Math.max(
    0,
    counts.findIndex((count) => count.total > 0),
  );
  healthy[first] = (healthy[first] ?? 0) + 100 - sum(healthy);
  return { healthy, degraded: counts.map(() => 0), panics: counts.map(() => true) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((left, right) => left + right, 0);
}
