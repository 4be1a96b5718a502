// Changes of rules as input for one iptables-restore: what goes and what comes is one transaction a
// table, so that there is no moment without either, and a refused change leaves everything.
import { type InstalledRules, isOwn, jumpsToOurs } from './installed-rules.ts';
import { type Rule, type RuleSet, ruleLine, TABLES, type Table } from './rule-set.ts';

/** A change of one IP version's rules. */
export interface RuleChange {
  readonly installed: InstalledRules;
  /** Rules of ours in built-in chains that lead nowhere of ours, but are there. */
  readonly strays: readonly Rule[];
  /** The rules that shall be there afterwards; null: none. */
  readonly wanted: RuleSet | null;
}

/** Lines for iptables-restore --noflush; none when there is nothing to do. */
export function changeLines(change: RuleChange): string[] {
  return TABLES.flatMap((table) => tableLines(change, table));
}

function tableLines({ installed, strays, wanted }: RuleChange, table: Table): string[] {
  const present = installed.ownChains.get(table) ?? [];
  const chains = wanted?.ownChains(table) ?? [];
  const jumps = installed.rules.filter((rule) => rule.table === table && jumpsToOurs(rule));
  const lines = [
    ...jumps.map(({ chain, text }) => `-D ${chain} ${text}`),
    ...strays
      .filter((rule) => rule.table === table)
      .map(({ chain, words }) => `-D ${chain} ${words.join(' ')}`),
    ...present.map((chain) => `-F ${chain}`),
    ...present.filter((chain) => !chains.includes(chain)).map((chain) => `-X ${chain}`),
    ...chains.filter((chain) => !present.includes(chain)).map((chain) => `-N ${chain}`),
    ...(wanted?.rules.filter((rule) => rule.table === table) ?? []).map(ruleLine),
  ];
  return lines.length === 0 ? [] : [`* ${table}`, ...lines, 'COMMIT'];
}

/** Rules in built-in chains that only their author can know: nothing in them names a chain of ours. */
export function strayCandidates(set: RuleSet): readonly Rule[] {
  return set.rules.filter(({ chain, words }) => !isOwn(chain) && !isOwn(words.at(-1) ?? ''));
}
