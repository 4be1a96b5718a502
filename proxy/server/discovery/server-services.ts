// What the primary exchanges with servers beside the resources that it serves by.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ApiConfigSource } from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import type { Logger } from '../../base/log.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { backOffOf } from '../../xds/open-api-source.ts';
import { ReconnectBackOff } from '../../xds/reconnect-back-off.ts';
import type { Configuration } from '../configuration.ts';
import type { PrimaryService } from '../primary-services.ts';
import type { RuntimeDesk } from '../runtime-desk.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { SystemRandom } from '../system-random.ts';
import type { Workforce } from '../workforce.ts';
import { LoadReporter, type ReportableCluster } from './load-reporter.ts';
import type { PrimaryDiscovery } from './primary-discovery.ts';
import { RtdsLayers } from './rtds-layers.ts';

/** The primary's parts that they work with. */
export interface ServerServicesParts {
  readonly configuration: Configuration;
  readonly discovery: PrimaryDiscovery;
  readonly runtime: RuntimeDesk;
  readonly workforce: Workforce;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly log: Logger;
}

/** Those that the bootstrap asks for. */
export function serverServices(
  primary: ServerServicesParts & { readonly loadReporter: LoadReporter | null },
): readonly PrimaryService[] {
  const { configuration, discovery, runtime, stats } = primary;
  const services: PrimaryService[] = primary.loadReporter === null ? [] : [primary.loadReporter];
  const layers = configuration.bootstrap.runtimeLayers.filter(({ rtds }) => rtds !== undefined);
  if (layers.length > 0) {
    services.push(
      new RtdsLayers({
        ...{ layers, stats: stats.scope('runtime'), sourceOf: discovery.sourceOf },
        environment: configuration.compiler().environment,
        onLayer: (name, entries) => runtime.setDiscovered(name, entries),
      }),
    );
  }
  return services;
}

/** null: `cluster_manager.load_stats_config` is not there. */
export function loadReporter(primary: ServerServicesParts): LoadReporter | null {
  const { configuration, discovery, log, stats, workforce } = primary;
  const api = configuration.bootstrap.loadStats as ApiConfigSource | null;
  const [service] = api?.grpcServices ?? [];
  if (service === undefined) return null;
  return new LoadReporter({
    server: discovery.servers.openService(service),
    node: discovery.servers.node,
    backOff: new ReconnectBackOff(backOffOf(service), new SystemRandom()),
    ...{ stats, log },
    nowMs: () => SYSTEM_CLOCK.nowMs(),
    clusters: () => reportable(configuration),
    collect: async (names) => {
      const counting = workforce.counting().map((peer) => peer.askLoads(names));
      return (await Promise.all(counting)).flat();
    },
  });
}

function reportable({ store }: Configuration): readonly ReportableCluster[] {
  return store.ofKind('cluster').map(({ resource }) => {
    const { edsClusterConfig } = resource.message as Cluster;
    return { name: resource.name, serviceName: edsClusterConfig?.serviceName ?? '' };
  });
}
