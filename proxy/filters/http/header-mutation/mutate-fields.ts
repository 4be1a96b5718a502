// Field mutations on one message, each seeing what those before it did.
import type { FormatContext } from '../../../formatter/formatter.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { HeaderValueConfig } from '../../../model/header-mutations.ts';
import { matchesString } from '../../../model/match-value.ts';
import type { StringMatchConfig } from '../../../model/route-match.ts';
import { joinField } from '../../../routing/header-mutator.ts';
import {
  SINGLE_LINE_IN_REQUESTS,
  SINGLE_LINE_IN_RESPONSES,
} from '../../../routing/single-line-fields.ts';
import type { FieldMutation } from './mutation-set.ts';

const NO_FIELDS: ReadonlySet<string> = new Set();
const PSEUDO_FIELDS = [':method', ':path', ':authority', ':scheme'];

/** A message's fields. */
export interface MutableMessage {
  readonly headers: HeaderList;
  /** null: trailers. */
  readonly head: RequestHead | ResponseHead | null;
}

/** Applies the mutations in order. */
export function mutateFields(
  mutations: readonly FieldMutation[],
  message: MutableMessage,
  context: FormatContext,
): void {
  for (const mutation of mutations) {
    if (mutation.kind === 'append') writeField(mutation.option, message, context);
    else if (mutation.kind === 'remove') removeField(mutation.name, message);
    else removeMatching(mutation.match, message);
  }
}

function writeField(
  { name, value, action, keepEmptyValue }: HeaderValueConfig,
  message: MutableMessage,
  context: FormatContext,
): void {
  const text = value.format(context);
  if (text === '' && !keepEmptyValue) return;
  const { headers } = message;
  if (action === 'add-if-absent' && headers.getByName(name) !== null) return;
  if (action === 'overwrite-if-exists' && headers.getByName(name) === null) return;
  if (action === 'overwrite' || action === 'overwrite-if-exists') headers.set(name, text);
  else if (singleLineFields(message.head).has(name)) joinField(headers, name, text);
  else headers.add(name, text);
}

function removeField(name: string, message: MutableMessage): void {
  if (name.startsWith(':') || name === 'host') removePseudoField(name, message);
  else message.headers.remove(name);
}

function removeMatching(match: StringMatchConfig, message: MutableMessage): void {
  const { headers } = message;
  const names = new Set<string>();
  for (let index = 0; index < headers.length; index += 1) names.add(headers.nameAt(index));
  // The empty name is that of what was removed before.
  for (const name of names) if (name !== '' && matchesString(match, name)) headers.remove(name);
  for (const name of PSEUDO_FIELDS)
    if (matchesString(match, name)) removePseudoField(name, message);
}

function singleLineFields(head: MutableMessage['head']): ReadonlySet<string> {
  if (head instanceof RequestHead) return SINGLE_LINE_IN_REQUESTS;
  return head instanceof ResponseHead ? SINGLE_LINE_IN_RESPONSES : NO_FIELDS;
}

/** The filter answers for what cannot be sent then. A response keeps its status. */
function removePseudoField(name: string, { head }: MutableMessage): void {
  if (!(head instanceof RequestHead)) return;
  if (name === ':method') head.method = '';
  else if (name === ':path') head.path = '';
  else if (name === ':scheme') head.scheme = '';
  else if (name === ':authority' || name === 'host') head.authority = '';
}
