// What the primary exchanges with servers beside the resources that it serves by.
import type { Logger } from '../../base/log.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { Configuration } from '../configuration.ts';
import type { PrimaryService } from '../primary-services.ts';
import type { RuntimeDesk } from '../runtime-desk.ts';
import type { PrimaryDiscovery } from './primary-discovery.ts';
import { RtdsLayers } from './rtds-layers.ts';

/** The primary's parts that they work with. */
export interface ServerServicesParts {
  readonly configuration: Configuration;
  readonly discovery: PrimaryDiscovery;
  readonly runtime: RuntimeDesk;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly log: Logger;
}

/** Those that the bootstrap asks for. */
export function serverServices(primary: ServerServicesParts): readonly PrimaryService[] {
  const { configuration, discovery, runtime, stats } = primary;
  const services: PrimaryService[] = [];
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
