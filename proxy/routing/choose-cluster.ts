// Which cluster a forwarding route means for one request.
import type { RequestHead } from '../http/message.ts';
import type { ClusterSpecifierConfig } from '../model/route.ts';

/** The cluster's name; '' when the request names none (cluster_header). */
export function chooseCluster(
  specifier: ClusterSpecifierConfig,
  head: RequestHead,
  streamRandom: number,
): string {
  if (specifier.kind === 'cluster') return specifier.name;
  if (specifier.kind === 'header') return head.headers.getByName(specifier.name) ?? '';
  let left = streamRandom % specifier.totalWeight;
  for (const cluster of specifier.clusters) {
    if (left < cluster.weight) return cluster.name;
    left -= cluster.weight;
  }
  return '';
}
