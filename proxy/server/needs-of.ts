// What compiled resources refer to that has to be supplied before they can serve.
import type { ClusterConfig } from '../model/cluster.ts';
import { type DiscoveredRef, routeRef, type ScopesRef } from '../model/config-source.ts';
import type { ExtensionInstance, ToldFilter } from '../model/extension.ts';
import {
  allHttpFilters,
  type HttpConnectionManagerConfig,
} from '../model/http-connection-manager.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { ScopeSetConfig } from '../model/scoped-routes.ts';
import type { SecretRef } from '../model/secret.ts';
import { secretsOfCluster, secretsOfListener } from './secrets/secret-refs.ts';

/** References of one resource. */
export interface Needs {
  readonly secrets: readonly SecretRef[];
  readonly configs: readonly DiscoveredRef[];
}

/** Of a resource that refers to nothing. */
export const NO_NEEDS: Needs = Object.freeze({ secrets: [], configs: [] });

const MANAGER = 'envoy.filters.network.http_connection_manager';

/** What a cluster's connections need; its endpoints are found by themselves. */
export function needsOfCluster(config: ClusterConfig): Needs {
  return { secrets: secretsOfCluster(config), configs: [] };
}

/** What a listener and its filter chains need. */
export function needsOfListener(config: ListenerConfig): Needs {
  const { filterChains, defaultFilterChain, listenerFilters } = config;
  const chains = defaultFilterChain === null ? filterChains : [...filterChains, defaultFilterChain];
  const filters = chains.flatMap((chain) => chain.filters);
  const configs = [...listenerFilters, ...filters].flatMap((filter) => [
    ...ownRefs(filter),
    ...refsInside(filter),
  ]);
  return { secrets: secretsOfListener(config), configs };
}

/** Tables that scopes name; `from` says where they come from. */
export function needsOfScopes(config: ScopeSetConfig | null, from: ScopesRef | undefined): Needs {
  const routes = from?.routes ?? null;
  if (config === null || routes === null) return NO_NEEDS;
  const names = config.told.flatMap(({ routeName }) => (routeName === '' ? [] : [routeName]));
  const configs = [...new Set(names)].map((name) => ({
    ...routeRef(name, routes),
    statsScope: `http.${from?.statPrefix}.rds.${name}`,
  }));
  return { secrets: [], configs };
}

/** What a filter needs that was told by name. */
export function needsOfFilter(filter: ToldFilter | null): Needs {
  return filter === null ? NO_NEEDS : { secrets: [], configs: refsInside(filter) };
}

function refsInside({ definition, config }: ToldFilter): readonly DiscoveredRef[] {
  if (definition.name !== MANAGER) return [];
  const manager = config as HttpConnectionManagerConfig;
  const { rds, scopedRoutes } = manager;
  const routes = [rds, scopedRoutes?.discovery].filter((ref) => ref !== undefined && ref !== null);
  return [...routes, ...allHttpFilters(manager).flatMap(ownRefs)];
}

function ownRefs({ discovery }: ExtensionInstance): readonly DiscoveredRef[] {
  if (discovery === undefined) return [];
  const { ref, fallback } = discovery;
  return fallback === null ? [ref] : [ref, ...refsInside(fallback)];
}
