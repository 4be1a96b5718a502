// What compiled resources refer to that has to be supplied before they can serve.
import type { ClusterConfig } from '../model/cluster.ts';
import type { DiscoveredRef } from '../model/config-source.ts';
import type { ExtensionInstance } from '../model/extension.ts';
import type { HttpConnectionManagerConfig } from '../model/http-connection-manager.ts';
import type { ListenerConfig } from '../model/listener.ts';
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

/** What a listener's filter chains need. */
export function needsOfListener(config: ListenerConfig): Needs {
  const { filterChains, defaultFilterChain } = config;
  const chains = defaultFilterChain === null ? filterChains : [...filterChains, defaultFilterChain];
  const managers = chains.flatMap(({ filters }) => filters.flatMap(managerOf));
  const routes = managers.flatMap(({ rds }) => (rds === undefined ? [] : [rds]));
  return { secrets: secretsOfListener(config), configs: routes };
}

function managerOf({ definition, config }: ExtensionInstance): HttpConnectionManagerConfig[] {
  return definition.name === MANAGER ? [config as HttpConnectionManagerConfig] : [];
}
