// Configurations for chaos, with what a DestinationRule and a VirtualService turn into.

/** Times of the routes and clusters, in ms: they are what is measured. */
export const CONNECT_TIMEOUT_MS = 1000;
export const ROUTE_TIMEOUT_MS = 1000;
export const PER_TRY_TIMEOUT_MS = 400;

type Json = Readonly<Record<string, unknown>>;

const ROUTER = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' };
const MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const PREVIOUS_HOSTS =
  'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate';

const CARES =
  'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig';

/** retries: { attempts: 3, perTryTimeout: 400ms }, timeout: 5s; what Istio adds to it. */
export const RETRYING: Json = {
  timeout: '5s',
  retry_policy: {
    retry_on: 'gateway-error,connect-failure,refused-stream,reset,5xx',
    num_retries: 3,
    per_try_timeout: `${PER_TRY_TIMEOUT_MS / 1000}s`,
    retry_host_predicate: [
      {
        name: 'envoy.retry_host_predicates.previous_hosts',
        typed_config: { '@type': PREVIOUS_HOSTS },
      },
    ],
    host_selection_retry_max_attempts: 5,
  },
};

/** A plain route with a timeout. */
export const PLAIN: Json = { timeout: `${ROUTE_TIMEOUT_MS / 1000}s` };

/** outlierDetection: { consecutive5xxErrors: 5, interval: 1s, maxEjectionPercent: 50 }. */
export const OUTLIERS: Json = {
  ...{ consecutive_5xx: 5, interval: '1s', base_ejection_time: '30s' },
  ...{ max_ejection_percent: 50, enforcing_consecutive_5xx: 100, enforcing_success_rate: 0 },
};

/** Istio's clusters limit nothing unless a DestinationRule does; Envoy's would allow 3 retries at once. */
const UNLIMITED = 2 ** 32 - 1;
export const NO_BREAKERS: Json = {
  thresholds: [
    {
      ...{ max_connections: UNLIMITED, max_pending_requests: UNLIMITED },
      ...{ max_requests: UNLIMITED, max_retries: UNLIMITED, track_remaining: true },
    },
  ],
};

/** One listener, one route to the cluster `c`. */
export function chaosBootstrap(
  clusters: readonly Json[],
  policies: { readonly route: Json },
): Json {
  const manager = {
    '@type': MANAGER,
    stat_prefix: 'chaos',
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: ROUTER }],
    route_config: {
      // The only way to see from outside why the proxy answered itself.
      response_headers_to_add: [{ header: { key: 'x-flags', value: '%RESPONSE_FLAGS%' } }],
      virtual_hosts: [
        {
          ...{ name: 'all', domains: ['*'] },
          routes: [{ match: { prefix: '/' }, route: { cluster: 'c', ...policies.route } }],
        },
      ],
    },
  };
  const filters = [
    { name: 'envoy.filters.network.http_connection_manager', typed_config: manager },
  ];
  return {
    static_resources: {
      listeners: [{ name: 'main', address: socket(0), filter_chains: [{ filters }] }],
      clusters,
    },
  };
}

/** The cluster `c`, of these ports. */
export function staticCluster(ports: readonly number[], more: Json = {}): Json {
  const endpoints = ports.map((port) => ({ endpoint: { address: socket(port) } }));
  return {
    ...{ name: 'c', type: 'STATIC', connect_timeout: `${CONNECT_TIMEOUT_MS / 1000}s` },
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: endpoints }] },
    ...more,
  };
}

/** A cluster whose name a server of the test's own resolves. */
export function dnsCluster(
  name: string,
  place: { readonly port: number; readonly dnsPort: number },
): Json {
  const endpoint = { endpoint: { address: socket(place.port, 'upstream.chaos.test') } };
  return {
    ...{ name, type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY', respect_dns_ttl: true },
    typed_dns_resolver_config: {
      name: 'envoy.network.dns_resolver.cares',
      typed_config: {
        '@type': CARES,
        resolvers: [socket(place.dnsPort)],
        dns_resolver_options: { no_default_search_domain: true },
        query_tries: 1,
      },
    },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
  };
}

function socket(port: number, address = '127.0.0.1'): Json {
  return { socket_address: { address, port_value: port } };
}
