// Small bootstraps for tests that are about something else.

/** What may differ. */
export interface BootstrapParts {
  readonly port?: number;
  readonly adminPort?: number;
  /** Port of the only host of cluster `service`. */
  readonly upstreamPort?: number;
  /** Body of the direct response on /direct. */
  readonly body?: string;
  /** Path of an access log file. */
  readonly accessLog?: string;
}

/** One listener `main`: /direct answers itself, everything else goes to cluster `service`. */
export function bootstrapOf(parts: BootstrapParts = {}): object {
  return {
    admin: { address: socketAddress(parts.adminPort ?? 0) },
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: socketAddress(parts.port ?? 0),
          filter_chains: [{ filters: [connectionManager(parts)] }],
        },
      ],
      clusters: [
        {
          name: 'service',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'service',
            endpoints: [
              {
                lb_endpoints: [{ endpoint: { address: socketAddress(parts.upstreamPort ?? 1) } }],
              },
            ],
          },
        },
      ],
    },
  };
}

function connectionManager(parts: BootstrapParts): object {
  const accessLog = {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path: parts.accessLog,
    },
  };
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      stat_prefix: 'in',
      access_log: parts.accessLog === undefined ? [] : [accessLog],
      route_config: {
        name: 'routes',
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [
              {
                match: { path: '/direct' },
                direct_response: { status: 200, body: { inline_string: parts.body ?? 'direct' } },
              },
              { match: { prefix: '/' }, route: { cluster: 'service' } },
            ],
          },
        ],
      },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
          },
        },
      ],
    },
  };
}

function socketAddress(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
