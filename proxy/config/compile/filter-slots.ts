// Where filters of each sort are looked up, and what they are called in messages.
import type { FilterKind } from '../../model/config-source.ts';
import type {
  CompileEnvironment,
  ExtensionDefinition,
  ExtensionRegistry,
} from '../../model/extension.ts';
import type { ExtensionSlot } from './extension-lookup.ts';

/** A filter's place, without what stands in it. */
export type FilterSlot = Omit<ExtensionSlot<ExtensionDefinition>, 'typedConfig' | 'field'>;

interface FilterSort {
  readonly category: string;
  readonly typePrefix: string;
  readonly definitions: keyof ExtensionRegistry;
}

const SORTS: Readonly<Record<FilterKind, FilterSort>> = {
  'http-filter': {
    category: 'HTTP filter',
    typePrefix: 'envoy.extensions.filters.http.',
    definitions: 'httpFilters',
  },
  'network-filter': {
    category: 'network filter',
    typePrefix: 'envoy.extensions.filters.network.',
    definitions: 'networkFilters',
  },
  'listener-filter': {
    category: 'listener filter',
    typePrefix: 'envoy.extensions.filters.listener.',
    definitions: 'listenerFilters',
  },
};

/** The place of a filter that its author calls `name`. */
export function filterSlot(
  kind: FilterKind,
  name: string,
  { extensions }: CompileEnvironment,
): FilterSlot {
  const { category, typePrefix, definitions } = SORTS[kind];
  return { name, category, typePrefix, definitions: extensions[definitions] };
}
