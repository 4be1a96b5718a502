// The rule on chains of filters: the last one, and no other, is terminal.
import type { CompileContext, ExtensionInstance, FilterDefinition } from '../../model/extension.ts';
import type { FoundExtension } from './extension-lookup.ts';

/** A filter at its place in a chain; definition and instance are null when it was refused. */
export interface PlacedFilter {
  readonly name: string;
  readonly definition: FilterDefinition | null;
  readonly instance: ExtensionInstance | null;
}

/** A filter with what its look-up found, null for nothing. */
export function placeFilter(
  name: string,
  found: FoundExtension<FilterDefinition> | null,
  disabled: boolean,
): PlacedFilter {
  if (found === null) return { name, definition: null, instance: null };
  const { definition, config } = found;
  if (definition.passedThroughIn !== undefined) return { name, definition, instance: null };
  return { name, definition, instance: Object.freeze({ name, definition, config, disabled }) };
}

/** Refuses a chain whose last filter is not terminal, or that goes on behind a terminal one. */
export function checkTerminalLast(
  filters: readonly PlacedFilter[],
  place: { readonly chain: 'network' | 'http' | 'http upgrade'; readonly path: string },
  context: CompileContext,
): void {
  filters.forEach(({ name, definition }, index) => {
    if (definition === null) return;
    const isLast = index === filters.length - 1;
    if (definition.isTerminal === isLast) return;
    const at = `${place.path}[${index}]`;
    const rest = `filter named ${name} of type ${definition.name}`;
    const chain = `${place.chain} filter chain.`;
    if (isLast) context.reject(at, `Error: non-terminal ${rest} is the last filter in a ${chain}`);
    else context.reject(at, `Error: terminal ${rest} must be the last filter in a ${chain}`);
  });
}
