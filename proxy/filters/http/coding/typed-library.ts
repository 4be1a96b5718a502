// Finds the compressor_library or decompressor_library that a filter names, by its type.
import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { TypedExtensionConfig } from '../../../api/gen/envoy/config/core/v3/extension_pb.js';
import { compileExtension } from '../../../config/compile/extension-lookup.ts';
import type {
  CompileContext,
  ExtensionDefinition,
  SupportTable,
} from '../../../model/extension.ts';

/** One library as an extension. */
export interface LibraryDefinition<M extends Message, L> {
  readonly name: string;
  readonly schema: DescMessage;
  readonly support: SupportTable;
  compile(message: M, context: CompileContext): L | null;
}

/** What is told of a place where a library is named. */
export interface LibrarySlot {
  /** Of the field: `compressor_library`. */
  readonly path: string;
  readonly definitions: readonly LibraryDefinition<never, unknown>[];
  /** `compression library`, as problems call it. */
  readonly category: string;
}

/** The library with its options; null and a rejection when there is none such. */
export function compileLibrary<L>(
  config: TypedExtensionConfig | undefined,
  slot: LibrarySlot,
  context: CompileContext,
): L | null {
  const found = compileExtension<ExtensionDefinition>(
    {
      name: config?.name ?? '',
      typedConfig: config?.typedConfig,
      definitions: slot.definitions as unknown as readonly ExtensionDefinition[],
      category: slot.category,
      typePrefix: 'envoy.extensions.compression.',
    },
    context.at(slot.path),
  );
  return found === null ? null : (found.config as L);
}

/** Support tables of all libraries, by type name. */
export function librarySupport(
  definitions: readonly LibraryDefinition<never, unknown>[],
): Readonly<Record<string, SupportTable>> {
  return Object.fromEntries(
    definitions.map(({ schema, support }) => [schema.typeName, support] as const),
  );
}
