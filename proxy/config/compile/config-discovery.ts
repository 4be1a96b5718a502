// core.v3.ExtensionConfigSource: a filter whose configuration a server or a file tells.
import {
  type ExtensionConfigSource,
  ExtensionConfigSourceSchema,
} from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import { TypedExtensionConfigSchema } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import type { FilterKind, FilterRef } from '../../model/config-source.ts';
import { misfitOf, wrongType } from '../../model/discovered-filter.ts';
import type {
  CompileContext,
  FilterDefinition,
  FilterDiscovery,
  ToldFilter,
} from '../../model/extension.ts';
import { typeNameOf } from '../schema/any.ts';
import { typeIn } from '../schema/open-any.ts';
import { refusedTypeReason } from '../schema/refused-types.ts';
import { compileConfigSource, refuseFederatedName } from './config-source.ts';
import { compileExtension } from './extension-lookup.ts';
import { type FilterSlot, filterSlot } from './filter-slots.ts';
import type { PlacedFilter } from './terminal-filter.ts';

const FILTER_URL = `type.googleapis.com/${TypedExtensionConfigSchema.typeName}`;

/** What a filter that is told later counts as until then. */
const UNTOLD_FILTER: FilterDefinition = Object.freeze({
  name: 'config_discovery',
  schema: ExtensionConfigSourceSchema,
  isTerminal: false,
  support: {},
  compile: () => null,
});

/** A filter whose configuration is told. */
export interface DiscoveredPlace {
  readonly name: string;
  readonly kind: FilterKind;
  /** null: no filter of this sort is terminal. */
  readonly isLast: boolean | null;
  /** See FilterRules. */
  readonly isOfUpgrade?: boolean;
  /** HttpFilter.disabled */
  readonly disabled: boolean;
}

/** The filter, and nothing but rejections where it cannot be used; `context` is the filter's. */
export function placeDiscovered(
  message: ExtensionConfigSource,
  place: DiscoveredPlace,
  context: CompileContext,
): PlacedFilter {
  const { name, disabled } = place;
  refuseFederatedName(name, 'name', context);
  const discovery = compileDiscovery(message, place, context.at('config_discovery'));
  const untold = { name, definition: UNTOLD_FILTER, config: null, disabled };
  const instance = discovery === null ? null : Object.freeze({ ...untold, discovery });
  return { name, definition: null, instance };
}

function compileDiscovery(
  message: ExtensionConfigSource,
  { name, kind, isLast, isOfUpgrade = false }: DiscoveredPlace,
  at: CompileContext,
): FilterDiscovery | null {
  const slot = filterSlot(kind, name, at.environment);
  const { configSource, applyDefaultConfigWithoutWarming: atOnce } = message;
  if (atOnce && message.defaultConfig === undefined) {
    const reason = `Error: filter config ${name} applied without warming but has no default config.`;
    at.reject('apply_default_config_without_warming', `${reason} Give it a default_config`);
  }
  for (const [index, url] of message.typeUrls.entries()) {
    checkType(typeNameOf(url), slot, at.at(`type_urls[${index}]`));
  }
  const source =
    configSource === undefined
      ? null
      : compileConfigSource(configSource, FILTER_URL, at.at('config_source'));
  if (source === null) return null;
  const typeNames = message.typeUrls.map(typeNameOf);
  const rules = Object.freeze({ typeNames, isLast, ...(isOfUpgrade && { isOfUpgrade }) });
  const key = `${kind} ${source.key}/${name}`;
  const ref: FilterRef = { kind, key, name, source, rules, isAwaited: !atOnce };
  const fallback = compileDefault(message, { ...slot, ref }, at);
  return Object.freeze({ ref, fallback });
}

function checkType(typeName: string, place: FilterSlot, context: CompileContext): void {
  if (place.definitions.some(({ schema }) => schema.typeName === typeName)) return;
  const isKnown = apiRegistry.getMessage(typeName) !== undefined;
  if (!isKnown || !typeName.startsWith(place.typePrefix)) {
    context.reject('', `Error: no factory found for a required type URL ${typeName}.`);
    return;
  }
  const reason = refusedTypeReason(typeName) ?? 'it is not supported yet';
  context.warn('', `a configuration of type ${typeName} is refused when it comes: ${reason}`);
}

function compileDefault(
  { defaultConfig }: ExtensionConfigSource,
  place: FilterSlot & { readonly ref: FilterRef },
  context: CompileContext,
): ToldFilter | null {
  if (defaultConfig === undefined) return null;
  const wrong = wrongType(typeIn(defaultConfig), place.ref.rules);
  if (wrong !== '') {
    context.reject('default_config', wrong);
    return null;
  }
  const slot = { ...place, typedConfig: defaultConfig, field: 'default_config' };
  const found = compileExtension(slot, context);
  const reason = found === null ? '' : misfitOf(found, place.ref);
  if (reason !== '') context.reject('default_config', reason);
  return found;
}
