// Finds what a typed configuration asks for by its type URL, and has it compiled.
import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { apiRegistry } from '../../api/registry.ts';
import type {
  CompileContext,
  ExtensionDefinition,
  FilterDefinition,
} from '../../model/extension.ts';
import { openAny, typeIn } from '../schema/open-any.ts';
import { refusedTypeReason } from '../schema/refused-types.ts';
import { notePassedThrough } from './passed-through.ts';

/** A place where one extension of a category is configured. */
export interface ExtensionSlot<D extends ExtensionDefinition> {
  readonly name: string;
  /** Absent when the author wrote a name only. */
  readonly typedConfig: Any | undefined;
  readonly definitions: readonly D[];
  /** What a definition is called in messages: `HTTP filter`, `access logger`. */
  readonly category: string;
  /** How names of types of this category begin: `envoy.extensions.filters.http.`. */
  readonly typePrefix: string;
  /** The field that `typedConfig` is; absent: typed_config. */
  readonly field?: string;
}

/** A definition with its compiled configuration. */
export interface FoundExtension<D extends ExtensionDefinition> {
  readonly definition: D;
  readonly config: unknown;
}

/** The typed_config of a filter; undefined when it is configured in another way, or not at all. */
export function typedConfigOf(configType: {
  readonly case: string | undefined;
  readonly value?: unknown;
}): Any | undefined {
  return configType.case === 'typedConfig' ? (configType.value as Any) : undefined;
}

/** The message in an Any, or null (and a rejection) when its type is unknown or its bytes are not. */
export function unpack(any: Any, context: CompileContext, path: string): Message | null {
  const content = openAny(any, apiRegistry);
  if (content !== null) return content.message;
  context.reject(path, `is not a message of type '${any.typeUrl}': check the spelling of @type`);
  return null;
}

/** The definition of an extension and its configuration; null and a rejection when there is none. */
export function compileExtension<D extends ExtensionDefinition>(
  slot: ExtensionSlot<D>,
  context: CompileContext,
): FoundExtension<D> | null {
  const { typedConfig, field = 'typed_config' } = slot;
  const typeName = typeIn(typedConfig);
  const definition = slot.definitions.find(({ schema }) => schema.typeName === typeName);
  if (definition === undefined || typedConfig === undefined) {
    context.reject(field, notFound(slot, typeName));
    return null;
  }
  const message = unpack(typedConfig, context, field);
  if (message === null) return null;
  const { passedThroughIn } = definition as Partial<FilterDefinition>;
  if (passedThroughIn !== undefined) notePassedThrough(typeName, passedThroughIn, context);
  const config = definition.compile(message, context.at(field));
  return config === null ? null : { definition, config };
}

function notFound(slot: ExtensionSlot<ExtensionDefinition>, typeName: string): string {
  const kind = slot.category;
  const envoyText = `Didn't find a registered implementation for '${slot.name}' with type URL: '${typeName}'`;
  if (typeName === '') return `${envoyText}: give the ${kind} a typed_config with an @type`;
  if (apiRegistry.getMessage(typeName) === undefined) {
    return `${envoyText}: unknown extension, check the spelling of @type`;
  }
  const refusal = refusedTypeReason(typeName);
  if (refusal !== null) return `${envoyText}: ${refusal}`;
  if (typeName.startsWith(slot.typePrefix)) {
    return `${envoyText}: this ${kind} is known but not supported yet`;
  }
  return `${envoyText}: that type configures no ${kind}`;
}
