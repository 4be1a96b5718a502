// core.v3.TypedExtensionConfig: the configuration of a filter, as a server or a file tells it.
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import type { FilterKind } from '../../model/config-source.ts';
import type { CompileContext, ToldFilter } from '../../model/extension.ts';
import { compileExtension } from './extension-lookup.ts';
import { filterSlot } from './filter-slots.ts';

/** null without rejections: it was withdrawn, which a message without a configuration says. */
export function compileDiscoveredFilter(
  { name, typedConfig }: TypedExtensionConfig,
  kind: FilterKind,
  context: CompileContext,
): ToldFilter | null {
  if (typedConfig === undefined) return null;
  const slot = filterSlot(kind, name, context.environment);
  const found = compileExtension({ ...slot, typedConfig }, context);
  return found === null ? null : Object.freeze(found);
}
