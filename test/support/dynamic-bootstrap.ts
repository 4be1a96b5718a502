// A bootstrap with one management server for everything, and resources for it.
import { httpListener, type Message, staticCluster, virtualHost } from './static-bootstrap.ts';

/** A source of type ADS. */
export const ADS: Message = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '10s' };

/** What a cluster needs to be spoken to in HTTP/2. */
export const HTTP2 = http2Options({});

/** The same with pings: a dead stream is found in 0.6 s. */
export const PINGED = http2Options({
  connection_keepalive: { interval: '0.3s', timeout: '0.3s' },
});

function http2Options(options: Message): Message {
  const name = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const explicit_http_config = { http2_protocol_options: options };
  const typed = { '@type': `type.googleapis.com/${name}`, explicit_http_config };
  return { typed_extension_protocol_options: { [name]: typed } };
}

/** How the server is spoken to; `members` are ApiConfigSource's. */
export function apiSource(isIncremental: boolean, members: Message = {}): Message {
  return {
    api_type: isIncremental ? 'DELTA_GRPC' : 'GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
    ...members,
  };
}

/** Clusters and listeners by ADS from the server at that port. */
export function adsBootstrap(
  port: number,
  isIncremental = false,
  { source = ADS, api = {} }: { readonly source?: Message; readonly api?: Message } = {},
): Message {
  return {
    node: { id: 'node', cluster: 'test' },
    static_resources: {
      clusters: [{ ...staticCluster('xds', port), ...HTTP2 }],
    },
    dynamic_resources: {
      ads_config: apiSource(isIncremental, api),
      cds_config: source,
      lds_config: source,
    },
  };
}

/** Paths to clusters; `/` last. */
export function routeTable(name: string, paths: Readonly<Record<string, string>>): Message {
  const routes = Object.entries(paths).map(([prefix, cluster]) => ({
    match: { prefix },
    route: { cluster },
  }));
  return { name, virtual_hosts: [virtualHost(['*'], routes)] };
}

/** A listener whose routes come by ADS; `members` are the listener's. */
export function rdsListener(
  name: string,
  { table = 'routes', members = {}, source = ADS }: RdsListenerOptions = {},
): Message {
  const rds = { config_source: source, route_config_name: table };
  const manager = { route_config: undefined, rds };
  return { ...httpListener(name, {}, { manager }), ...members };
}

interface RdsListenerOptions {
  readonly table?: string;
  readonly members?: Message;
  readonly source?: Message;
}
