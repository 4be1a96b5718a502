// Filters that are accepted and do nothing, as definitions: chains do without them.
import { isFieldSet, type Message } from '@bufbuild/protobuf';
import { apiRegistry } from '../api/registry.ts';
import { passedThroughIn } from '../config/schema/passed-through.ts';
import type { CompileContext, FilterDefinition } from '../model/extension.ts';

/** The filters of one of Envoy's categories that have no effect: `envoy.filters.http`. */
export function passedThroughFilters(category: string): readonly FilterDefinition[] {
  return passedThroughIn(category).map(({ name, typeName, refusedFields }) => {
    const schema = apiRegistry.getMessage(typeName);
    if (schema === undefined) throw new Error(`${typeName} has no descriptor`);
    const compile = (message: Message, context: CompileContext): object | null => {
      for (const field of schema.fields) {
        const reason = refusedFields?.[field.name];
        if (reason === undefined || !isFieldSet(message, field)) continue;
        context.reject(field.name, `'${field.name}' is not supported: ${reason}`);
      }
      return context.failed ? null : NOTHING;
    };
    return { name, schema, support: {}, isTerminal: false, passedThroughIn: category, compile };
  });
}

const NOTHING = Object.freeze({});
