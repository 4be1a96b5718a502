// What a resource makes its client ask for: endpoints of clusters, tables of routes, secrets,
// configurations of filters. Found by walking messages, so that no extension is forgotten.
import type { DescField, Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type Cluster,
  Cluster_DiscoveryType,
} from '../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { TypedExtensionConfig } from '../api/gen/envoy/config/core/v3/extension_pb.js';
import type { Rds } from '../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { SdsSecretConfig } from '../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { apiRegistry } from '../api/registry.ts';
import { openAny } from '../config/schema/open-any.ts';
import { TYPE_URLS } from '../xds/resource-types.ts';

/** A resource that another one names. */
export interface Reference {
  readonly typeUrl: string;
  readonly name: string;
}

/** Deeper messages are not looked into; the deepest of Envoy's have some 30 levels. */
const MAX_DEPTH = 100;

/** Each reference once. */
export function referencesOf(message: Message): readonly Reference[] {
  const found = new Map<string, Reference>();
  const schema = apiRegistry.getMessage(message.$typeName);
  if (schema !== undefined) walk(reflect(schema, message), found, 0);
  return [...found.values()];
}

function walk(message: ReflectMessage, found: Map<string, Reference>, depth: number): void {
  if (depth > MAX_DEPTH) return;
  note(message.message, found);
  if (message.desc.typeName === 'google.protobuf.Any') {
    const opened = openAny(message.message as Any, apiRegistry);
    if (opened !== null) walk(reflect(opened.schema, opened.message), found, depth + 1);
    return;
  }
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    for (const inner of messagesIn(message, field)) walk(inner, found, depth + 1);
  }
}

function messagesIn(message: ReflectMessage, field: DescField): Iterable<ReflectMessage> {
  if (field.fieldKind === 'message') return [message.get(field)];
  if (field.fieldKind === 'list' && field.listKind === 'message') {
    return message.get(field) as Iterable<ReflectMessage>;
  }
  if (field.fieldKind !== 'map' || field.mapKind !== 'message') return [];
  return [...message.get(field)].map(([, value]) => value as ReflectMessage);
}

function note(message: Message, found: Map<string, Reference>): void {
  const reference = referenceOf(message);
  if (reference !== null && reference.name !== '') {
    found.set(`${reference.typeUrl}\n${reference.name}`, reference);
  }
}

function referenceOf(message: Message): Reference | null {
  switch (message.$typeName) {
    case 'envoy.config.cluster.v3.Cluster':
      return endpointsOf(message as Cluster);
    case 'envoy.extensions.filters.network.http_connection_manager.v3.Rds':
      return { typeUrl: TYPE_URLS.route, name: (message as Rds).routeConfigName };
    case 'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig': {
      const { name, sdsConfig } = message as SdsSecretConfig;
      // Without a source it is a secret of the bootstrap.
      return sdsConfig === undefined ? null : { typeUrl: TYPE_URLS.secret, name };
    }
    default:
      return discoveredExtension(message);
  }
}

function endpointsOf({ name, clusterDiscoveryType, edsClusterConfig }: Cluster): Reference | null {
  const isEds =
    clusterDiscoveryType.case === 'type' &&
    clusterDiscoveryType.value === Cluster_DiscoveryType.EDS;
  if (!isEds) return null;
  return { typeUrl: TYPE_URLS.endpoint, name: edsClusterConfig?.serviceName || name };
}

/** Filters of connections and of requests that stand elsewhere (ExtensionConfigSource). */
function discoveredExtension(message: Message): Reference | null {
  const { name = '', configType } = message as Message &
    Partial<Pick<TypedExtensionConfig, 'name'>> & {
      readonly configType?: { readonly case?: string };
    };
  if (configType?.case !== 'configDiscovery') return null;
  return { typeUrl: TYPE_URLS.extension, name };
}
