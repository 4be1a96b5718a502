// Bootstraps for tests that run one configuration on two proxies: a test says only what is special.

/** Any message as JSON, field names as in Envoy's documentation. */
export type Json = Readonly<Record<string, unknown>>;

/** A listener with one connection manager whose statistics have the listener's name. */
export interface TwinListener {
  /** Laid over the connection manager. */
  readonly hcm?: Json;
  /** In front of the routes that every listener has. */
  readonly routes?: readonly Json[];
  /** Laid over the virtual host. */
  readonly virtualHost?: Json;
  /** HTTP filters in front of the router. */
  readonly filters?: readonly Json[];
  /** Laid over the route configuration. */
  readonly table?: Json;
  /** Laid over the router's configuration. */
  readonly router?: Json;
  /** Cluster of the last route; `main` where nothing is said. */
  readonly cluster?: string;
  /** Laid over the listener. */
  readonly listener?: Json;
  /** Laid over its filter chain. */
  readonly chain?: Json;
  /** Instead of the common access log: all write to the same file. */
  readonly logs?: readonly TwinLog[];
}

/** An access log. */
export interface TwinLog {
  /** Laid over FileAccessLog; empty for the default format. */
  readonly format: Json;
  readonly filter?: Json;
}

/** What to replace, and by what. */
export type Mask = readonly [what: RegExp, by: string];

/** What both proxies are configured with. */
export interface TwinConfig {
  readonly listeners: Readonly<Record<string, TwinListener>>;
  /** Clusters by name: what is laid over HttpProtocolOptions. `main` always exists, without reuse. */
  readonly clusters?: Readonly<Record<string, Json>>;
  /** Whole clusters besides. */
  readonly moreClusters?: readonly Json[];
  /** False: routes may name clusters that do not exist. */
  readonly validate?: boolean;
  /** What else differs in log lines and messages, and what to put there. */
  readonly masks?: readonly Mask[];
  /** Access log's format; null for none. */
  readonly log: Json | null;
  /** Laid over the bootstrap. */
  readonly bootstrap?: Json;
}

/** Where one of the two finds its upstream and writes its log. */
export interface TwinPlaces {
  readonly upstreamPort: number;
  readonly logPath: string;
}

/** Names a message's type. */
export function typed(name: string, value: Json = {}): Json {
  return { '@type': `type.googleapis.com/envoy.${name}`, ...value };
}

/** One test's upstream connection is not another's. */
const ONE_REQUEST: Json = { common_http_protocol_options: { max_requests_per_connection: 1 } };

/** Laid over HttpProtocolOptions: HTTP/2 with prior knowledge, without reuse. */
export function overHttp2(http2: Json = {}): Json {
  return { ...ONE_REQUEST, explicit_http_config: { http2_protocol_options: http2 } };
}

/** The bootstrap of one of the two. */
export function twinBootstrap(config: TwinConfig, places: TwinPlaces): Json {
  const clusters = { main: ONE_REQUEST, ...config.clusters };
  const common = config.log === null ? [] : [{ format: config.log }];
  return {
    ...config.bootstrap,
    admin: { address: loopback(0) },
    static_resources: {
      listeners: Object.entries(config.listeners).map(([name, listener]) =>
        listenerJson(name, listener, {
          access_log: (listener.logs ?? common).map((log) => logJson(log, places.logPath)),
          validate_clusters: config.validate ?? true,
        }),
      ),
      clusters: [
        ...Object.entries(clusters).map(([name, http]) =>
          clusterJson(name, http, places.upstreamPort),
        ),
        ...(config.moreClusters ?? []),
      ],
    },
  };
}

/** Every listener answers these itself: they show whether a connection lives, and mark the log. */
const OWN_ROUTES: readonly Json[] = [
  { match: { path: '/probe' }, direct_response: { status: 200, body: { inline_string: 'probe' } } },
  {
    match: { path: '/direct' },
    direct_response: { status: 200, body: { inline_string: 'direct' } },
    name: 'direct',
  },
];

interface Common {
  readonly access_log: readonly Json[];
  readonly validate_clusters: boolean;
}

function listenerJson(name: string, parts: TwinListener, common: Common): Json {
  const route = { cluster: parts.cluster ?? 'main' };
  const virtualHost = {
    name: 'all',
    domains: ['*'],
    routes: [
      ...(parts.routes ?? []),
      ...OWN_ROUTES,
      { match: { prefix: '/' }, route, name: 'default' },
    ],
    ...parts.virtualHost,
  };
  const router = typed('extensions.filters.http.router.v3.Router', parts.router);
  const manager = typed(
    'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: name,
      // Long enough to be real, short enough for many tests that close.
      delayed_close_timeout: '0.05s',
      route_config: {
        name: `${name}_routes`,
        virtual_hosts: [virtualHost],
        validate_clusters: common.validate_clusters,
        ...parts.table,
      },
      http_filters: [
        ...(parts.filters ?? []),
        { name: 'envoy.filters.http.router', typed_config: router },
      ],
      access_log: common.access_log,
      ...parts.hcm,
    },
  );
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
  return {
    name,
    address: loopback(0),
    filter_chains: [{ filters: [filter], ...parts.chain }],
    ...parts.listener,
  };
}

function logJson({ format, filter }: TwinLog, path: string): Json {
  const log = typed('extensions.access_loggers.file.v3.FileAccessLog', { path, ...format });
  const name = 'envoy.access_loggers.file';
  return { name, typed_config: log, ...(filter !== undefined && { filter }) };
}

function clusterJson(name: string, http: Json, port: number): Json {
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const options = { explicit_http_config: { http_protocol_options: {} }, ...http };
  const host = { endpoint: { address: loopback(port) }, metadata: twinMetadata('host') };
  const endpoint = { lb_endpoints: [host] };
  return {
    name,
    metadata: twinMetadata('cluster'),
    type: 'STATIC',
    connect_timeout: '2s',
    load_assignment: { cluster_name: name, endpoints: [endpoint] },
    typed_extension_protocol_options: {
      [key]: typed('extensions.upstreams.http.v3.HttpProtocolOptions', options),
    },
  };
}

/** Metadata with values of every type, which says whose it is. */
export function twinMetadata(of: string): Json {
  const ns = {
    of,
    number: 15,
    yes: true,
    none: null,
    list: [1, 'ä', [2]],
    object: { b: 1, a: of },
  };
  return { filter_metadata: { ns } };
}

function loopback(port: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
