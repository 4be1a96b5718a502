// typed_per_filter_config: what a route table, virtual host, route or weighted cluster says to the
// HTTP filters of the chain, by the name that the chain gives them.
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type FilterConfig,
  FilterConfigSchema,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import {
  type CompileContext,
  type FilterDefinition,
  NO_PER_FILTER_CONFIG,
  type PerFilterConfig,
  type PerFilterConfigs,
} from '../../model/extension.ts';
import { joinPath } from '../schema/compile-context.ts';
import { typeIn } from '../schema/open-any.ts';
import { unpack } from './extension-lookup.ts';

/** A message with the field. */
interface ConfiguresFilters {
  readonly typedPerFilterConfig: Readonly<Record<string, Any>>;
}

/** The compiled entries; refused ones are left out. */
export function compilePerFilterConfig(
  message: ConfiguresFilters,
  context: CompileContext,
): PerFilterConfigs {
  const entries = Object.entries(message.typedPerFilterConfig);
  if (entries.length === 0) return NO_PER_FILTER_CONFIG;
  const compiled = new Map<string, PerFilterConfig>();
  for (const [name, any] of entries) {
    const entry = compileEntry({ name, any }, context.at(perFilterPath(name)));
    if (entry !== null) compiled.set(name, entry);
  }
  return compiled;
}

/** Path of the entry with this name below the message that has it. */
export function perFilterPath(name: string): string {
  return joinPath('typed_per_filter_config', `["${name.replace(/["\\]/g, '\\$&')}"]`);
}

/** What stands under one name. */
interface Entry {
  readonly name: string;
  readonly any: Any;
}

function compileEntry({ name, any }: Entry, context: CompileContext): PerFilterConfig | null {
  if (typeIn(any) !== FilterConfigSchema.typeName) {
    return compileConfig({ name, any }, context);
  }
  const message = unpack(any, context, '');
  return message === null ? null : compileWrapper(name, message as FilterConfig, context);
}

/** config.route.v3.FilterConfig: a configuration with switches, or a switch alone. */
function compileWrapper(
  name: string,
  { config, disabled, isOptional }: FilterConfig,
  context: CompileContext,
): PerFilterConfig | null {
  const onlySwitches: PerFilterConfig = Object.freeze({ definition: null, config: null, disabled });
  if (disabled) return onlySwitches;
  if (config === undefined) {
    const text = `Empty route/virtual host per filter configuration for ${name} filter`;
    context.reject('', `${text}: \`config: {}\` switches it on as it is`);
    return null;
  }
  // Envoy: one that says nothing switches the filter on.
  if (config.typeUrl === '') return onlySwitches;
  const isKnown = definitionOf(config, context) !== null;
  if (isOptional && !isKnown) return onlySwitches;
  return compileConfig({ name, any: config }, context.at('config'));
}

function compileConfig({ name, any }: Entry, context: CompileContext): PerFilterConfig | null {
  const definition = definitionOf(any, context);
  if (definition?.perRoute === undefined) {
    const text = `Didn't find a registered implementation for '${name}' with type URL: '${typeIn(any)}'`;
    context.reject('', `${text}: no HTTP filter takes this type from a route`);
    return null;
  }
  const message = unpack(any, context, '');
  if (message === null) return null;
  const config = definition.perRoute.compile(message, context);
  return config === null ? null : Object.freeze({ definition, config, disabled: false });
}

function definitionOf(any: Any, { environment }: CompileContext): FilterDefinition | null {
  const typeName = typeIn(any);
  const { httpFilters } = environment.extensions;
  return httpFilters.find(({ perRoute }) => perRoute?.schema.typeName === typeName) ?? null;
}
