// metadata_match of routes and weighted clusters: which hosts of a cluster they mean.
import type { Metadata } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { SubsetMatch } from '../../model/route.ts';

/** The namespace in which balancers look for subsets; Envoy reads no other. */
const BALANCER_NAMESPACE = 'envoy.lb';

/** What the metadata asks of hosts, by key. */
export function compileMetadataMatch(message: Metadata | undefined): SubsetMatch {
  return structuredClone(message?.filterMetadata[BALANCER_NAMESPACE] ?? {});
}
