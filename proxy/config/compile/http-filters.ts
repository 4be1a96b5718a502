// The HTTP filters of a connection manager.
import type { HttpFilter } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext, ExtensionInstance, FilterDefinition } from '../../model/extension.ts';
import { compileExtension, typedConfigOf } from './extension-lookup.ts';
import { checkTerminalLast, type PlacedFilter, placeFilter } from './terminal-filter.ts';

/** Compiles `http_filters`; refused ones are left out. */
export function compileHttpFilters(
  filters: readonly HttpFilter[],
  context: CompileContext,
): readonly ExtensionInstance[] {
  const placed = filters.map((filter, index) =>
    compileHttpFilter(filter, context.at(`http_filters[${index}]`)),
  );
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

function compileHttpFilter(filter: HttpFilter, context: CompileContext): PlacedFilter {
  const slot = {
    name: filter.name,
    typedConfig: typedConfigOf(filter.configType),
    definitions: context.environment.extensions.httpFilters,
    category: 'HTTP filter',
    typePrefix: 'envoy.extensions.filters.http.',
  };
  const found = compileExtension<FilterDefinition>(slot, context);
  return placeFilter(filter.name, found, filter.disabled);
}
