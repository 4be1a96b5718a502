// Which cluster a forwarding route means for one request.
import type { RequestHead } from '../http/message.ts';
import { requestField } from '../http/request-field.ts';
import type { ClusterSpecifierConfig, WeightedClusterConfig } from '../model/route.ts';

/** The specifier of several clusters with weights. */
export type WeightedSpecifier = Extract<ClusterSpecifierConfig, { readonly kind: 'weighted' }>;

/** Envoy reads the field as an unsigned 64-bit number. */
const UNSIGNED = /^\d{1,20}$/;
const MAX_UINT64 = 2n ** 64n - 1n;

/** The cluster's name; '' when the request names none (cluster_header). */
export function chooseCluster(
  specifier: ClusterSpecifierConfig,
  head: RequestHead,
  streamRandom: number,
): string {
  if (specifier.kind === 'cluster') return specifier.name;
  if (specifier.kind === 'header') return requestField(head, specifier.name) ?? '';
  const entry = specifier.clusters[weightedIndex(specifier, head, streamRandom)];
  return entry === undefined ? '' : chooseCluster(entrySpecifier(entry), head, streamRandom);
}

/** What a drawn entry of weighted_clusters means by itself. */
export function entrySpecifier(entry: WeightedClusterConfig): ClusterSpecifierConfig {
  const { clusterHeader } = entry;
  if (clusterHeader === undefined || clusterHeader === '') {
    return { kind: 'cluster', name: entry.name };
  }
  return { kind: 'header', name: clusterHeader };
}

/** The entry drawn: each owns as many of the numbers below the total as its weight says. */
export function weightedIndex(
  specifier: WeightedSpecifier,
  head: RequestHead,
  streamRandom: number,
): number {
  let left = drawnValue(specifier, head, streamRandom);
  const { clusters } = specifier;
  for (let index = 0; index < clusters.length; index += 1) {
    const { weight } = clusters[index]!;
    if (left < weight) return index;
    left -= weight;
  }
  return -1;
}

function drawnValue(specifier: WeightedSpecifier, head: RequestHead, streamRandom: number): number {
  const { headerName, totalWeight } = specifier;
  if (headerName === undefined) return streamRandom % totalWeight;
  const [value, ...others] = head.headers.values(headerName);
  if (value === undefined || others.length > 0 || !UNSIGNED.test(value)) {
    return streamRandom % totalWeight;
  }
  const number = BigInt(value);
  return number > MAX_UINT64 ? streamRandom % totalWeight : Number(number % BigInt(totalWeight));
}
