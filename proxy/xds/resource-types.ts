// What the protocol differs in from type to type: the services of single streams, the paths of
// polls, and whether a response of the state of the world names everything there is.

/** A type that can be discovered. */
export interface ResourceType {
  readonly typeUrl: string;
  /** As statistics and diagnostics call it; the last part of the URL for types unknown here. */
  readonly shortName: string;
  /** Methods of a stream for this type alone; '' : it has none. */
  readonly stateOfWorldMethod: string;
  readonly incrementalMethod: string;
  /** Of polls; '' : it cannot be polled. */
  readonly restPath: string;
  /** No names at all ask for everything: the protocol's first form of the wildcard. */
  readonly hasLegacyWildcard: boolean;
  /** What a response of the state of the world leaves out is gone. */
  readonly isWhole: boolean;
  /** The first field is the name, for resources that come without a wrapper. */
  readonly isNamed: boolean;
  /**
   * A name asks for all resources whose names go on behind it with a `/`. As by Envoy the server is
   * asked for everything, and each subscriber told of its own.
   */
  readonly isNamespaced: boolean;
}

/** What a subscriber has to have asked for to be told of a resource. */
export function wantedName({ isNamespaced }: ResourceType, name: string): string {
  const end = isNamespaced ? name.lastIndexOf('/') : -1;
  return end < 0 ? name : name.slice(0, end);
}

const PREFIX = 'type.googleapis.com/';

/** Methods of the stream that carries every type. */
export const AGGREGATED_METHODS = Object.freeze({
  stateOfWorld: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
  incremental: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
});

/** By what configuration calls them. */
export const TYPE_URLS = Object.freeze({
  listener: `${PREFIX}envoy.config.listener.v3.Listener`,
  route: `${PREFIX}envoy.config.route.v3.RouteConfiguration`,
  scopedRoute: `${PREFIX}envoy.config.route.v3.ScopedRouteConfiguration`,
  virtualHost: `${PREFIX}envoy.config.route.v3.VirtualHost`,
  cluster: `${PREFIX}envoy.config.cluster.v3.Cluster`,
  endpoint: `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  secret: `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`,
  runtime: `${PREFIX}envoy.service.runtime.v3.Runtime`,
  extension: `${PREFIX}envoy.config.core.v3.TypedExtensionConfig`,
});

type TypeRow = readonly [
  typeUrl: string,
  shortName: string,
  service: string,
  what: string,
  restPath: string,
];

const ROWS: readonly TypeRow[] = [
  [
    TYPE_URLS.listener,
    'LDS',
    'envoy.service.listener.v3.ListenerDiscoveryService',
    'Listeners',
    'listeners',
  ],
  [TYPE_URLS.route, 'RDS', 'envoy.service.route.v3.RouteDiscoveryService', 'Routes', 'routes'],
  [
    TYPE_URLS.scopedRoute,
    'SRDS',
    'envoy.service.route.v3.ScopedRoutesDiscoveryService',
    'ScopedRoutes',
    'scoped-routes',
  ],
  [
    TYPE_URLS.cluster,
    'CDS',
    'envoy.service.cluster.v3.ClusterDiscoveryService',
    'Clusters',
    'clusters',
  ],
  [
    TYPE_URLS.endpoint,
    'EDS',
    'envoy.service.endpoint.v3.EndpointDiscoveryService',
    'Endpoints',
    'endpoints',
  ],
  [TYPE_URLS.secret, 'SDS', 'envoy.service.secret.v3.SecretDiscoveryService', 'Secrets', 'secrets'],
  [
    TYPE_URLS.runtime,
    'RTDS',
    'envoy.service.runtime.v3.RuntimeDiscoveryService',
    'Runtime',
    'runtime',
  ],
  [
    TYPE_URLS.extension,
    'ECDS',
    'envoy.service.extension.v3.ExtensionConfigDiscoveryService',
    'ExtensionConfigs',
    'extension_configs',
  ],
];

/** Those whose empty list of names asks for everything, and whose responses are complete. */
const WHOLE: readonly string[] = [TYPE_URLS.listener, TYPE_URLS.cluster, TYPE_URLS.scopedRoute];

const KNOWN: ReadonlyMap<string, ResourceType> = new Map([
  ...ROWS.map((row) => [row[0], typeOf(row)] as const),
  [TYPE_URLS.virtualHost, virtualHosts()],
]);

/**
 * What is known of a type. One that is not in the table, such as an extension's own, goes over the
 * aggregated stream only; asking for all of it is asking with no names.
 */
export function resourceType(typeUrl: string): ResourceType {
  return KNOWN.get(typeUrl) ?? unknownType(typeUrl);
}

function typeOf([typeUrl, shortName, service, what, path]: TypeRow): ResourceType {
  const isWhole = WHOLE.includes(typeUrl);
  return {
    typeUrl,
    shortName,
    stateOfWorldMethod: `/${service}/Stream${what}`,
    incrementalMethod: `/${service}/Delta${what}`,
    restPath: `/v3/discovery:${path}`,
    hasLegacyWildcard: isWhole,
    isWhole,
    isNamed: true,
    isNamespaced: false,
  };
}

/** They have no state of the world. */
function virtualHosts(): ResourceType {
  const service = 'envoy.service.route.v3.VirtualHostDiscoveryService';
  const row: TypeRow = [TYPE_URLS.virtualHost, 'VHDS', service, 'VirtualHosts', ''];
  const all = { hasLegacyWildcard: true, isNamespaced: true };
  return { ...typeOf(row), stateOfWorldMethod: '', restPath: '', ...all };
}

function unknownType(typeUrl: string): ResourceType {
  return {
    typeUrl,
    shortName: typeUrl.slice(typeUrl.lastIndexOf('.') + 1),
    stateOfWorldMethod: '',
    incrementalMethod: '',
    restPath: '',
    hasLegacyWildcard: true,
    isWhole: false,
    isNamed: false,
    isNamespaced: false,
  };
}
