// Supplies what configurations refer to by name: route tables, configurations of filters.
import type { Message } from '@bufbuild/protobuf';
import type { DiscoveredRef, FilterRef, ScopesRef } from '../../model/config-source.ts';
import { isFilterRef } from '../../model/discovered-filter.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { KeeperSink, Supply } from '../need-keeper.ts';
import { FilterSupply } from './filter-supply.ts';
import { ScopesSupply } from './scopes-supply.ts';
import { type ConfigSupplyParts, SourceSupply } from './supply-from-source.ts';

/** Begins to supply what a reference names; `refs` are all that name the same. */
export function openConfigSupply(
  ref: DiscoveredRef,
  sink: KeeperSink<Message>,
  parts: ConfigSupplyParts & { readonly refs: () => readonly DiscoveredRef[] },
): Supply {
  if (isFilterRef(ref)) {
    const refs = (): readonly FilterRef[] => parts.refs().filter(isFilterRef);
    return new FilterSupply(ref, sink, { ...parts, refs });
  }
  if (isScopesRef(ref)) return new ScopesSupply(ref, sink, parts);
  const { name, source: from } = ref;
  const { sourceOf, stats, onUnusable } = parts;
  return new SourceSupply({
    ...{ name, from, sourceOf, sink, onUnusable },
    typeUrl: TYPE_URLS.route,
    // Envoy counts below each connection manager; here all of them share one subscription.
    stats: stats.scope(`rds.${name}`),
    unexpected: (other) => `Unexpected RDS configuration (expecting ${name}): ${other}`,
  });
}

function isScopesRef(ref: DiscoveredRef): ref is ScopesRef {
  return ref.kind === 'scopes';
}
