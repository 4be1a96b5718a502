// A configuration as far as authentication goes, from a running proxy's dump or from files.
import type { Json } from '../flow-text.ts';
import { at, listAt, textAt } from './fields.ts';

/** One proxy. */
export interface AuthnSource {
  /** A file's name, or the address of an admin interface. */
  readonly name: string;
  /** config.cluster.v3.Cluster in ProtoJSON with proto names; so are the others. */
  readonly clusters: readonly Json[];
  readonly listeners: readonly Json[];
  /** ClusterLoadAssignments of EDS by the name they are asked for. */
  readonly assignments: ReadonlyMap<string, Json>;
  /** Secrets by name. */
  readonly secrets: ReadonlyMap<string, Json>;
  /** Text of a file that it names; null: it is not known here. */
  readFile(path: string): string | null;
}

/** Out of what `/config_dump?include_eds` answers. Files of that proxy are not ours to read. */
export function dumpedSource(name: string, dump: Json): AuthnSource {
  const parts = listAt(dump, 'configs');
  const all = (...fields: readonly string[]): readonly Json[] =>
    parts.flatMap((part) => fields.flatMap((field) => listAt(part, field)));
  const clusters = all('static_clusters', 'dynamic_active_clusters', 'dynamic_warming_clusters');
  const listeners = all('static_listeners', 'dynamic_listeners');
  const endpoints = all('static_endpoint_configs', 'dynamic_endpoint_configs');
  const secrets = all('static_secrets', 'dynamic_active_secrets');
  return {
    name,
    clusters: defined(clusters.map((one) => at(one, 'cluster'))),
    listeners: defined(
      listeners.map((one) => at(one, 'listener') ?? at(one, 'active_state', 'listener')),
    ),
    assignments: byName(
      endpoints.map((one) => at(one, 'endpoint_config')),
      'cluster_name',
    ),
    secrets: byName(
      secrets.map((one) => at(one, 'secret')),
      'name',
    ),
    readFile: () => null,
  };
}

/** Messages by one of their fields. */
export function byName(
  messages: readonly (Json | undefined)[],
  field: string,
): ReadonlyMap<string, Json> {
  return new Map(defined(messages).map((message) => [textAt(message, field), message]));
}

function defined(messages: readonly (Json | undefined)[]): readonly Json[] {
  return messages.filter((one): one is Json => one !== undefined);
}
