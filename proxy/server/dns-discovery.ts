// DNS in the primary: names are resolved once for all workers.
import type { Logger } from '../base/log.ts';
import { EventLoop } from '../net/event-loop.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { DnsClusters } from '../upstream/dns/dns-clusters.ts';
import { SystemDnsResolver } from '../upstream/dns/system-dns-resolver.ts';
import type { ClusterDiscovery, EndpointsSink } from './cluster-discovery.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import { SystemRandom } from './system-random.ts';

/** Finds the hosts of STRICT_DNS and LOGICAL_DNS clusters by the system's resolver. */
export function dnsDiscovery(parts: {
  readonly sink: EndpointsSink;
  readonly stats: StatsScope;
  readonly log: Logger;
}): ClusterDiscovery {
  const loop = new EventLoop(SYSTEM_CLOCK);
  return new DnsClusters({
    clock: loop,
    timers: loop.timers,
    random: new SystemRandom(),
    resolver: new SystemDnsResolver(),
    ...parts,
  });
}
