// What the configuration of a filter that servers and files tell has to be to fit where it is wanted.
import type { DiscoveredRef, FilterKind, FilterRef, FilterRules } from './config-source.ts';
import type { ExtensionDefinition, FilterDefinition, ToldFilter } from './extension.ts';

/** What Envoy calls each sort of filter in statistics. */
export const FILTER_KINDS: Readonly<Record<FilterKind, string>> = Object.freeze({
  'http-filter': 'http_filter',
  'network-filter': 'network_filter',
  'listener-filter': 'tcp_listener_filter',
});

/** True for a reference to a filter's configuration. */
export function isFilterRef(ref: DiscoveredRef): ref is FilterRef {
  return ref.kind in FILTER_KINDS;
}

/** Why a configuration of this type does not fit, in Envoy's words; '' : it does. */
export function wrongType(typeName: string, { typeNames }: FilterRules): string {
  if (typeNames.includes(typeName)) return '';
  return `Error: filter config has type URL ${typeName} but expect ${typeNames.join(', ')}.`;
}

/**
 * Why a configuration of this type does not fit where `ref` refers to it, in Envoy's words; '' : it
 * does, or nobody has a filter for it.
 */
export function misfit(
  typeName: string,
  definition: ExtensionDefinition | null,
  { kind, name, rules }: FilterRef,
): string {
  const reason = wrongType(typeName, rules);
  if (reason !== '' || rules.isLast === null || definition === null) return reason;
  const { isTerminal, name: type } = definition as FilterDefinition;
  if (isTerminal === rules.isLast) return '';
  const which = `filter named ${name} of type ${type}`;
  const http = rules.isOfUpgrade === true ? 'http upgrade' : 'http';
  const chain = `${kind === 'http-filter' ? http : 'network'} filter chain.`;
  if (rules.isLast) return `Error: non-terminal ${which} is the last filter in a ${chain}`;
  return `Error: terminal ${which} must be the last filter in a ${chain}`;
}

/** The same of a filter that is there. */
export function misfitOf({ definition }: ToldFilter, ref: FilterRef): string {
  return misfit(definition.schema.typeName, definition, ref);
}
