// Evaluates matcher trees as Envoy does: first match in a list, exact key, or longest prefix whose
// subtree decides.
import type { RequestHead } from '../http/message.ts';
import { joinedRequestField } from '../http/request-field.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { filterStateText } from './filter-state-text.ts';
import type {
  MatchInputConfig,
  MatchPredicateConfig,
  MatchTreeConfig,
  OnMatchConfig,
} from './match-tree.ts';
import { matchesString } from './match-value.ts';

/** What a tree reads. */
export interface MatchSubject {
  /** null: a connection, whatever it carries. */
  readonly head: RequestHead | null;
  readonly info: StreamInfo;
}

/** The decision of a tree; null: none. */
export function walkMatchTree<A>(tree: MatchTreeConfig<A>, subject: MatchSubject): A | null {
  const matched = tree.kind === 'list' ? walkList(tree.entries, subject) : walkMap(tree, subject);
  return matched ?? decide(tree.onNoMatch, subject);
}

function walkList<A>(
  entries: Extract<MatchTreeConfig<A>, { kind: 'list' }>['entries'],
  subject: MatchSubject,
): A | null {
  for (const { predicate, onMatch } of entries) {
    const decision = holds(predicate, subject) ? decide(onMatch, subject) : null;
    if (decision !== null) return decision;
  }
  return null;
}

function walkMap<A>(
  tree: Exclude<MatchTreeConfig<A>, { kind: 'list' }>,
  subject: MatchSubject,
): A | null {
  const value = readInput(tree.input, subject);
  if (value === null) return null;
  if (tree.kind === 'exact') return decide(tree.entries.get(value) ?? null, subject);
  for (const [prefix, onMatch] of tree.entries) {
    const decision = value.startsWith(prefix) ? decide(onMatch, subject) : null;
    if (decision !== null) return decision;
  }
  return null;
}

function decide<A>(onMatch: OnMatchConfig<A> | null, subject: MatchSubject): A | null {
  if (onMatch === null) return null;
  return onMatch.kind === 'action' ? onMatch.action : walkMatchTree(onMatch.tree, subject);
}

function holds(predicate: MatchPredicateConfig, subject: MatchSubject): boolean {
  switch (predicate.kind) {
    case 'single': {
      const value = readInput(predicate.input, subject);
      return value !== null && matchesString(predicate.match, value);
    }
    case 'and':
      return predicate.predicates.every((each) => holds(each, subject));
    case 'or':
      return predicate.predicates.some((each) => holds(each, subject));
    case 'not':
      return !holds(predicate.predicate, subject);
  }
}

function readInput(input: MatchInputConfig, { head, info }: MatchSubject): string | null {
  if (input.kind === 'filter-state') return filterStateText(info, input.key);
  return head === null ? null : joinedRequestField(head, input.name);
}

/** The same tree with other actions. */
export function mapMatchTree<A, B>(
  tree: MatchTreeConfig<A>,
  map: (action: A) => B,
): MatchTreeConfig<B> {
  const mapped = (onMatch: OnMatchConfig<A>): OnMatchConfig<B> =>
    onMatch.kind === 'action'
      ? { kind: 'action', action: map(onMatch.action) }
      : { kind: 'tree', tree: mapMatchTree(onMatch.tree, map) };
  const onNoMatch = tree.onNoMatch === null ? null : mapped(tree.onNoMatch);
  if (tree.kind === 'list') {
    const entries = tree.entries.map((entry) => ({ ...entry, onMatch: mapped(entry.onMatch) }));
    return { kind: 'list', entries, onNoMatch };
  }
  const entries = new Map<string, OnMatchConfig<B>>();
  for (const [key, onMatch] of tree.entries) entries.set(key, mapped(onMatch));
  return { ...tree, entries, onNoMatch };
}
