// The way of every resource from outside into the program: JSON value or decoded message, checked
// against its descriptor, its rules and the support tables, with all problems at once.
import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Warning } from '../../base/result.ts';
import type { OpenedAny } from './any.ts';
import { decodeMessage } from './decode-message.ts';
import { type Problem, ProblemWalk } from './problems.ts';
import { checkSupport, type SupportTables } from './support.ts';
import { validateRules } from './validate-message.ts';

/** How a resource is checked. */
export interface CheckOptions {
  /** null: fields are not checked for support. */
  readonly support: SupportTables | null;
  /** What paths start with; '' for the resource itself. */
  readonly path: string;
}

/** A checked resource, or everything that is wrong with it. */
export type DecodedResource =
  | { readonly ok: true; readonly message: Message; readonly warnings: readonly Warning[] }
  | {
      readonly ok: false;
      /** What could be decoded; for looking at, not for use. */
      readonly message: Message;
      readonly rejections: readonly Problem[];
      readonly warnings: readonly Warning[];
    };

/** Decodes a JSON value and checks it. Never throws, whatever the value. */
export function decodeResource(
  value: unknown,
  schema: DescMessage,
  options: CheckOptions,
): DecodedResource {
  const decoding = new ProblemWalk(options.path);
  const message = decodeMessage(schema, value, decoding);
  return checkDecoded({ schema, message }, options, decoding);
}

/** Checks a message that arrived decoded, as from an xDS stream. */
export function validateMessage(
  message: Message,
  schema: DescMessage,
  options: CheckOptions,
): DecodedResource {
  return checkDecoded({ schema, message }, options, new ProblemWalk(options.path));
}

/** Checks a message of which `decoding` already knows some problems. */
export function checkDecoded(
  content: OpenedAny,
  options: CheckOptions,
  decoding: Pick<ProblemWalk, 'rejections' | 'warnings'>,
): DecodedResource {
  const { schema, message } = content;
  const rules = new ProblemWalk(options.path);
  validateRules(schema, message, rules);
  const support = new ProblemWalk(options.path);
  if (options.support !== null) {
    checkSupport(schema, message, { tables: options.support, walk: support });
  }
  const broken = rules.rejections.filter((it) => !isConsequence(it, decoding.rejections));
  return outcome(
    message,
    [...decoding.rejections, ...broken, ...support.rejections],
    [...decoding.warnings, ...rules.warnings, ...support.warnings],
  );
}

function outcome(
  message: Message,
  rejections: readonly Problem[],
  warnings: readonly Warning[],
): DecodedResource {
  if (rejections.length === 0) return { ok: true, message, warnings };
  return { ok: false, message, rejections, warnings };
}

/**
 * True when a fault was likely found only because something in the same message was refused before:
 * a misspelt field is missing under its right name, and saying both helps nobody.
 */
export function isConsequence(
  broken: Pick<Problem, 'path'>,
  undecoded: readonly Pick<Problem, 'path'>[],
): boolean {
  const parent = parentPath(broken.path);
  return undecoded.some(({ path }) => parentPath(path) === parent || isWithin(path, broken.path));
}

function parentPath(path: string): string {
  const end = Math.max(path.lastIndexOf('.'), path.lastIndexOf('['));
  return end < 0 ? '' : path.slice(0, end);
}

/** True when `path` is `ancestor` or below it. */
export function isWithin(path: string, ancestor: string): boolean {
  if (ancestor === '' || path === ancestor) return true;
  if (!path.startsWith(ancestor)) return false;
  const next = path[ancestor.length];
  return next === '.' || next === '[';
}
