// Refuses what Outrigger cannot honour: every field that is set must be in its message's support
// table, so that nothing a user wrote is silently without effect.
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any } from '@bufbuild/protobuf/wkt';
import { apiRegistry } from '../../api/registry.ts';
import type { ExtensionRegistry, FilterDefinition, SupportTable } from '../../model/extension.ts';
import { openAny, typeIn } from './open-any.ts';
import { isPassedThrough } from './passed-through.ts';
import type { ProblemWalk } from './problems.ts';
import { refusedTypeReason } from './refused-types.ts';

/** Support tables by full type name. */
export type SupportTables = Readonly<Record<string, SupportTable>>;

/** The tables of the core messages and of all extensions as one. */
export function allSupport(core: SupportTables, extensions: ExtensionRegistry): SupportTables {
  const tables: Record<string, SupportTable> = { ...core };
  for (const category of Object.values(extensions)) {
    for (const definition of category as readonly Partial<FilterDefinition>[]) {
      Object.assign(tables, definition.support, definition.perRoute?.support);
    }
  }
  return tables;
}

/** Refuses each field that is set in `message`, at any depth, and that no table lists. */
export function checkSupport(
  schema: DescMessage,
  message: Message,
  run: { readonly tables: SupportTables; readonly walk: ProblemWalk },
): void {
  new SupportCheck(run.tables, run.walk).message(reflect(schema, message));
}

class SupportCheck {
  readonly #tables: SupportTables;
  readonly #walk: ProblemWalk;

  constructor(tables: SupportTables, walk: ProblemWalk) {
    this.#tables = tables;
    this.#walk = walk;
  }

  message(message: ReflectMessage): void {
    const { typeName } = message.desc;
    if (typeName === 'google.protobuf.Any') this.#any(message.message as Any);
    if (typeName.startsWith('google.protobuf.')) return;
    const table = this.#table(typeName);
    for (const field of message.fields) {
      if (!message.isSet(field)) continue;
      this.#walk.push(field.name);
      this.#field(message, field, table);
      this.#walk.pop();
    }
  }

  #table(typeName: string): SupportTable | null {
    return Object.hasOwn(this.#tables, typeName) ? (this.#tables[typeName] ?? null) : null;
  }

  #field(message: ReflectMessage, field: DescField, table: SupportTable | null): void {
    const support = table !== null && Object.hasOwn(table, field.name) ? table[field.name] : null;
    if (support === undefined || support === null) {
      this.#walk.reject(`'${field.name}' is a field of Envoy that Outrigger does not support yet`);
      return;
    }
    if (typeof support === 'object' && 'refused' in support) {
      this.#walk.reject(`'${field.name}' is not supported: ${support.refused}`);
      return;
    }
    if (typeof support === 'object' && 'passedThrough' in support) return;
    if (typeof support === 'object' && 'accepted' in support) {
      // What has no effect needs no support inside of it either.
      this.#walk.warn(`'${field.name}' has no effect: ${support.accepted}`);
      return;
    }
    this.#inside(message, field);
  }

  #inside(message: ReflectMessage, field: DescField): void {
    if (field.message === undefined) return;
    switch (field.fieldKind) {
      case 'message':
        this.message(message.get(field));
        break;
      case 'list':
        this.#list([...message.get(field)] as ReflectMessage[]);
        break;
      case 'map':
        this.#map(message.get(field) as ReadonlyMap<unknown, ReflectMessage>);
        break;
      default:
    }
  }

  #list(items: readonly ReflectMessage[]): void {
    items.forEach((item, index) => {
      this.#walk.push(index);
      this.message(item);
      this.#walk.pop();
    });
  }

  #map(map: ReadonlyMap<unknown, ReflectMessage>): void {
    for (const [key, item] of map) {
      this.#walk.pushKey(String(key));
      this.message(item);
      this.#walk.pop();
    }
  }

  #any(any: Any): void {
    const name = typeIn(any);
    if (name === '' || name.startsWith('google.protobuf.')) return;
    const refusal = refusedTypeReason(name);
    if (refusal !== null) {
      this.#walk.reject(`'${name}' is not supported: ${refusal}`);
      return;
    }
    // Whether it may stand in this place, the compiler says.
    if (isPassedThrough(name)) return;
    if (this.#table(name) === null) {
      this.#walk.reject(`'${name}' is an extension of Envoy that Outrigger does not support yet`);
      return;
    }
    const content = openAny(any, apiRegistry);
    if (content !== null) this.message(reflect(content.schema, content.message));
  }
}
