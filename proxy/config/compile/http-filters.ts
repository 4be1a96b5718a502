// The HTTP filters of a connection manager: of all requests, or of those that ask for an upgrade.
import type { HttpFilter } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext, ExtensionInstance, FilterDefinition } from '../../model/extension.ts';
import { placeDiscovered } from './config-discovery.ts';
import { compileExtension, type FoundExtension, typedConfigOf } from './extension-lookup.ts';
import { filterSlot } from './filter-slots.ts';
import { checkTerminalLast, type PlacedFilter, placeFilter } from './terminal-filter.ts';

/** Which chain it is, in Envoy's words. */
interface ChainPlace {
  readonly chain: 'http' | 'http upgrade';
  readonly path: string;
}

const MAIN_CHAIN: ChainPlace = { chain: 'http', path: 'http_filters' };
const UPGRADE_CHAIN: ChainPlace = { chain: 'http upgrade', path: 'filters' };

/** Compiles `http_filters`; refused ones are left out. */
export function compileHttpFilters(
  filters: readonly HttpFilter[],
  context: CompileContext,
): readonly ExtensionInstance[] {
  if (filters.length === 0) {
    const advice = 'add envoy.filters.http.router as the last one';
    context.warn('http_filters', `without filters no request is ever answered: ${advice}`);
  }
  return compileChain(filters, MAIN_CHAIN, context);
}

/** Compiles `filters` of one of upgrade_configs; empty where it has none of its own. */
export function compileUpgradeFilters(
  filters: readonly HttpFilter[],
  context: CompileContext,
): readonly ExtensionInstance[] {
  return compileChain(filters, UPGRADE_CHAIN, context);
}

function compileChain(
  filters: readonly HttpFilter[],
  place: ChainPlace,
  context: CompileContext,
): readonly ExtensionInstance[] {
  const { chain, path } = place;
  const placed = filters.map((filter, index) => {
    const rules = { isLast: index === filters.length - 1, isOfUpgrade: chain === 'http upgrade' };
    return compileHttpFilter(filter, rules, context.at(`${path}[${index}]`));
  });
  checkTerminalLast(placed, place, context);
  const last = filters.at(-1);
  if (last?.disabled === true) {
    const subject = `the last (terminal) filter (${last.name}) in the chain`;
    context.reject(
      `${path}[${filters.length - 1}].disabled`,
      `Error: ${subject} cannot be disabled by default.`,
    );
  }
  return placed.flatMap(({ instance }) => (instance === null ? [] : [instance]));
}

function compileHttpFilter(
  { name, configType, disabled }: HttpFilter,
  rules: { readonly isLast: boolean; readonly isOfUpgrade: boolean },
  context: CompileContext,
): PlacedFilter {
  const kind = 'http-filter';
  if (configType.case === 'configDiscovery') {
    return placeDiscovered(configType.value, { name, kind, ...rules, disabled }, context);
  }
  const slot = filterSlot(kind, name, context.environment);
  const typedConfig = typedConfigOf(configType);
  const found = compileExtension({ ...slot, typedConfig }, context);
  return placeFilter(name, found as FoundExtension<FilterDefinition> | null, disabled);
}
