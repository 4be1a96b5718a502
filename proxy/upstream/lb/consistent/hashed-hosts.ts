// What consistent hashing knows of hosts: the text that stands for each on the ring or in the table,
// and its share of the whole.

import {
  type ConsistentHashingConfig,
  loadBalancingMetadata,
} from '../../../model/load-balancing.ts';
import type { Host } from '../../host.ts';

/** A host with its place among the others. */
export interface HashedHost {
  readonly host: Host;
  readonly key: string;
  /** Its share; all shares together make 1, less where a locality has nobody to be sent to. */
  readonly weight: number;
}

/** Hosts of a locality that may be picked. */
export interface HashedLocality {
  readonly hosts: readonly Host[];
  readonly weight: number;
}

/** Keys and shares of hosts that all count alike. */
export function hashedHosts(
  hosts: readonly Host[],
  { usesHostname }: ConsistentHashingConfig,
): readonly HashedHost[] {
  return shareOut(hosts, 1, usesHostname);
}

/** The same of hosts whose localities share first; localities without weight are left out. */
export function hashedLocalities(
  localities: readonly HashedLocality[],
  { usesHostname }: ConsistentHashingConfig,
): readonly HashedHost[] {
  const sum = localities.reduce((total, { weight }) => total + weight, 0);
  return localities
    .filter(({ weight }) => weight > 0)
    .flatMap(({ hosts, weight }) => shareOut(hosts, weight / sum, usesHostname));
}

function shareOut(hosts: readonly Host[], share: number, usesHostname: boolean): HashedHost[] {
  const sum = hosts.reduce((total, { endpoint }) => total + endpoint.weight, 0);
  return hosts.map((host) => ({
    host,
    key: keyOf(host, usesHostname),
    weight: (host.endpoint.weight * share) / sum,
  }));
}

/** Metadata `envoy.lb` may name a key, so that a host keeps its place when its address changes. */
function keyOf(host: Host, usesHostname: boolean): string {
  const written = loadBalancingMetadata(host.endpoint.metadata)?.['hash_key'];
  if (typeof written === 'string' && written !== '') return written;
  return usesHostname ? host.hostname : host.address.text;
}
