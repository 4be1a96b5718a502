// Checks a resource that did not come with the bootstrap: the rules of its proto, and that nothing
// in it would be without effect.
import type { Message } from '@bufbuild/protobuf';
import { apiRegistry } from '../api/registry.ts';
import { CORE_SUPPORT } from '../config/compile/support/core-support.ts';
import { validateMessage } from '../config/schema/decode-resource.ts';
import { allSupport, type SupportTables } from '../config/schema/support.ts';
import { EXTENSIONS } from '../filters/extensions.ts';

let tables: SupportTables | null = null;

/** Every problem as `path: reason`, joined with `; `; '' when there is none. */
export function checkMessage(message: Message): string {
  const schema = apiRegistry.getMessage(message.$typeName);
  if (schema === undefined) return `${message.$typeName} is not known`;
  tables ??= allSupport(CORE_SUPPORT, EXTENSIONS);
  const checked = validateMessage(message, schema, { support: tables, path: '' });
  if (checked.ok) return '';
  return checked.rejections.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
}
