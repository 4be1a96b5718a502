// Header work of one level (weighted entry, route, virtual host or table) on one message.
import type { FormatContext } from '../formatter/formatter.ts';
import type { HeaderList } from '../http/header-list.ts';
import type { HeaderValueConfig, MessageMutations } from '../model/header-mutations.ts';

/** One value to append. */
interface Addition {
  readonly name: string;
  readonly action: HeaderValueConfig['action'];
  readonly value: HeaderValueConfig['value'];
  readonly keepsEmpty: boolean;
  /** The field has one line, which the value joins. */
  readonly isSingleLine: boolean;
}

/** The work of one level, compiled. */
export class HeaderMutator {
  readonly #removals: readonly string[];
  readonly #entries: readonly Addition[];

  /** `singleLine` names the fields that never get a second line. */
  constructor(mutations: MessageMutations, singleLine: ReadonlySet<string>) {
    this.#removals = mutations.remove;
    this.#entries = mutations.set.map(({ name, action, value, keepEmptyValue }) => ({
      ...{ name, action, value },
      keepsEmpty: keepEmptyValue,
      isSingleLine: singleLine.has(name),
    }));
  }

  /**
   * Removals, then overwrites, then additions, whatever the order of the configuration. Every value
   * is made before the first is written, so that formats read the fields as the level found them
   * (its removals done).
   */
  apply(headers: HeaderList, context: FormatContext): void {
    for (const name of this.#removals) headers.remove(name);
    const entries = this.#entries;
    if (entries.length === 0) return;
    const values = entries.map((entry) => valueToWrite(entry, headers, context));
    for (let index = 0; index < entries.length; index += 1) {
      const value = values[index]!;
      const { name, action } = entries[index]!;
      if (value !== null && isOverwrite(action)) headers.set(name, value);
    }
    for (let index = 0; index < entries.length; index += 1) {
      const value = values[index]!;
      const entry = entries[index]!;
      if (value !== null && !isOverwrite(entry.action)) append(entry, value, headers);
    }
  }
}

/** The value, or null when the field is to stay as it is. */
function valueToWrite(entry: Addition, headers: HeaderList, context: FormatContext): string | null {
  const { action, name } = entry;
  if (action === 'add-if-absent' && headers.getByName(name) !== null) return null;
  if (action === 'overwrite-if-exists' && headers.getByName(name) === null) return null;
  const value = entry.value.format(context);
  return value === '' && !entry.keepsEmpty ? null : value;
}

function isOverwrite(action: HeaderValueConfig['action']): boolean {
  return action === 'overwrite' || action === 'overwrite-if-exists';
}

function append({ name, isSingleLine }: Addition, value: string, headers: HeaderList): void {
  if (isSingleLine) joinField(headers, name, value);
  else headers.add(name, value);
}

/** Appends to a field that is never to have a second line. */
export function joinField(headers: HeaderList, name: string, value: string): void {
  const lines = headers.values(name);
  if (lines.length === 0) headers.add(name, value);
  else headers.set(name, [...lines, value].filter((text) => text !== '').join(','));
}
