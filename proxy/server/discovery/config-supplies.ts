// Supplies what configurations refer to by name: route tables, configurations of filters.
import type { Message } from '@bufbuild/protobuf';
import type { ConfigSourceConfig, DiscoveredRef } from '../../model/config-source.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { DiscoverySource } from '../../xds/discovery.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { Supply, SupplySink } from '../need-keeper.ts';
import { SourceSupply } from './supply-from-source.ts';

/** What supplies are made of. */
export interface ConfigSupplyParts {
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
  /** The root scope. */
  readonly stats: StatsScope;
}

/** Begins to supply what a reference names. */
export function openConfigSupply(
  { kind, name, source }: DiscoveredRef,
  sink: SupplySink<Message>,
  { sourceOf, stats }: ConfigSupplyParts,
): Supply {
  const shared = { name, from: source, sourceOf, sink };
  if (kind === 'route') {
    return new SourceSupply({
      ...shared,
      typeUrl: TYPE_URLS.route,
      // Envoy counts below each connection manager; here all of them share one subscription.
      stats: stats.scope(`rds.${name}`),
      unexpected: (other) => `Unexpected RDS configuration (expecting ${name}): ${other}`,
    });
  }
  return new SourceSupply({
    ...shared,
    typeUrl: TYPE_URLS.extension,
    stats: stats.scope(`extension_config_discovery.http_filter.${name}`),
    unexpected: (other) => `Unexpected resource name in ExtensionConfigDS response: ${other}`,
  });
}
