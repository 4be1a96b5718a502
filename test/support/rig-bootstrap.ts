// Bootstraps for the end-to-end tests: plain Envoy JSON in which a test says only what it is about.

/** A part of a bootstrap, field names as in Envoy's documentation. */
export type Json = Readonly<Record<string, unknown>>;

/** A listener with one connection manager. */
export interface RigListener {
  /** Laid over the connection manager. */
  readonly hcm?: Json;
  /** Laid over the listener. */
  readonly listener?: Json;
  /** Of its filter chain. */
  readonly transportSocket?: Json;
  /** In front of the route that sends everything to the cluster `main`. */
  readonly routes?: readonly Json[];
  /** Laid over the virtual host. */
  readonly virtualHost?: Json;
  /** Laid over the route configuration. */
  readonly routeConfig?: Json;
  /** Laid over the router's configuration. */
  readonly router?: Json;
}

/** A cluster on loopback. */
export interface RigCluster {
  readonly port: number;
  /** Laid over the cluster. */
  readonly cluster?: Json;
  /** Laid over extensions.upstreams.http.v3.HttpProtocolOptions. */
  readonly http?: Json;
}

/** What a rig's proxy is configured with. */
export interface RigConfig {
  readonly listeners: Readonly<Record<string, RigListener>>;
  readonly clusters: Readonly<Record<string, RigCluster>>;
  /** Laid over the bootstrap. */
  readonly bootstrap?: Json;
}

/** Names a message's type. */
export function typed(name: string, value: Json = {}): Json {
  return { '@type': `type.googleapis.com/envoy.${name}`, ...value };
}

/** A forwarding route for one exact path. */
export function routeTo(path: string, action: Json, route: Json = {}): Json {
  return { match: { path }, route: { cluster: 'main', ...action }, ...route };
}

/** The whole bootstrap but for its admin interface; access logs go to `logPath`. */
export function rigBootstrap(config: RigConfig, logPath: string): Json {
  return {
    static_resources: {
      listeners: Object.entries(config.listeners).map(([name, listener]) =>
        listenerJson(name, listener, logPath),
      ),
      clusters: Object.entries(config.clusters).map(([name, cluster]) =>
        clusterJson(name, cluster),
      ),
    },
    ...config.bootstrap,
  };
}

function listenerJson(name: string, config: RigListener, logPath: string): Json {
  const manager = typed(
    'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: name,
      route_config: {
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [
              ...(config.routes ?? []),
              { match: { prefix: '/' }, route: { cluster: 'main' } },
            ],
            ...config.virtualHost,
          },
        ],
        ...config.routeConfig,
      },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: typed('extensions.filters.http.router.v3.Router', config.router),
        },
      ],
      access_log: [accessLog(logPath)],
      ...config.hcm,
    },
  );
  return {
    name,
    address: addressJson(0),
    filter_chains: [
      {
        filters: [{ name: 'hcm', typed_config: manager }],
        ...(config.transportSocket && { transport_socket: config.transportSocket }),
      },
    ],
    ...config.listener,
  };
}

function accessLog(path: string): Json {
  const json_format = {
    target: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
    code: '%RESPONSE_CODE%',
    flags: '%RESPONSE_FLAGS%',
    details: '%RESPONSE_CODE_DETAILS%',
    received: '%BYTES_RECEIVED%',
    sent: '%BYTES_SENT%',
    transportFailure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
    termination: '%CONNECTION_TERMINATION_DETAILS%',
    listener: '%REQ(X-LISTENER)%',
    client: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  };
  return {
    name: 'file',
    typed_config: typed('extensions.access_loggers.file.v3.FileAccessLog', {
      path,
      log_format: { json_format },
    }),
  };
}

function clusterJson(name: string, config: RigCluster): Json {
  const http = {
    explicit_http_config: { http_protocol_options: {} },
    ...config.http,
  };
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    name,
    type: 'STATIC',
    connect_timeout: '2s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: addressJson(config.port) } }] }],
    },
    typed_extension_protocol_options: {
      [key]: typed('extensions.upstreams.http.v3.HttpProtocolOptions', http),
    },
    ...config.cluster,
  };
}

function addressJson(port: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
