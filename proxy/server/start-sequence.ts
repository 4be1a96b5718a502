// The order in which a proxy starts, which is Envoy's: what is known without clusters, clusters and
// their hosts, listeners, and workers behind all that they may name.
import type { Cluster } from '../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { isEdsCluster } from '../config/compile/dynamic-resources.ts';
import type { Resource } from '../model/resource.ts';
import { expectResources } from './loading-phase.ts';
import type { Primary } from './primary.ts';

/** Resolves with what is wrong with listeners of the bootstrap; nothing: it serves. */
export async function startPrimary(primary: Primary): Promise<string[]> {
  const { configuration, publisher, dynamic, services, workforce } = primary;
  const { version } = configuration;
  primary.health.beginInitializing();
  await services.beforeClusters();
  expectResources(configuration.loaded.resources.length);
  const clusters = primaryClustersFirst(configuration.initial('cluster').upserted);
  await publisher.publish({ upserted: clusters.primary, removed: [] }, version);
  await primary.whenClustersWarm();
  await services.behindPrimaryClusters();
  if (clusters.secondary.length > 0) {
    await publisher.publish({ upserted: clusters.secondary, removed: [] }, version);
    await primary.whenClustersWarm();
  }
  await dynamic.clusters?.start();
  await primary.whenClustersWarm();
  await services.beforeListeners();
  await publisher.publish(configuration.initial('listener'), version);
  await dynamic.listeners?.start();
  await publisher.settled();
  await workforce.start();
  const failures = workforce.listeners
    .filter(({ name, error }) => error !== '' && configuration.isStatic('listener', name))
    .map(({ name, error }) => `error adding listener '${name}': ${error}`);
  // One of them ended workers until it was taken out.
  if (configuration.refused !== null) failures.push(configuration.refused.details);
  if (failures.length > 0) return failures;
  primary.health.becomeLive();
  primary.serverStats.initializationTimeMs.record(performance.now() - primary.startedMs);
  services.onServing();
  return [];
}

/** As Envoy: clusters that servers tell the hosts of come behind those that servers are reached by. */
function primaryClustersFirst(clusters: readonly Resource[]): {
  readonly primary: readonly Resource[];
  readonly secondary: readonly Resource[];
} {
  const isSecondary = ({ message }: Resource) => isEdsCluster(message as Cluster);
  return {
    primary: clusters.filter((cluster) => !isSecondary(cluster)),
    secondary: clusters.filter(isSecondary),
  };
}
