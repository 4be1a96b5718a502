// Listeners without a socket, and clusters that lead to them.
import type { Message } from './static-bootstrap.ts';

const API = 'type.googleapis.com/envoy.extensions';

/** What a bootstrap must have for internal listeners. */
export function internalExtension(members: Message = {}): Message {
  const typed_config = {
    '@type': `${API}.bootstrap.internal_listener.v3.InternalListener`,
    ...members,
  };
  return { name: 'envoy.bootstrap.internal_listener', typed_config };
}

/** The same listener without its socket. */
export function internalListener({ address: _, ...listener }: Message): Message {
  return { ...listener, internal_listener: {} };
}

/** A STATIC cluster with one endpoint: the internal listener of this name. */
export function internalCluster(name: string, listener: string, members: Message = {}): Message {
  const envoy_internal_address = { server_listener_name: listener, endpoint_id: 'x' };
  const endpoint = { address: { envoy_internal_address } };
  const endpoints = [{ lb_endpoints: [{ endpoint }] }];
  const load_assignment = { cluster_name: name, endpoints };
  return { name, type: 'STATIC', connect_timeout: '5s', load_assignment, ...members };
}
