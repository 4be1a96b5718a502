// The messages of admin.v3.ConfigDump, in ProtoJSON, out of what the process was configured by.
import { type Message, toBinary, toJson } from '@bufbuild/protobuf';
import type { ScopedRouteConfigurationsList } from '../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { apiRegistry } from '../api/registry.ts';
import type { ConfigDumpData, DumpedResource, JsonObject, JsonValue } from './backend.ts';
import { redactSecrets } from './redact.ts';

/** A member of ConfigDump.configs. */
export interface Dump {
  /** Name of the message in admin.v3. */
  readonly type: string;
  /** Its fields that are not lists of resources. */
  readonly fields: JsonObject;
  /** Its lists, also the empty ones, which are not printed. */
  readonly lists: readonly DumpList[];
}

/** A repeated field of a dump, which `resource=` can ask for. */
export interface DumpList {
  readonly field: string;
  /** Type of an element, nested in the dump's type. */
  readonly elementType: string;
  readonly elements: readonly DumpElement[];
}

/** An element of such a list. */
export interface DumpElement {
  readonly name: string;
  readonly json: JsonObject;
}

/** Every dump in Envoy's order; `endpoints` null: they are not wanted. */
export function configDumps(
  data: ConfigDumpData,
  endpoints: readonly DumpedResource[] | null,
): readonly Dump[] {
  return [
    bootstrapDump(data.bootstrap),
    clustersDump(data),
    ...(data.filters ?? []).map(filtersDump),
    ...(endpoints === null ? [] : [endpointsDump(endpoints)]),
    listenersDump(data),
    scopedRoutesDump(data.scopes ?? []),
    routesDump(data),
    secretsDump(data),
  ];
}

/** A dump as a member of ConfigDump.configs. */
export function dumpJson(dump: Dump): JsonObject {
  const lists = dump.lists
    .filter((list) => list.elements.length > 0)
    .map((list) => [list.field, list.elements.map((element) => element.json)] as const);
  return { '@type': typeUrl(dump.type), ...dump.fields, ...Object.fromEntries(lists) };
}

/** The type URL of a message in admin.v3. */
export function typeUrl(type: string): string {
  return `type.googleapis.com/envoy.admin.v3.${type}`;
}

function bootstrapDump(bootstrap: DumpedResource | null): Dump {
  const fields =
    bootstrap === null
      ? {}
      : {
          bootstrap: withoutType(messageJson(bootstrap.message)),
          ...lastUpdated(bootstrap),
          // Envoy never reads it again, and has no such field.
          ...failure(bootstrap),
        };
  return { type: 'BootstrapConfigDump', fields, lists: [] };
}

function clustersDump(data: ConfigDumpData): Dump {
  const dynamic = (state: DumpedResource['state']) =>
    elements(data.clusters, state, (resource) => ({
      ...version(resource.version),
      cluster: messageJson(resource.message),
      ...lastUpdated(resource),
      ...failure(resource),
      ...clientStatus(resource),
    }));
  return {
    type: 'ClustersConfigDump',
    fields: version(data.clustersVersion),
    lists: [
      {
        field: 'static_clusters',
        elementType: 'StaticCluster',
        elements: elements(data.clusters, 'static', (resource) => staticJson('cluster', resource)),
      },
      {
        field: 'dynamic_active_clusters',
        elementType: 'DynamicCluster',
        elements: dynamic('active'),
      },
      {
        field: 'dynamic_warming_clusters',
        elementType: 'DynamicCluster',
        elements: dynamic('warming'),
      },
    ],
  };
}

function filtersDump(filters: readonly DumpedResource[]): Dump {
  const json = (resource: DumpedResource): JsonObject => ({
    ...version(resource.version),
    ecds_filter: messageJson(resource.message),
    ...lastUpdated(resource),
    ...failure(resource),
    ...clientStatus(resource),
  });
  return {
    type: 'EcdsConfigDump',
    fields: {},
    lists: [
      {
        field: 'ecds_filters',
        elementType: 'EcdsFilterConfig',
        elements: filters.map((resource) => ({ name: resource.name, json: json(resource) })),
      },
    ],
  };
}

function endpointsDump(endpoints: readonly DumpedResource[]): Dump {
  return {
    type: 'EndpointsConfigDump',
    fields: {},
    lists: staticAndDynamic(endpoints, {
      key: 'endpoint_config',
      staticField: 'static_endpoint_configs',
      staticType: 'StaticEndpointConfig',
      dynamicField: 'dynamic_endpoint_configs',
      dynamicType: 'DynamicEndpointConfig',
    }),
  };
}

function listenersDump(data: ConfigDumpData): Dump {
  const dynamic = dynamicListeners(data.listeners);
  return {
    type: 'ListenersConfigDump',
    fields: version(data.listenersVersion),
    lists: [
      {
        field: 'static_listeners',
        elementType: 'StaticListener',
        elements: elements(data.listeners, 'static', (one) => staticJson('listener', one)),
      },
      { field: 'dynamic_listeners', elementType: 'DynamicListener', elements: dynamic },
    ],
  };
}

/** One element for each name: a version in use and one that warms stand side by side. */
function dynamicListeners(resources: readonly DumpedResource[]): readonly DumpElement[] {
  const byName = new Map<string, JsonObject>();
  for (const resource of resources) {
    if (resource.state === 'static') continue;
    const { name } = resource;
    byName.set(name, { ...byName.get(name), ...dynamicListener(resource) });
  }
  return [...byName].map(([name, json]) => ({ name, json: { name, ...json } }));
}

function dynamicListener(resource: DumpedResource): JsonObject {
  const { state } = resource;
  const about = { ...failure(resource), ...clientStatus(resource) };
  if (state === 'refused') return about;
  return {
    [`${state}_state`]: {
      ...version(resource.version),
      listener: messageJson(resource.message),
      ...lastUpdated(resource),
    },
    ...about,
  };
}

function scopedRoutesDump(scopes: readonly DumpedResource[]): Dump {
  const json = (resource: DumpedResource): JsonObject => ({
    name: resource.name,
    ...version(resource.version),
    scoped_route_configs: scopesIn(resource.message).map(messageJson),
    ...lastUpdated(resource),
    ...failure(resource),
  });
  const told = (resource: DumpedResource): JsonObject => ({
    ...json(resource),
    ...clientStatus(resource),
  });
  return {
    type: 'ScopedRoutesConfigDump',
    fields: {},
    lists: [
      {
        field: 'inline_scoped_route_configs',
        elementType: 'InlineScopedRouteConfigs',
        elements: elements(scopes, 'static', json),
      },
      {
        field: 'dynamic_scoped_route_configs',
        elementType: 'DynamicScopedRouteConfigs',
        elements: elements(scopes, 'active', told),
      },
    ],
  };
}

function scopesIn(message: Message): readonly Message[] {
  return (message as ScopedRouteConfigurationsList).scopedRouteConfigurations;
}

function routesDump(data: ConfigDumpData): Dump {
  return {
    type: 'RoutesConfigDump',
    fields: {},
    lists: staticAndDynamic(data.routes, {
      key: 'route_config',
      staticField: 'static_route_configs',
      staticType: 'StaticRouteConfig',
      dynamicField: 'dynamic_route_configs',
      dynamicType: 'DynamicRouteConfig',
    }),
  };
}

function secretsDump(data: ConfigDumpData): Dump {
  const secretJson = (resource: DumpedResource): JsonObject => ({
    name: resource.name,
    ...version(resource.version),
    ...lastUpdated(resource),
    secret: messageJson(resource.message),
    ...failure(resource),
  });
  const list = (field: string, elementType: string, state: DumpedResource['state']) => ({
    field,
    elementType,
    elements: elements(data.secrets, state, secretJson),
  });
  return {
    type: 'SecretsConfigDump',
    fields: {},
    lists: [
      list('static_secrets', 'StaticSecret', 'static'),
      list('dynamic_active_secrets', 'DynamicSecret', 'active'),
      list('dynamic_warming_secrets', 'DynamicSecret', 'warming'),
    ],
  };
}

/** Names of the two lists of a dump whose dynamic resources have no warming state. */
interface TwoLists {
  readonly key: string;
  readonly staticField: string;
  readonly staticType: string;
  readonly dynamicField: string;
  readonly dynamicType: string;
}

function staticAndDynamic(
  resources: readonly DumpedResource[],
  names: TwoLists,
): readonly DumpList[] {
  const dynamicJson = (resource: DumpedResource): JsonObject => ({
    ...version(resource.version),
    ...staticJson(names.key, resource),
    ...clientStatus(resource),
  });
  return [
    {
      field: names.staticField,
      elementType: names.staticType,
      elements: elements(resources, 'static', (resource) => staticJson(names.key, resource)),
    },
    {
      field: names.dynamicField,
      elementType: names.dynamicType,
      elements: elements(resources, 'active', dynamicJson),
    },
  ];
}

function elements(
  resources: readonly DumpedResource[],
  state: DumpedResource['state'],
  json: (resource: DumpedResource) => JsonObject,
): readonly DumpElement[] {
  return resources
    .filter((resource) => resource.state === state)
    .map((resource) => ({ name: resource.name, json: json(resource) }));
}

function staticJson(key: string, resource: DumpedResource): JsonObject {
  return { [key]: messageJson(resource.message), ...lastUpdated(resource), ...failure(resource) };
}

function version(text: string): JsonObject {
  return text === '' ? {} : { version_info: text };
}

function lastUpdated(resource: DumpedResource): JsonObject {
  if (resource.lastUpdatedMs === null) return {};
  return { last_updated: new Date(resource.lastUpdatedMs).toISOString() };
}

function clientStatus(resource: DumpedResource): JsonObject {
  if (resource.lastUpdatedMs === null) return {};
  return { client_status: resource.error === null ? 'ACKED' : 'NACKED' };
}

function failure(resource: DumpedResource): JsonObject {
  const { error } = resource;
  if (error === null) return {};
  const { message } = error;
  return {
    error_state: {
      ...(message === null ? {} : { failed_configuration: messageJson(message) }),
      last_update_attempt: new Date(error.lastAttemptMs).toISOString(),
      details: error.details,
      ...version(error.version),
    },
  };
}

/** An Any of the message in ProtoJSON with proto field names, its secrets hidden. */
function messageJson(message: Message): JsonObject {
  const url = `type.googleapis.com/${message.$typeName}`;
  const schema = apiRegistry.getMessage(message.$typeName);
  if (schema === undefined) return { '@type': url };
  try {
    const json = toJson(schema, message, { registry: apiRegistry, useProtoFieldName: true });
    return redactSecrets({ '@type': url, ...(json as JsonObject) }) as JsonObject;
  } catch {
    // An Any inside whose type is unknown has no JSON form: the dump says what it can.
    return { '@type': url, unprintable_bytes: toBinary(schema, message).length };
  }
}

function withoutType(json: JsonObject): JsonValue {
  const { '@type': _type, ...fields } = json;
  return fields;
}
