// A whole configuration as it is explained and compared: what each resource compiled to beside what
// its author wrote, and where.
import { type DescMessage, type Message, toJson } from '@bufbuild/protobuf';
import { ClusterSchema } from '../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../api/gen/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '../api/gen/envoy/config/route/v3/route_pb.js';
import { apiRegistry } from '../api/registry.ts';
import type { SourcePlaces } from '../config/source/places.ts';
import { pathSteps } from '../config/source/position.ts';
import type { DiscoveredConfig } from '../filters/discovered-configs.ts';
import type { NodeConfig } from '../model/bootstrap.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { DiscoveredRef } from '../model/config-source.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Resource } from '../model/resource.ts';
import type { RouteTableConfig } from '../model/route.ts';
import { fieldOf, isList, type Json } from './flow-text.ts';

/** Where a resource came from that stands in no file of its own: a server, or a file of resources. */
export interface ResourceOrigin {
  /** As the protocol calls it: LDS, CDS, RDS, EDS. */
  readonly type: string;
  readonly name: string;
  /** As its server called it; may be ''. */
  readonly version: string;
  /** The clusters or addresses of the server, or the file. */
  readonly server: string;
}

/** Where a part of the configuration stands. */
export interface Origin {
  /** Field path of proto names. */
  readonly path: string;
  /** The resource that it is a part of, where `path` begins; absent: it is the bootstrap's. */
  readonly resource?: ResourceOrigin;
  /** null: it came from no file. */
  readonly file: string | null;
  /** From 1; 0 without a file. */
  readonly line: number;
  readonly column: number;
}

/** A resource with what it compiled to. */
export interface ConfigurationPart<C> {
  readonly config: C;
  readonly resource: Resource;
  /** Where it was discovered, or its place among those of the bootstrap. */
  readonly from: ResourceOrigin | number;
}

/** What makes a configuration. */
export interface ConfigurationParts {
  readonly node: NodeConfig;
  /** In the order of the file. */
  readonly listeners: readonly ConfigurationPart<ListenerConfig>[];
  readonly clusters: readonly ConfigurationPart<ClusterConfig>[];
  /** Discovered route tables by the key of their references. */
  readonly routes: ReadonlyMap<string, ConfigurationPart<RouteTableConfig>>;
  /** Scopes and configurations of filters that were told by name; absent: none was. */
  readonly told?: readonly ToldConfig[];
  /** null: it came from no file. */
  readonly places: SourcePlaces | null;
}

/** What a reference of a listener stands for. */
export interface ToldConfig {
  readonly kind: DiscoveredRef['kind'];
  readonly key: string;
  readonly value: DiscoveredConfig;
}

/** A listener or cluster. */
export interface Explained<C> {
  readonly config: C;
  /** `static_resources.listeners[0]`; `LDS["in"]` for one that was discovered. */
  readonly path: string;
  /** What its author wrote, as ProtoJSON with proto names; fields with their default are missing. */
  json(): Json;
}

/** See the file's head. */
export class ExplainedConfiguration {
  readonly node: NodeConfig;
  readonly listeners: readonly Explained<ListenerConfig>[];
  readonly clusters: readonly Explained<ClusterConfig>[];
  /** Discovered tables by the key of their references. */
  readonly routes: ReadonlyMap<string, Explained<RouteTableConfig>>;
  readonly told: readonly ToldConfig[];
  readonly #places: SourcePlaces | null;
  /** Of discovered resources, by their paths. */
  readonly #discovered = new Map<string, ResourceOrigin>();

  constructor(parts: ConfigurationParts) {
    this.node = parts.node;
    this.#places = parts.places;
    this.told = parts.told ?? [];
    this.listeners = this.#explain('listeners', ListenerSchema, parts.listeners);
    this.clusters = this.#explain('clusters', ClusterSchema, parts.clusters);
    const tables = this.#explain('routes', RouteConfigurationSchema, [...parts.routes.values()]);
    this.routes = new Map(
      [...parts.routes.keys()].map((key, index) => [
        key,
        tables[index] as Explained<RouteTableConfig>,
      ]),
    );
  }

  /** null: there is none of that name. */
  cluster(name: string): Explained<ClusterConfig> | null {
    return this.clusters.find(({ config }) => config.name === name) ?? null;
  }

  origin(path: string): Origin {
    const root = /^[A-Z]+\["(?:[^"\\]|\\.)*"\]/.exec(path)?.[0];
    const resource = root === undefined ? undefined : this.#discovered.get(root);
    if (root !== undefined && resource !== undefined) {
      const below = path.slice(root.length).replace(/^\./, '');
      return { path: below, resource, file: null, line: 0, column: 0 };
    }
    const place = this.#places?.find(path) ?? null;
    return place === null ? { path, file: null, line: 0, column: 0 } : { path, ...place };
  }

  #explain<C>(
    field: string,
    schema: DescMessage,
    parts: readonly ConfigurationPart<C>[],
  ): readonly Explained<C>[] {
    return parts.map(({ config, resource, from }) => {
      const json = lazyJson(schema, resource.message);
      if (typeof from === 'number') {
        return { config, path: `static_resources.${field}[${from}]`, json };
      }
      const path = `${from.type}[${JSON.stringify(from.name)}]`;
      this.#discovered.set(path, from);
      return { config, path, json };
    });
  }
}

/** The value at a path below `json`; undefined: it is not set. */
export function valueAt(json: Json | undefined, path: string): Json | undefined {
  let value = json;
  for (const step of pathSteps(path)) {
    if (typeof step === 'string') value = fieldOf(value, step);
    else
      value =
        value !== undefined && value !== null && typeof value === 'object' && isList(value)
          ? value[step]
          : undefined;
  }
  return value;
}

function lazyJson(schema: DescMessage, message: Message): () => Json {
  let json: Json | null = null;
  return () => {
    json ??= toJson(schema, message, { registry: apiRegistry, useProtoFieldName: true }) as Json;
    return json;
  };
}
