// Checks a resource that did not come with the bootstrap: the rules of its proto, and that nothing
// in it would be without effect.
import type { Message } from '@bufbuild/protobuf';
import { apiRegistry } from '../api/registry.ts';
import type { Warning } from '../base/result.ts';
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
  noteIneffective(message.$typeName, checked.warnings);
  if (checked.ok) return '';
  return checked.rejections.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
}

/** Reasons that were noted before, and where each of the new ones was found first. */
const known = new Set<string>();
let untold: string[] = [];

/** A field that occurs a thousand times is told once a process: the reason names it. */
function noteIneffective(typeName: string, warnings: readonly Warning[]): void {
  for (const { path, reason } of warnings) {
    if (!reason.includes(' has no effect: ') || known.has(reason)) continue;
    known.add(reason);
    untold.push(`${typeName} ${path}: ${reason}`);
  }
}

/** Fields that were accepted without effect and that nobody was told of yet. */
export function takeIneffective(): readonly string[] {
  const taken = untold;
  untold = [];
  return taken;
}
