// The HTTP filters of a connection manager.
import type { HttpFilter } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext, ExtensionInstance, FilterDefinition } from '../../model/extension.ts';
import { placeDiscovered } from './config-discovery.ts';
import { compileExtension, type FoundExtension, typedConfigOf } from './extension-lookup.ts';
import { filterSlot } from './filter-slots.ts';
import { checkTerminalLast, type PlacedFilter, placeFilter } from './terminal-filter.ts';

/** Compiles `http_filters`; refused ones are left out. */
export function compileHttpFilters(
  filters: readonly HttpFilter[],
  context: CompileContext,
): readonly ExtensionInstance[] {
  const placed = filters.map((filter, index) => {
    const isLast = index === filters.length - 1;
    return compileHttpFilter(filter, isLast, context.at(`http_filters[${index}]`));
  });
  if (filters.length === 0) {
    const advice = 'add envoy.filters.http.router as the last one';
    context.warn('http_filters', `without filters no request is ever answered: ${advice}`);
  }
  checkTerminalLast(placed, { chain: 'http', path: 'http_filters' }, context);
  const last = filters.at(-1);
  if (last?.disabled === true) {
    const subject = `the last (terminal) filter (${last.name}) in the chain`;
    context.reject(
      `http_filters[${filters.length - 1}].disabled`,
      `Error: ${subject} cannot be disabled by default.`,
    );
  }
  return placed.flatMap(({ instance }) => (instance === null ? [] : [instance]));
}

function compileHttpFilter(
  { name, configType, disabled }: HttpFilter,
  isLast: boolean,
  context: CompileContext,
): PlacedFilter {
  const kind = 'http-filter';
  if (configType.case === 'configDiscovery') {
    return placeDiscovered(configType.value, { name, kind, isLast, disabled }, context);
  }
  const slot = filterSlot(kind, name, context.environment);
  const typedConfig = typedConfigOf(configType);
  const found = compileExtension({ ...slot, typedConfig }, context);
  return placeFilter(name, found as FoundExtension<FilterDefinition> | null, disabled);
}
