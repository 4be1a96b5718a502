// Header work of one level (weighted entry, route, virtual host or table) on one message.
import type { FormatContext } from '../formatter/formatter.ts';
import type { HeaderList } from '../http/header-list.ts';
import type { HeaderValueConfig, MessageMutations } from '../model/route.ts';

/**
 * Applies the level's work: removals, then overwrites, then additions, whatever the order of the
 * configuration. Every value is made before the first is written, so that formats read the fields
 * as the level found them (its removals done).
 */
export function applyMutations(
  mutations: MessageMutations,
  headers: HeaderList,
  context: FormatContext,
): void {
  for (const name of mutations.remove) headers.remove(name);
  const { set } = mutations;
  if (set.length === 0) return;
  const values = set.map((entry) => valueToWrite(entry, headers, context));
  for (let index = 0; index < set.length; index += 1) {
    const value = values[index];
    const { name, action } = set[index]!;
    if (value != null && isOverwrite(action)) headers.set(name, value);
  }
  for (let index = 0; index < set.length; index += 1) {
    const value = values[index];
    const { name, action } = set[index]!;
    if (value != null && !isOverwrite(action)) headers.add(name, value);
  }
}

/** The value, or null when the field is to stay as it is. */
function valueToWrite(
  entry: HeaderValueConfig,
  headers: HeaderList,
  context: FormatContext,
): string | null {
  const { action, name } = entry;
  if (action === 'add-if-absent' && headers.getByName(name) !== null) return null;
  if (action === 'overwrite-if-exists' && headers.getByName(name) === null) return null;
  const value = entry.value.format(context);
  return value === '' && !entry.keepEmptyValue ? null : value;
}

function isOverwrite(action: HeaderValueConfig['action']): boolean {
  return action === 'overwrite' || action === 'overwrite-if-exists';
}
