// What to say of a field that a message does not have: most are misspelt or indented wrongly.
import type { DescMessage } from '@bufbuild/protobuf';
import type { Scope } from './scope.ts';
import { suggest } from './suggest.ts';

/** Why `key` is refused, with the likeliest thing that was meant. */
export function unknownFieldReason(key: string, scope: Scope): string {
  const reason = `unknown field '${key}' in ${scope.schema.typeName}`;
  if (key === '<<') return `${reason}; YAML merge keys are not supported, write the fields out`;
  const hint = around(key, scope.parent) ?? inside(key, scope.schema) ?? similar(key, scope.schema);
  return hint === null ? reason : `${reason}; ${hint}`;
}

function has(schema: DescMessage, key: string): boolean {
  return schema.fields.some((field) => field.name === key || field.jsonName === key);
}

function around(key: string, scope: Scope | null): string | null {
  for (let outer = scope; outer !== null; outer = outer.parent) {
    if (has(outer.schema, key)) {
      return `it is a field of the enclosing ${outer.schema.typeName}: check the indentation`;
    }
  }
  return null;
}

function inside(key: string, schema: DescMessage): string | null {
  for (const field of schema.fields) {
    if (field.fieldKind === 'message' && has(field.message, key)) {
      return `it is a field of ${field.message.typeName}: did you mean to put it under '${field.name}'?`;
    }
  }
  return null;
}

function similar(key: string, schema: DescMessage): string | null {
  const names = schema.fields.map((field) => field.name);
  const near = suggest(key, names) ?? longer(key, names);
  return near === null ? null : `did you mean '${near}'?`;
}

/** The only field whose name ends in `_key`: `config` for `typed_config`. */
function longer(key: string, names: readonly string[]): string | null {
  const found = names.filter((name) => name.endsWith(`_${key}`));
  return found.length === 1 ? (found[0] ?? null) : null;
}
