// The bootstrap that Outrigger and Envoy both run.
import { meshTls } from './mesh-tls.ts';
import type { Site } from './site.ts';

type Json = Readonly<Record<string, unknown>>;

/** One hop in clear text; in a mesh two in one process, with mTLS between them and access logs. */
export function bootstrap(site: Site): string {
  const { scenario, port, meshPort, upstreamPort } = site;
  const app = cluster('upstream', upstreamPort, scenario.upstream);
  if (!scenario.isMesh) {
    return print([listener(port, manager('upstream'))], [app]);
  }
  const tls = meshTls(scenario.downstream === 'HTTP/2' ? 'h2' : 'http/1.1');
  const mesh = {
    ...cluster('mesh', meshPort, scenario.downstream),
    transport_socket: tls.upstream,
  };
  const outbound = listener(port, manager('mesh', site));
  const inbound = listener(meshPort, manager('upstream', site), tls.downstream);
  return print([outbound, inbound], [mesh, app]);
}

function print(listeners: readonly Json[], clusters: readonly Json[]): string {
  return JSON.stringify({ static_resources: { listeners, clusters } });
}

/** `logs`: whose folder gets an access log; absent: none is written. */
function manager(to: string, logs?: Site): Json {
  const routes = [{ match: { prefix: '/' }, route: { cluster: to } }];
  const access_log = {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path: `${logs?.folder}/${to}.log`,
    },
  };
  return {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'bench',
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
        },
      },
    ],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    ...(logs === undefined ? {} : { access_log: [access_log] }),
  };
}

function listener(port: number, hcm: Json, transport_socket?: Json): Json {
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: hcm }];
  return {
    name: `bench ${port}`,
    address: address(port),
    filter_chains: [{ filters, ...(transport_socket && { transport_socket }) }],
  };
}

function cluster(name: string, port: number, protocol: string): Json {
  const http2 = {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }];
  return {
    name,
    load_assignment: { cluster_name: name, endpoints },
    ...(protocol === 'HTTP/2' && {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2,
      },
    }),
  };
}

function address(port_value: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value } };
}
