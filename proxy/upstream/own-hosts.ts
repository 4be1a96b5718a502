// Hosts that a cluster makes for what its connections and requests say, in place of endpoints.
import type { SocketAddress } from '../base/address.ts';
import type { EndpointConfig } from '../model/cluster.ts';
import { PLAIN_ENDPOINT_CHECK } from '../model/health-check.ts';
import type { Host } from './host.ts';
import type { LoadBalancer } from './lb/load-balancer.ts';

/** Hears about changes. */
export interface OwnHostsOwner {
  /** `removed` are no members any more. */
  onHostsChanged(total: number, removed: readonly Host[]): void;
}

/** They choose among themselves, too. */
export interface OwnHosts extends LoadBalancer {
  /** Hosts as of now. */
  hosts(): readonly Host[];
  /** The cluster ends: none is added or forgotten any more. */
  close(): void;
}

/** What a host is that only has an address. */
export function endpointOfAddress({ ip, port }: SocketAddress): EndpointConfig {
  return {
    ...{
      address: ip,
      port,
      endpointId: '',
      hostname: '',
      weight: 1,
      priority: 0,
      healthStatus: 'healthy',
    },
    locality: { region: '', zone: '', subZone: '' },
    localityWeight: 0,
    isCanary: false,
    moreAddresses: [],
    metadata: {},
    check: PLAIN_ENDPOINT_CHECK,
  };
}
