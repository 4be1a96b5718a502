// Extensions that are accepted and do nothing: what they are for has no bearing on where requests
// go and who may send them. Whoever honours one takes its line away. Nothing that decides belongs
// here: a policy that is not enforced has to be refused.

/** An extension that is accepted without effect. */
export interface PassedThrough {
  /** Envoy's name for it. */
  readonly name: string;
  /** Envoy's names of the places where it may stand: `envoy.filters.http`. */
  readonly categories: readonly string[];
  /** Fields that others rely on, and why each is refused; absent: there are none. */
  readonly refusedFields?: Readonly<Record<string, string>>;
}

const HTTP = 'envoy.filters.http';
const NETWORK = 'envoy.filters.network';
const UPSTREAM_NETWORK = 'envoy.filters.upstream_network';
const TRACERS = 'envoy.tracers';

/** By the type of their configuration. */
export const PASSED_THROUGH: Readonly<Record<string, PassedThrough>> = {
  // Statistics of the mesh.
  'stats.PluginConfig': { name: 'istio.stats', categories: [HTTP, NETWORK] },
  // Peers that tell each other what they are, for those statistics.
  'io.istio.http.peer_metadata.Config': {
    name: 'envoy.filters.http.peer_metadata',
    categories: [HTTP],
  },
  'envoy.tcp.metadataexchange.config.MetadataExchange': {
    name: 'envoy.filters.network.metadata_exchange',
    categories: [NETWORK, UPSTREAM_NETWORK],
  },
  // The same under the names that they have in Envoy's own repository.
  'envoy.extensions.filters.http.istio_stats.v3.PluginConfig': {
    name: 'envoy.filters.http.istio_stats',
    categories: [HTTP, NETWORK],
  },
  'envoy.extensions.filters.http.peer_metadata.v3.Config': {
    name: 'envoy.filters.http.peer_metadata',
    categories: [HTTP],
  },
  'envoy.extensions.filters.network.metadata_exchange.v3.MetadataExchange': {
    name: 'envoy.filters.network.metadata_exchange',
    categories: [NETWORK, UPSTREAM_NETWORK],
  },
  'istio.workload.BootstrapExtension': {
    name: 'envoy.bootstrap.workload_discovery',
    categories: ['envoy.bootstrap'],
  },
  'envoy.config.trace.v3.ZipkinConfig': { name: 'envoy.tracers.zipkin', categories: [TRACERS] },
  'envoy.config.trace.v3.DatadogConfig': { name: 'envoy.tracers.datadog', categories: [TRACERS] },
  'envoy.config.trace.v3.SkyWalkingConfig': {
    name: 'envoy.tracers.skywalking',
    categories: [TRACERS],
  },
  'envoy.config.trace.v3.OpenTelemetryConfig': {
    name: 'envoy.tracers.opentelemetry',
    categories: [TRACERS],
  },
  'envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy': {
    name: 'envoy.filters.network.mongo_proxy',
    categories: [NETWORK],
    refusedFields: {
      access_log:
        'messages of MongoDB are not read: use an access_log of envoy.filters.network.tcp_proxy',
      delay: 'messages of MongoDB are not read: none is delayed',
      emit_dynamic_metadata: 'messages of MongoDB are not read: no policy can decide by them',
    },
  },
};

/** True when a type is accepted without effect somewhere. */
export function isPassedThrough(typeName: string): boolean {
  return Object.hasOwn(PASSED_THROUGH, typeName);
}

/** The types that are accepted without effect in one place. */
export function passedThroughIn(
  category: string,
): readonly (PassedThrough & { readonly typeName: string })[] {
  return Object.entries(PASSED_THROUGH)
    .filter(([, { categories }]) => categories.includes(category))
    .map(([typeName, extension]) => ({ typeName, ...extension }));
}
