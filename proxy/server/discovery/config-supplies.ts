// Supplies what configurations refer to by name: route tables, configurations of filters.
import type { Message } from '@bufbuild/protobuf';
import type { DiscoveredRef, FilterRef, ScopesRef } from '../../model/config-source.ts';
import { isFilterRef } from '../../model/discovered-filter.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { KeeperSink, Supply } from '../need-keeper.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
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
  const { name, source: from, statsScope } = ref;
  const { sourceOf, onUnusable } = parts;
  // As Envoy: connection managers share a subscription, which counts below the first of them.
  const stats = parts.stats.scope(statsScope ?? `rds.${name}`);
  const updateEmpty = stats.counter('update_empty');
  return new SourceSupply({
    ...{ name, from, sourceOf, onUnusable, stats },
    typeUrl: TYPE_URLS.route,
    sink: countReloads(sink, stats),
    onAbsent: () => updateEmpty.inc(),
    unexpected: (other) => `Unexpected RDS configuration (expecting ${name}): ${other}`,
  });
}

function isScopesRef(ref: DiscoveredRef): ref is ScopesRef {
  return ref.kind === 'scopes';
}

function countReloads(sink: KeeperSink<Message>, stats: StatsScope): KeeperSink<Message> {
  const reloads = stats.counter('config_reload');
  const reloadTime = stats.gauge('config_reload_time_ms');
  return {
    ...sink,
    onValue: (message, version) => {
      const refusal = sink.onValue(message, version);
      if (refusal === '') {
        reloads.inc();
        reloadTime.set(SYSTEM_CLOCK.wallMs());
      }
      return refusal;
    },
  };
}
