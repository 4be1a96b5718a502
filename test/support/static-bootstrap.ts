// Static bootstraps for end-to-end and differential tests, as plain objects.

/** Any message as JSON. */
export type Message = Readonly<Record<string, unknown>>;

const TYPE = 'type.googleapis.com/envoy.extensions.filters';

/** A bootstrap without admin interface. */
export function bootstrapOf(listeners: readonly Message[], clusters: readonly Message[]): Message {
  return { static_resources: { listeners, clusters } };
}

/** A STATIC cluster with one endpoint on loopback; `members` are the endpoint's. */
export function staticCluster(name: string, port: number, members: Message = {}): Message {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address, ...members } }] }];
  const load_assignment = { cluster_name: name, endpoints };
  return { name, type: 'STATIC', connect_timeout: '5s', load_assignment };
}

/** A listener on a port of the system's choice with one connection manager and the router. */
export function httpListener(
  name: string,
  routeConfig: Message,
  options: { readonly manager?: Message; readonly router?: Message } = {},
): Message {
  const router = { '@type': `${TYPE}.http.router.v3.Router`, ...options.router };
  const manager = {
    '@type': `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: { name: `${name}-routes`, ...routeConfig },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
    ...options.manager,
  };
  const filter = {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: manager,
  };
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [filter] }],
  };
}

/** A virtual host. */
export function virtualHost(
  domains: readonly string[],
  routes: readonly Message[],
  members: Message = {},
): Message {
  return { name: domains[0], domains, routes, ...members };
}
