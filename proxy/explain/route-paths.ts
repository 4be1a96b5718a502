// The parts of a connection manager's configuration by their field paths, with what their author
// wrote there.
import type { HttpConnectionManagerConfig } from '../model/http-connection-manager.ts';
import type { RouteTableConfig, VirtualHostConfig } from '../model/route.ts';
import type { RouteTrace, TriedRoute } from '../routing/route-table.ts';
import {
  type Explained,
  type ExplainedConfiguration,
  type Origin,
  valueAt,
} from './configuration.ts';
import { fieldOf, isList, type Json } from './flow-text.ts';

/** What a look-up found, as paths; '' for what it did not find. */
export interface MatchedPaths {
  readonly table: string;
  readonly virtualHost: string;
  readonly route: string;
  /** The drawn entry of weighted_clusters. */
  readonly weighted: string;
}

/** Reads one connection manager. */
export class ManagerView {
  readonly config: HttpConnectionManagerConfig;
  /** Of its message. */
  readonly path: string;
  readonly #configuration: ExplainedConfiguration;
  readonly #json: () => Json;
  readonly #rootPath: string;

  /** `root`: the listener; `path` leads from there to the connection manager's message. */
  constructor(
    configuration: ExplainedConfiguration,
    root: { readonly path: string; readonly json: () => Json },
    at: { readonly path: string; readonly config: HttpConnectionManagerConfig },
  ) {
    this.config = at.config;
    this.path = `${root.path}.${at.path}`;
    this.#configuration = configuration;
    this.#json = root.json;
    this.#rootPath = root.path;
  }

  origin(path: string): Origin {
    return this.#configuration.origin(path);
  }

  /** What stands at a full path. */
  json(path: string): Json | undefined {
    const discovered = this.#discovered();
    if (discovered !== null && path.startsWith(`${discovered.path}.`)) {
      return valueAt(discovered.json(), path.slice(discovered.path.length + 1));
    }
    return valueAt(this.#json(), path.slice(this.#rootPath.length + 1));
  }

  /** The table that a look-up was made in; the first one where nothing was found. */
  table(trace: RouteTrace | null): TableAt {
    const discovered = this.#discovered();
    if (discovered !== null) return { path: discovered.path, table: discovered.config };
    const [first, ...others] = routeTables(this.config);
    const host = trace?.virtualHost ?? null;
    const found = others.find(({ table }) => host !== null && table.virtualHosts.includes(host));
    const { path, table } = found ?? (first as TableAt);
    return { path: `${this.path}.${path}`, table };
  }

  virtualHostPath(trace: RouteTrace): string {
    const { path, table } = this.table(trace);
    const index = table.virtualHosts.indexOf(trace.virtualHost as VirtualHostConfig);
    return index < 0 ? '' : `${path}.virtual_hosts[${index}]`;
  }

  /** The table that a server told; null: none did, or none was asked. */
  #discovered(): Explained<RouteTableConfig> | null {
    const { rds } = this.config;
    return rds === undefined ? null : (this.#configuration.routes.get(rds.key) ?? null);
  }

  /** Of a tried route: by its index in the virtual host, or by its name in the host's matcher. */
  routePath(trace: RouteTrace, { index, route }: TriedRoute): string {
    const host = this.virtualHostPath(trace);
    if (host === '') return '';
    if (index >= 0) return `${host}.routes[${index}]`;
    const matcher = `${host}.matcher`;
    return namedRoute(this.json(matcher), route.name, matcher) ?? matcher;
  }
}

/** A route table of a connection manager; `path` leads to it from the manager's message. */
export interface TableAt {
  readonly path: string;
  readonly table: RouteTableConfig;
}

const SCOPES = 'scoped_routes.scoped_route_configurations_list.scoped_route_configurations';

/** Its own, then those of its scopes. */
export function routeTables(config: HttpConnectionManagerConfig): readonly TableAt[] {
  const scopes = config.scopedRoutes?.scopes ?? [];
  return [
    { path: 'route_config', table: config.routeTable },
    ...scopes.map(({ table }, index) => ({
      path: `${SCOPES}[${index}].route_configuration`,
      table,
    })),
  ];
}

/** The path of the first message below that has this name and a match; null: there is none. */
function namedRoute(json: Json | undefined, name: string, path: string): string | null {
  if (json === undefined || json === null || typeof json !== 'object') return null;
  if (fieldOf(json, 'match') !== undefined && (fieldOf(json, 'name') ?? '') === name) return path;
  for (const [key, member] of Object.entries(json)) {
    const field = /^\w+$/.test(key) ? `.${key}` : `["${key}"]`;
    const step = isList(json) ? `[${key}]` : field;
    const found = namedRoute(member as Json, name, path + step);
    if (found !== null) return found;
  }
  return null;
}
