// Which rows are shown, and in which order.
import type { ClusterRow, HostRow } from './rates.ts';

/** What rows are sorted by; the letter is the key on the terminal. */
export const SORT_KEYS = {
  name: 'n',
  rps: 'r',
  success: 's',
  latency: 'l',
  connections: 'c',
  pending: 'p',
  ejected: 'e',
} as const;

/** One of them. */
export type SortKey = keyof typeof SORT_KEYS;

/** How a report is arranged. */
export interface Arrangement {
  readonly sort: SortKey;
  /** Part of a cluster's name or of a host's address, in any case; '': everything. */
  readonly filter: string;
  readonly hosts: boolean;
}

type Order<T> = Readonly<Record<SortKey, (row: T) => number>>;

/** Smaller comes first: most traffic, worst success, slowest. */
const CLUSTER_ORDER: Order<ClusterRow> = {
  name: () => 0,
  rps: (row) => -row.requestsPerSecond,
  success: (row) => row.successPercent ?? 101,
  latency: (row) => -(row.latencyMs?.p99 ?? -1),
  connections: (row) => -row.connections,
  pending: (row) => -row.pendingRequests,
  ejected: (row) => -row.ejectedHosts,
};

const HOST_ORDER: Order<HostRow> = {
  name: () => 0,
  rps: (row) => -row.requestsPerSecond,
  success: (row) => row.successPercent ?? 101,
  // Nobody measures it by host.
  latency: () => 0,
  connections: (row) => -row.connections,
  pending: (row) => -row.pendingRequests,
  ejected: (row) => (row.health === 'healthy' ? 1 : 0),
};

/** The rows to show. A cluster that is found by its name keeps all its hosts. */
export function arrange(
  clusters: readonly ClusterRow[],
  { sort, filter, hosts }: Arrangement,
): readonly ClusterRow[] {
  const wanted = filter.toLowerCase();
  const isWanted = (text: string): boolean => text.toLowerCase().includes(wanted);
  const found = clusters.flatMap((cluster) => {
    const members = isWanted(cluster.name)
      ? cluster.hosts
      : cluster.hosts.filter(({ address }) => isWanted(address));
    if (members.length === 0 && !isWanted(cluster.name)) return [];
    return [{ ...cluster, hosts: hosts ? sorted(members, HOST_ORDER[sort], 'address') : [] }];
  });
  return sorted(found, CLUSTER_ORDER[sort], 'name');
}

/** Equal ones by their name, so that rows do not jump about. */
function sorted<N extends string, T extends Readonly<Record<N, string>>>(
  rows: readonly T[],
  order: (row: T) => number,
  name: N,
): readonly T[] {
  const compareNames = (left: string, right: string): number =>
    left.localeCompare(right, 'en', { numeric: true });
  return [...rows].sort(
    (left, right) => order(left) - order(right) || compareNames(left[name], right[name]),
  );
}
