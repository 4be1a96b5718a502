// Supplies what configurations refer to by name: route tables, configurations of filters.
import type { Message } from '@bufbuild/protobuf';
import type { DiscoveredRef, FilterRef, ScopesRef } from '../../model/config-source.ts';
import { isFilterRef } from '../../model/discovered-filter.ts';
import type { KeeperSink, Supply } from '../need-keeper.ts';
import { FilterSupply } from './filter-supply.ts';
import { RouteSupply } from './route-supply.ts';
import { ScopesSupply } from './scopes-supply.ts';
import type { ConfigSupplyParts } from './supply-from-source.ts';

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
  return new RouteSupply(ref, sink, parts);
}

function isScopesRef(ref: DiscoveredRef): ref is ScopesRef {
  return ref.kind === 'scopes';
}
