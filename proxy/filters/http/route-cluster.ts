// The cluster that a request is going to be sent to, for filters in front of the router.
import type { RequestHead } from '../../http/message.ts';
import { chooseCluster } from '../../routing/choose-cluster.ts';
import type { Cluster } from '../../upstream/cluster-manager.ts';
import type { HttpFilterCallbacks } from '../http-filter.ts';

/** Who has a route. */
export type RoutedStream = Pick<HttpFilterCallbacks, 'route' | 'services' | 'streamRandom'>;

/** As the route says now; null: the route sends it nowhere, or there is no such cluster. */
export function clusterOfRoute(callbacks: RoutedStream, head: RequestHead): Cluster | null {
  const action = callbacks.route?.config.action;
  if (action?.kind !== 'forward') return null;
  const name = chooseCluster(action.cluster, head, callbacks.streamRandom);
  return callbacks.services.clusters.get(name);
}
