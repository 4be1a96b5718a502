// What the primary exchanges with servers beside the resources that it serves by.

import type { AccessLogManager } from '../../accesslog/access-log-manager.ts';
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ApiConfigSource } from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import type { Logger } from '../../base/log.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { Secrets } from '../../tls/secret-hub.ts';
import type { HealthChecks } from '../../upstream/health/health-checks.ts';
import { HostFlags } from '../../upstream/host-flags.ts';
import { backOffOf } from '../../xds/open-api-source.ts';
import { ReconnectBackOff } from '../../xds/reconnect-back-off.ts';
import type { Configuration } from '../configuration.ts';
import type { HealthCheckOutputs } from '../health-checking.ts';
import type { PrimaryService } from '../primary-services.ts';
import type { RuntimeDesk } from '../runtime-desk.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { SystemRandom } from '../system-random.ts';
import type { Workforce } from '../workforce.ts';
import { HdsClusters } from './hds-clusters.ts';
import { HealthDiscovery } from './health-discovery.ts';
import { LoadReporter, type ReportableCluster } from './load-reporter.ts';
import { AGGREGATED_SOURCE, NameTables } from './name-tables.ts';
import type { PrimaryDiscovery } from './primary-discovery.ts';
import { RtdsLayers } from './rtds-layers.ts';

/** Envoy's for HDS. */
const HDS_BACK_OFF = { baseMs: 1000, maxMs: 30_000 };

/** The primary's parts that they work with. */
export interface ServerServicesParts {
  readonly configuration: Configuration;
  readonly discovery: PrimaryDiscovery;
  readonly runtime: RuntimeDesk;
  readonly workforce: Workforce;
  readonly makeHealthChecks: (outputs: HealthCheckOutputs) => HealthChecks;
  readonly secrets: Secrets;
  readonly accessLogs: AccessLogManager;
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
  const healthDiscovery = healthDiscoveryOf(primary);
  return healthDiscovery === null ? services : [...services, healthDiscovery];
}

/** Tables of names of the aggregated server, if there is one. */
export function nameTables({
  configuration,
  discovery,
  stats,
}: Pick<ServerServicesParts, 'configuration' | 'discovery' | 'stats'>): NameTables {
  const ads = configuration.bootstrap.dynamic?.ads ?? null;
  const source = () => (ads === null ? null : discovery.sourceOf(AGGREGATED_SOURCE));
  return new NameTables({ source, stats });
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

function healthDiscoveryOf(primary: ServerServicesParts): HealthDiscovery | null {
  const { accessLogs, configuration, discovery, log, makeHealthChecks, secrets, stats } = primary;
  const api = configuration.bootstrap.hds as ApiConfigSource | null;
  const [service] = api?.grpcServices ?? [];
  if (service === undefined) return null;
  const flags = new HostFlags({ sink: () => undefined, later: queueMicrotask });
  const checks = makeHealthChecks({
    ...{ stats, flags, secrets },
    sendEndpoints: () => undefined,
    sendWarm: () => undefined,
    writeEvent: (path, line) => accessLogs.openFile(path).append(line),
  });
  return new HealthDiscovery({
    server: discovery.servers.openService(service),
    node: discovery.servers.node,
    backOff: new ReconnectBackOff(HDS_BACK_OFF, new SystemRandom()),
    ...{ stats, log },
    clusters: new HdsClusters({
      checks,
      flagsOf: (cluster, address) => flags.get(cluster, address),
      compiler: () => configuration.compiler(),
    }),
  });
}

function reportable({ store }: Configuration): readonly ReportableCluster[] {
  return store.ofKind('cluster').map(({ resource }) => {
    const { edsClusterConfig } = resource.message as Cluster;
    return { name: resource.name, serviceName: edsClusterConfig?.serviceName ?? '' };
  });
}
