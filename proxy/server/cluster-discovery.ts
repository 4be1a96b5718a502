// The hosts that the primary finds for the workers, as the rest of the primary sees it.
import type { ClusterConfig } from '../model/cluster.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';

/** Takes what was found for one cluster. */
export type EndpointsSink = (cluster: string, endpoints: readonly ResolvedEndpoint[]) => void;

/** Finds hosts of clusters that are not static, and keeps them current. */
export interface ClusterDiscovery {
  /** Hosts found so far, by cluster: complete for each cluster that was resolved once. */
  endpoints(): ReadonlyMap<string, readonly ResolvedEndpoint[]>;
  /** Clusters that were not resolved yet, for `/init_dump`. */
  unresolved(): readonly string[];
  /** Follows clusters; static ones are ignored. What is found goes to the sink, again and again. */
  follow(cluster: ClusterConfig): void;
  forget(name: string): void;
  /** Resolves when every cluster followed by now was resolved once, or failed to. */
  settled(): Promise<void>;
  stop(): void;
}
