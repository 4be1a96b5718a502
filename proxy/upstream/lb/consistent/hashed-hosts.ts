// What consistent hashing knows of hosts: the text that stands for each on the ring or in the table,
// and its share of the whole.

import {
  type ConsistentHashingConfig,
  loadBalancingMetadata,
} from '../../../model/load-balancing.ts';
import type { Host } from '../../host.ts';
import { localityKey } from '../weighted-localities.ts';

/** A host with its place among the others. */
export interface HashedHost {
  readonly host: Host;
  readonly key: string;
  /** Its share; all shares together make 1. */
  readonly weight: number;
}

/** Keys and shares; hosts of localities without weight are left out where localities are weighted. */
export function hashedHosts(
  hosts: readonly Host[],
  config: ConsistentHashingConfig,
): readonly HashedHost[] {
  const groups = config.isLocalityWeighted ? byLocality(hosts) : [{ hosts, share: 1 }];
  return groups.flatMap((group) => {
    const sum = group.hosts.reduce((total, { endpoint }) => total + endpoint.weight, 0);
    return group.hosts.map((host) => ({
      host,
      key: keyOf(host, config.usesHostname),
      weight: (host.endpoint.weight * group.share) / sum,
    }));
  });
}

interface LocalityGroup {
  readonly hosts: readonly Host[];
  readonly share: number;
}

function byLocality(hosts: readonly Host[]): readonly LocalityGroup[] {
  const groups = new Map<string, Host[]>();
  for (const host of hosts) {
    if (host.endpoint.localityWeight === 0) continue;
    const key = localityKey(host.endpoint.locality);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [host]);
    else group.push(host);
  }
  const weightOf = (group: readonly Host[]): number => group[0]?.endpoint.localityWeight ?? 0;
  const sum = [...groups.values()].reduce((total, group) => total + weightOf(group), 0);
  return [...groups.values()].map((group) => ({ hosts: group, share: weightOf(group) / sum }));
}

/** Metadata `envoy.lb` may name a key, so that a host keeps its place when its address changes. */
function keyOf(host: Host, usesHostname: boolean): string {
  const written = loadBalancingMetadata(host.endpoint.metadata)?.['hash_key'];
  if (typeof written === 'string' && written !== '') return written;
  return usesHostname ? host.hostname : host.address.text;
}
