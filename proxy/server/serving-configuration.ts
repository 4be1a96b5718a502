// The configuration that serves, to those who explain it: what stands in the bootstrap, and what
// servers told, with where it came from.
import type { Message } from '@bufbuild/protobuf';
import type { ApiConfigSource } from '../api/gen/envoy/config/core/v3/config_source_pb.js';
import {
  type ConfigurationPart,
  ExplainedConfiguration,
  type ResourceOrigin,
  type ToldConfig,
} from '../explain/configuration.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { ConfigSourceConfig } from '../model/config-source.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Resource } from '../model/resource.ts';
import type { RouteTableConfig } from '../model/route.ts';
import type { Configuration } from './configuration.ts';
import type { Publisher } from './publisher.ts';

/** What is read of a primary. */
export interface ServingSource {
  readonly configuration: Configuration;
  readonly publisher: Publisher;
}

/** As it is now. */
export function servingConfiguration(source: ServingSource): ExplainedConfiguration {
  const { configuration } = source;
  const { bootstrap, loaded } = configuration;
  const compiler = configuration.compiler();
  const { cds = null, lds = null } = bootstrap.dynamic ?? {};
  return new ExplainedConfiguration({
    node: bootstrap.node,
    listeners: inUse(configuration, 'listener', tellsOf('LDS', lds, configuration)).map(
      ({ resource, from }) => {
        const config = compiler.listener(resource).config as ListenerConfig;
        return { resource, from, config };
      },
    ),
    clusters: inUse(configuration, 'cluster', tellsOf('CDS', cds, configuration)).map(
      ({ resource, from }) => {
        const config = compiler.cluster(resource).config as ClusterConfig;
        return { resource, from, config };
      },
    ),
    routes: routesOf(source),
    told: toldOf(source),
    places: loaded.places,
  });
}

/** Where the endpoints of an EDS cluster came from. */
export function endpointsOrigin(
  configuration: Configuration,
  {
    name,
    version,
    source,
  }: Pick<ResourceOrigin, 'name' | 'version'> & {
    readonly source: ConfigSourceConfig;
  },
): ResourceOrigin {
  return { type: 'EDS', name, version, server: serverOf(source, configuration) };
}

function toldOf({ configuration, publisher }: ServingSource): readonly ToldConfig[] {
  const compiler = configuration.compiler();
  return publisher.configs.refs().flatMap(({ kind, key }): readonly ToldConfig[] => {
    const resource = configuration.store.get(kind, key)?.resource;
    if (resource === undefined || kind === 'route') return [];
    const { config: value } =
      kind === 'scopes' ? compiler.scopes(resource) : compiler.filter(resource, kind);
    return value === null ? [] : [{ kind, key, value }];
  });
}

function routesOf({
  configuration,
  publisher,
}: ServingSource): ReadonlyMap<string, ConfigurationPart<RouteTableConfig>> {
  const routes = new Map<string, ConfigurationPart<RouteTableConfig>>();
  for (const { kind, key, name, source } of publisher.configs.refs()) {
    const resource = kind === 'route' ? configuration.store.get(kind, key)?.resource : undefined;
    const config = resource === undefined ? null : configuration.compiler().route(resource).config;
    if (resource === undefined || config === null) continue;
    const server = serverOf(source, configuration);
    const from = { type: 'RDS', name, version: resource.version, server };
    routes.set(key, { config, resource, from });
  }
  return routes;
}

/** Those of the bootstrap in its order, then the others. */
function inUse(
  { store, loaded }: Configuration,
  kind: Resource['kind'],
  originOf: (resource: Resource) => ResourceOrigin,
): readonly Pick<ConfigurationPart<unknown>, 'resource' | 'from'>[] {
  const written = loaded.resources.filter((resource) => resource.kind === kind);
  const places = new Map(written.map(({ name }, index) => [name, index]));
  const parts = store.ofKind(kind).map(({ resource }) => {
    const place = resource.isDynamic === true ? undefined : places.get(resource.name);
    return { resource, from: place ?? originOf(resource) };
  });
  const placeOf = ({ from }: { readonly from: ResourceOrigin | number }): number =>
    typeof from === 'number' ? from : written.length;
  return parts.sort((left, right) => placeOf(left) - placeOf(right));
}

function tellsOf(
  type: string,
  source: ConfigSourceConfig | null,
  configuration: Configuration,
): (resource: Resource) => ResourceOrigin {
  const server = source === null ? '' : serverOf(source, configuration);
  return ({ name, version }) => ({ type, name, version, server });
}

function serverOf(source: ConfigSourceConfig, { bootstrap }: Configuration): string {
  if (source.kind === 'path') return source.path;
  const api: Message | null = source.kind === 'ads' ? (bootstrap.dynamic?.ads ?? null) : source.api;
  if (api === null) return source.kind;
  const { clusterNames, grpcServices } = api as ApiConfigSource;
  const named = grpcServices.map(({ targetSpecifier: { case: kind, value } }) =>
    kind === 'envoyGrpc' ? value.clusterName : (value?.targetUri ?? ''),
  );
  return [...clusterNames, ...named].join(', ');
}
