// Hosts of a cluster, and what a balancer is asked with.
import { socketAddress } from '../../proxy/base/address.ts';
import { StreamInfo } from '../../proxy/http/stream-info.ts';
import type { EndpointConfig } from '../../proxy/model/cluster.ts';
import type { LoadBalancerContext } from '../../proxy/upstream/cluster-manager.ts';
import { Host } from '../../proxy/upstream/host.ts';
import { endpointConfig } from './cluster-config.ts';

let lastPort = 10000;

/** A host with an address of its own. */
export function host(members: Partial<EndpointConfig> = {}): Host {
  lastPort += 1;
  const endpoint = endpointConfig({ port: lastPort, ...members });
  const address = socketAddress(endpoint.address, endpoint.port);
  return new Host(address, endpoint, { name: 'c', observabilityName: 'c' });
}

/** A context without a request. */
export function balancerContext(): LoadBalancerContext {
  const address = socketAddress('127.0.0.1', 1);
  const downstream = {
    id: 1,
    directRemoteAddress: address,
    remoteAddress: address,
    localAddress: address,
    directLocalAddress: address,
    requestedServerName: '',
    filterChainName: '',
    tls: null,
    filterState: null,
  };
  return { request: null, info: new StreamInfo(downstream, 0, 0) };
}
