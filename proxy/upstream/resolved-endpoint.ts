// A host of a cluster as found by whoever looks it up: plain, serialisable.
import type { EndpointConfig } from '../model/cluster.ts';

/** One address with what its endpoint configuration says. */
export interface ResolvedEndpoint {
  /** Numeric IP, a pipe's path when `port` is -1, an internal listener's name when it is -2. */
  readonly ip: string;
  readonly port: number;
  /** More addresses of the same host, of a LOGICAL_DNS cluster's name. */
  readonly moreIps?: readonly string[];
  /** Index of the EndpointConfig in the cluster's configuration that it came from. */
  readonly endpointIndex: number;
  /** What it is, where it did not come with the cluster's configuration (EDS). */
  readonly endpoint?: EndpointConfig;
}
