// What Outrigger and Envoy both run on while their clusters are updated.
import type { JsonObject } from '@bufbuild/protobuf';

/** Where everything is. */
export interface UpdatesSite {
  readonly port: number;
  readonly adsPort: number;
  readonly upstreamPort: number;
  readonly protocol: 'sotw' | 'delta';
  /** Clusters come from this file; null: from the server. */
  readonly clustersFile: string | null;
}

/** A listener that routes by `x-cluster` and shows what it knows of the cluster. */
export function updatesBootstrap(site: UpdatesSite): string {
  const { clustersFile, protocol } = site;
  const cds = { resource_api_version: 'V3' };
  const ads = {
    api_type: protocol === 'delta' ? 'DELTA_GRPC' : 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'ads' } }],
  };
  const dynamic =
    clustersFile === null
      ? { ads_config: ads, cds_config: { ...cds, ads: {} } }
      : { cds_config: { ...cds, path_config_source: { path: clustersFile } } };
  return JSON.stringify({
    node: { id: 'bench', cluster: 'bench' },
    dynamic_resources: dynamic,
    static_resources: {
      listeners: [listener(site.port)],
      clusters: [
        staticCluster('steady', site.upstreamPort),
        { ...staticCluster('ads', site.adsPort), typed_extension_protocol_options: HTTP2 },
      ],
    },
  });
}

const HTTP2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  },
};

function listener(port: number): JsonObject {
  const manager = {
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
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster_header: 'x-cluster' } }],
          response_headers_to_add: [
            { header: { key: 'x-version', value: '%CLUSTER_METADATA(bench:version)%' } },
          ],
        },
      ],
    },
  };
  const name = 'envoy.filters.network.http_connection_manager';
  return {
    name: 'bench',
    address: address(port),
    filter_chains: [{ filters: [{ name, typed_config: manager }] }],
  };
}

function staticCluster(name: string, port: number): JsonObject {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }];
  return { name, connect_timeout: '1s', load_assignment: { cluster_name: name, endpoints } };
}

function address(port_value: number): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value } };
}
