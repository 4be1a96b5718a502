// Which routes of a configuration there are, and which of them tests reached.

import type { HttpConnectionManagerConfig } from '../../model/http-connection-manager.ts';
import type { FilterChainConfig, ListenerConfig } from '../../model/listener.ts';
import { type Explained, type ExplainedConfiguration, valueAt } from '../configuration.ts';
import type { TriedPart } from '../explanation.ts';
import { membersText } from '../flow-text.ts';
import { routeTables } from '../route-paths.ts';

/** What tests reached of a configuration. */
export interface RouteCoverage {
  readonly total: number;
  readonly reached: number;
  /** 100 where there is no route. */
  readonly percent: number;
  /** In the order of the configuration. */
  readonly unreached: readonly TriedPart[];
}

const MANAGER = 'envoy.filters.network.http_connection_manager';

/** `reached`: paths of the routes that tests found. */
export function routeCoverage(
  configuration: ExplainedConfiguration,
  reached: ReadonlySet<string>,
): RouteCoverage {
  const all = configuration.listeners.flatMap((listener) => routesOf(listener, configuration));
  const unreached = all.filter(({ origin }) => !reached.has(origin.path));
  const count = all.length - unreached.length;
  const percent = all.length === 0 ? 100 : (100 * count) / all.length;
  return { total: all.length, reached: count, percent, unreached };
}

function routesOf(
  listener: Explained<ListenerConfig>,
  configuration: ExplainedConfiguration,
): readonly TriedPart[] {
  const { filterChains, defaultFilterChain } = listener.config;
  const chains = filterChains.map((chain, index) => ({ chain, path: `filter_chains[${index}]` }));
  if (defaultFilterChain !== null) {
    chains.push({ chain: defaultFilterChain, path: 'default_filter_chain' });
  }
  return chains
    .flatMap(({ chain, path }) => routePaths(chain, path))
    .map(({ name, path }) => ({
      name,
      origin: configuration.origin(`${listener.path}.${path}`),
      condition: membersText(valueAt(listener.json(), `${path}.match`) ?? {}),
      mismatch: null,
    }));
}

interface RoutePath {
  readonly name: string;
  readonly path: string;
}

function routePaths({ filters }: FilterChainConfig, path: string): readonly RoutePath[] {
  const last = filters.at(-1);
  if (last?.definition.name !== MANAGER) return [];
  const manager = `${path}.filters[${filters.length - 1}].typed_config`;
  const tables = routeTables(last.config as HttpConnectionManagerConfig);
  return tables.flatMap((each) =>
    each.table.virtualHosts.flatMap((host, at) =>
      host.routes.map(({ name }, index) => ({
        name: name === '' ? `#${index} of ${host.name}` : name,
        path: `${manager}.${each.path}.virtual_hosts[${at}].routes[${index}]`,
      })),
    ),
  );
}
