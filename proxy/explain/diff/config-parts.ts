// A configuration as a tree of parts that are compared one by one: listeners, filter chains, virtual
// hosts, routes, clusters, hosts. Each part holds what is its own, without the parts below it.
import type { ClusterConfig } from '../../model/cluster.ts';
import type { HttpConnectionManagerConfig } from '../../model/http-connection-manager.ts';
import type { FilterChainConfig, ListenerConfig } from '../../model/listener.ts';
import type { RouteConfig, RouteTableConfig, VirtualHostConfig } from '../../model/route.ts';
import {
  type Explained,
  type ExplainedConfiguration,
  type Origin,
  valueAt,
} from '../configuration.ts';
import { endpointPaths } from '../explain-cluster.ts';
import { isList, type Json, type JsonFields, membersText } from '../flow-text.ts';
import { routeTables } from '../route-paths.ts';
import { type Canonical, canonicalOf } from './canonical.ts';

/** What a part is. */
export type PartKind =
  | 'listener'
  | 'filter chain'
  | 'network filter'
  | 'connection manager'
  | 'HTTP filter'
  | 'route configuration'
  | 'virtual host'
  | 'route'
  | 'cluster'
  | 'host';

/** See the file's head. */
export interface ConfigPart {
  readonly kind: PartKind;
  readonly name: string;
  /** The same part of another configuration has the same key. */
  readonly key: string;
  /** Nobody gave it a name. */
  readonly isNameless: boolean;
  /** In one line, for a part that comes or goes; '' for nothing to say. */
  readonly description: string;
  /** Looked up when it is told: that costs more than a comparison. */
  readonly origin: () => Origin;
  readonly model: Canonical;
  /** What its author wrote. */
  readonly json: Json | undefined;
  readonly children: readonly ConfigPart[];
  /** Of a route; null for the others. */
  readonly route: RouteConfig | null;
}

const MANAGER = 'envoy.filters.network.http_connection_manager';

/** The outermost parts, in the order of the configuration. */
export function configParts(configuration: ExplainedConfiguration): {
  readonly listeners: readonly ConfigPart[];
  readonly clusters: readonly ConfigPart[];
} {
  const { listeners, clusters } = configuration;
  return {
    listeners: listeners.map((listener) => new ListenerParts(configuration, listener).part()),
    clusters: clusters.map((cluster) => clusterPart(configuration, cluster)),
  };
}

class ListenerParts {
  readonly #configuration: ExplainedConfiguration;
  readonly #listener: Explained<ListenerConfig>;

  constructor(configuration: ExplainedConfiguration, listener: Explained<ListenerConfig>) {
    this.#configuration = configuration;
    this.#listener = listener;
  }

  part(): ConfigPart {
    const { config } = this.#listener;
    const chains = config.filterChains.map((chain, index) =>
      this.#chain(chain, `filter_chains[${index}]`),
    );
    const last = config.defaultFilterChain;
    if (last !== null) chains.push(this.#chain(last, 'default_filter_chain'));
    return this.#part('', {
      ...{ kind: 'listener', name: config.name, key: config.name },
      description: config.addresses.map(({ text }) => text).join(', '),
      model: canonicalOf(config, ['filterChains', 'defaultFilterChain', 'statPrefix']),
      without: ['filter_chains', 'default_filter_chain'],
      children: chains,
    });
  }

  #chain(chain: FilterChainConfig, path: string): ConfigPart {
    const { name, match, filters } = chain;
    const matchKey = JSON.stringify(canonicalOf(match).json);
    const isDefault = path === 'default_filter_chain';
    const written = valueAt(this.#listener.json(), `${path}.filter_chain_match`);
    return this.#part(path, {
      kind: 'filter chain',
      name: name === '' ? path : name,
      key: isDefault ? path : name || matchKey,
      isNameless: name === '',
      description: written === undefined ? '' : membersText(written),
      model: canonicalOf({ match: isDefault ? null : match }),
      without: ['filters'],
      children: filters.flatMap((filter, index) => {
        const at = `${path}.filters[${index}]`;
        if (filter.definition.name === MANAGER) {
          return this.#manager(filter.config as HttpConnectionManagerConfig, `${at}.typed_config`);
        }
        const own = { kind: 'network filter', name: filter.name, key: filter.name } as const;
        return [this.#part(at, { ...own, model: canonicalOf(filter) })];
      }),
    });
  }

  #manager(config: HttpConnectionManagerConfig, path: string): readonly ConfigPart[] {
    const name = config.statPrefix;
    return [
      this.#part(path, {
        ...{ kind: 'connection manager', name, key: 'manager' },
        model: canonicalOf(managerOnly(config)),
        without: ['route_config', 'scoped_routes', 'http_filters'],
      }),
      ...config.httpFilters.map((filter, index) =>
        this.#part(`${path}.http_filters[${index}]`, {
          ...{ kind: 'HTTP filter', name: filter.name, key: filter.name },
          model: canonicalOf(filter),
        }),
      ),
      ...routeTables(config).map((each, index) =>
        this.#table(each.table, `${path}.${each.path}`, scopeName(config, index)),
      ),
    ];
  }

  #table(table: RouteTableConfig, path: string, scope: string): ConfigPart {
    return this.#part(path, {
      ...{ kind: 'route configuration', name: scope || table.name, key: `routes ${scope}` },
      // Its name is for people.
      model: canonicalOf(table, ['virtualHosts', 'name']),
      without: ['virtual_hosts'],
      children: table.virtualHosts.map((host, index) =>
        this.#virtualHost(host, `${path}.virtual_hosts[${index}]`),
      ),
    });
  }

  #virtualHost(host: VirtualHostConfig, path: string): ConfigPart {
    return this.#part(path, {
      ...{ kind: 'virtual host', name: host.name, key: host.name },
      description: host.domains.join(', '),
      model: canonicalOf(host, ['routes']),
      without: ['routes'],
      children: host.routes.map((route, index) => this.#route(route, index, path)),
    });
  }

  #route(route: RouteConfig, index: number, host: string): ConfigPart {
    const path = `${host}.routes[${index}]`;
    const match = valueAt(this.#listener.json(), `${path}.match`);
    return this.#part(path, {
      kind: 'route',
      name: route.name === '' ? `#${index}` : route.name,
      key: route.name || JSON.stringify(canonicalOf(route.match).json),
      isNameless: route.name === '',
      description: match === undefined ? '' : membersText(match),
      model: canonicalOf(route),
      route,
    });
  }

  #part(path: string, own: OwnParts): ConfigPart {
    const { path: root } = this.#listener;
    const json = valueAt(this.#listener.json(), path);
    const origin = () => this.#configuration.origin(path === '' ? root : `${root}.${path}`);
    return completed(own, origin, json);
  }
}

/** What differs from part to part. */
interface OwnParts extends Pick<ConfigPart, 'kind' | 'name' | 'key' | 'model'> {
  readonly isNameless?: boolean;
  readonly description?: string;
  readonly children?: readonly ConfigPart[];
  readonly route?: RouteConfig;
  /** Fields of the message that other parts compare. */
  readonly without?: readonly string[];
}

function completed(own: OwnParts, origin: () => Origin, json: Json | undefined): ConfigPart {
  const { kind, name, key, model } = own;
  return {
    ...{ kind, name, key, model, origin },
    isNameless: own.isNameless ?? false,
    description: own.description ?? '',
    json: withoutFields(json, own.without ?? []),
    children: own.children ?? [],
    route: own.route ?? null,
  };
}

function clusterPart(
  configuration: ExplainedConfiguration,
  cluster: Explained<ClusterConfig>,
): ConfigPart {
  const { config, path } = cluster;
  const paths = endpointPaths(cluster.json());
  const hosts = config.endpoints.map((endpoint, index) => {
    const at = `load_assignment.${paths[index] ?? ''}`;
    const address = endpoint.port < 0 ? endpoint.address : `${endpoint.address}:${endpoint.port}`;
    const key = `${address} ${endpoint.priority}`;
    const own: OwnParts = { kind: 'host', name: address, key, model: canonicalOf(endpoint) };
    const json = valueAt(cluster.json(), at);
    return completed(own, () => configuration.origin(`${path}.${at}`), json);
  });
  const own: OwnParts = {
    kind: 'cluster',
    name: config.name,
    key: config.name,
    children: hosts,
    model: canonicalOf(config, ['endpoints', 'observabilityName']),
    without: ['load_assignment'],
  };
  return completed(own, () => configuration.origin(path), cluster.json());
}

/** The choice of a scope is the manager's, what is in one is not. */
function managerOnly(config: HttpConnectionManagerConfig): object {
  const { routeTable: _table, httpFilters: _filters, scopedRoutes, ...rest } = config;
  if (scopedRoutes === undefined || scopedRoutes === null) return rest;
  const scopes = scopedRoutes.scopes.map(({ name, key }) => ({ name, key }));
  const { fragments, discovery = null } = scopedRoutes;
  return { ...rest, fragments, scopes, discovery };
}

/** '' for the manager's own table, which is the first. */
function scopeName({ scopedRoutes }: HttpConnectionManagerConfig, index: number): string {
  const scope = scopedRoutes?.scopes[index - 1];
  return scope === undefined ? '' : `of scope ${scope.name}`;
}

function withoutFields(json: Json | undefined, names: readonly string[]): Json | undefined {
  if (json === undefined || json === null || typeof json !== 'object' || isList(json)) return json;
  const entries = Object.entries(json as JsonFields);
  return Object.fromEntries(entries.filter(([name]) => !names.includes(name)));
}
