// A whole configuration as it is explained and compared: what each resource compiled to beside what
// its author wrote, and where.
import { type DescMessage, type Message, toJson } from '@bufbuild/protobuf';
import { ClusterSchema } from '../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../api/gen/envoy/config/listener/v3/listener_pb.js';
import { apiRegistry } from '../api/registry.ts';
import type { SourcePlaces } from '../config/source/places.ts';
import { pathSteps } from '../config/source/position.ts';
import type { NodeConfig } from '../model/bootstrap.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Resource } from '../model/resource.ts';
import { fieldOf, isList, type Json } from './flow-text.ts';

/** Where a part of the configuration stands. */
export interface Origin {
  /** Field path of proto names. */
  readonly path: string;
  /** null: it came from no file. */
  readonly file: string | null;
  /** From 1; 0 without a file. */
  readonly line: number;
  readonly column: number;
}

/** What makes a configuration. */
export interface ConfigurationParts {
  readonly node: NodeConfig;
  /** In the order of the file. */
  readonly listeners: readonly { readonly config: ListenerConfig; readonly resource: Resource }[];
  readonly clusters: readonly { readonly config: ClusterConfig; readonly resource: Resource }[];
  /** null: it came from no file. */
  readonly places: SourcePlaces | null;
}

/** A listener or cluster. */
export interface Explained<C> {
  readonly config: C;
  /** `static_resources.listeners[0]` */
  readonly path: string;
  /** What its author wrote, as ProtoJSON with proto names; fields with their default are missing. */
  json(): Json;
}

/** See the file's head. */
export class ExplainedConfiguration {
  readonly node: NodeConfig;
  readonly listeners: readonly Explained<ListenerConfig>[];
  readonly clusters: readonly Explained<ClusterConfig>[];
  readonly #places: SourcePlaces | null;

  constructor(parts: ConfigurationParts) {
    this.node = parts.node;
    this.#places = parts.places;
    this.listeners = parts.listeners.map(({ config, resource }, index) => ({
      config,
      path: `static_resources.listeners[${index}]`,
      json: lazyJson(ListenerSchema, resource.message),
    }));
    this.clusters = parts.clusters.map(({ config, resource }, index) => ({
      config,
      path: `static_resources.clusters[${index}]`,
      json: lazyJson(ClusterSchema, resource.message),
    }));
  }

  /** null: there is none of that name. */
  cluster(name: string): Explained<ClusterConfig> | null {
    return this.clusters.find(({ config }) => config.name === name) ?? null;
  }

  origin(path: string): Origin {
    const place = this.#places?.find(path) ?? null;
    return place === null ? { path, file: null, line: 0, column: 0 } : { path, ...place };
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
