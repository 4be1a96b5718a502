// Evaluates matcher trees as Envoy does: first match in a list, exact key, or longest prefix whose
// subtree decides.
import type { RequestHead } from '../http/message.ts';
import { joinedRequestField } from '../http/request-field.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { connectionInput } from './connection-input.ts';
import { filterStateText } from './filter-state-text.ts';
import type {
  MatchInputConfig,
  MatchPredicateConfig,
  MatchTreeConfig,
  MatchValueConfig,
  OnMatchConfig,
} from './match-tree.ts';
import { matchesString } from './match-value.ts';

/** What a tree reads. */
export interface MatchSubject {
  /** null: a connection, whatever it carries. */
  readonly head: RequestHead | null;
  readonly info: StreamInfo;
}

/**
 * What an input is that will never be known, such as a client's names without TLS: as in Envoy, the
 * walk ends there without a decision, and nobody is asked what to do instead.
 */
const UNKNOWN = Symbol('unknown');
type Unknown = typeof UNKNOWN;

/** The decision of a tree; null: none. */
export function walkMatchTree<A>(tree: MatchTreeConfig<A>, subject: MatchSubject): A | null {
  const decision = walk(tree, subject);
  return decision === UNKNOWN ? null : decision;
}

function walk<A>(tree: MatchTreeConfig<A>, subject: MatchSubject): A | Unknown | null {
  const matched = tree.kind === 'list' ? walkList(tree.entries, subject) : walkMap(tree, subject);
  return matched ?? decide(tree.onNoMatch, subject);
}

function walkList<A>(
  entries: Extract<MatchTreeConfig<A>, { kind: 'list' }>['entries'],
  subject: MatchSubject,
): A | Unknown | null {
  for (const { predicate, onMatch } of entries) {
    const held = holds(predicate, subject);
    if (held === UNKNOWN) return UNKNOWN;
    const decision = held ? decide(onMatch, subject) : null;
    if (decision !== null) return decision;
  }
  return null;
}

function walkMap<A>(
  tree: Exclude<MatchTreeConfig<A>, { kind: 'list' }>,
  subject: MatchSubject,
): A | Unknown | null {
  const value = readInput(tree.input, subject);
  if (value === null || value === UNKNOWN) return value;
  if (tree.kind === 'exact') return decide(tree.entries.get(value) ?? null, subject);
  for (const [prefix, onMatch] of tree.entries) {
    const decision = value.startsWith(prefix) ? decide(onMatch, subject) : null;
    if (decision !== null) return decision;
  }
  return null;
}

function decide<A>(onMatch: OnMatchConfig<A> | null, subject: MatchSubject): A | Unknown | null {
  if (onMatch === null) return null;
  return onMatch.kind === 'action' ? onMatch.action : walk(onMatch.tree, subject);
}

function holds(predicate: MatchPredicateConfig, subject: MatchSubject): boolean | Unknown {
  switch (predicate.kind) {
    case 'single': {
      const value = readInput(predicate.input, subject);
      if (value === UNKNOWN) return UNKNOWN;
      return value !== null && passes(predicate.match, value);
    }
    case 'and':
      return holdAll(predicate.predicates, subject);
    case 'or':
      return holdsAny(predicate.predicates, subject);
    case 'not': {
      const held = holds(predicate.predicate, subject);
      return held === UNKNOWN ? UNKNOWN : !held;
    }
  }
}

function holdAll(
  predicates: readonly MatchPredicateConfig[],
  subject: MatchSubject,
): boolean | Unknown {
  for (const each of predicates) {
    const held = holds(each, subject);
    if (held !== true) return held;
  }
  return true;
}

function holdsAny(
  predicates: readonly MatchPredicateConfig[],
  subject: MatchSubject,
): boolean | Unknown {
  let sum: boolean | Unknown = false;
  for (const each of predicates) {
    const held = holds(each, subject);
    if (held === true) return true;
    if (held === UNKNOWN) sum = UNKNOWN;
  }
  return sum;
}

function passes(match: MatchValueConfig, value: string): boolean {
  if (match.kind !== 'ip') return matchesString(match, value);
  for (const network of match.networks) if (network.contains(value)) return true;
  return false;
}

function readInput(input: MatchInputConfig, { head, info }: MatchSubject): string | Unknown | null {
  if (input.kind === 'filter-state') return filterStateText(info, input.key);
  if (input.kind !== 'header') {
    const isOfTls = TLS_INPUTS.has(input.kind);
    return isOfTls && info.downstream.tls === null ? UNKNOWN : connectionInput(input.kind, info);
  }
  return head === null ? null : joinedRequestField(head, input.name);
}

/** What only TLS tells. */
const TLS_INPUTS: ReadonlySet<MatchInputConfig['kind']> = new Set([
  'uri-san',
  'dns-san',
  'subject',
]);

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
