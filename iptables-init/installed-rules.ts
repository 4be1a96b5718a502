// What iptables-save(8) tells about rules that are in force.
import { OWN_CHAIN_PREFIX, type RuleSet, TABLES, type Table } from './rule-set.ts';

/** A rule in force, as iptables-save writes it: `-A CHAIN …`. */
export interface InstalledRule {
  readonly table: Table;
  readonly chain: string;
  /** All behind the chain's name. */
  readonly text: string;
}

/** Rules in force of one IP version. */
export interface InstalledRules {
  /** Our chains by table. */
  readonly ownChains: ReadonlyMap<Table, readonly string[]>;
  readonly rules: readonly InstalledRule[];
}

/** Reads the output of iptables-save; tables that we never use are left out. */
export function parseSaved(text: string): InstalledRules {
  const ownChains = new Map<Table, string[]>();
  const rules: InstalledRule[] = [];
  let table: Table | null = null;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = TABLES.find((name) => name === line.slice(1).trim()) ?? null;
    }
    if (table === null) continue;
    const chain = /^:(\S+)/.exec(line)?.[1] ?? '';
    if (isOwn(chain)) ownChains.set(table, [...(ownChains.get(table) ?? []), chain]);
    const [, target = '', rest = ''] = /^-A (\S+) ?(.*)$/.exec(line) ?? [];
    if (target !== '') rules.push({ table, chain: target, text: rest });
  }
  return { ownChains, rules };
}

/** True for chains that this program makes. */
export function isOwn(chain: string): boolean {
  return chain.startsWith(OWN_CHAIN_PREFIX);
}

/** True for rules in built-in chains that lead into ours. */
export function jumpsToOurs({ chain, text }: InstalledRule): boolean {
  return !isOwn(chain) && text.includes(`-j ${OWN_CHAIN_PREFIX}`);
}

/** True when anything of ours is there. */
export function hasResidue(installed: InstalledRules): boolean {
  return installed.ownChains.size > 0 || installed.rules.some(jumpsToOurs);
}

/**
 * Why what is there cannot be the wanted set, judged by our chains and their lengths; null when it
 * may be. iptables-save spells rules its own way, so equality is iptables' own business (`-C`).
 */
export function difference(installed: InstalledRules, wanted: RuleSet): string | null {
  for (const table of TABLES) {
    const chains = wanted.ownChains(table);
    const present = installed.ownChains.get(table) ?? [];
    for (const chain of present) {
      if (!chains.includes(chain)) return `${table} has a chain ${chain} that is not wanted`;
    }
    for (const chain of chains) {
      if (!present.includes(chain)) return `${table} has no chain ${chain}`;
      const isHere = (rule: { table: Table; chain: string }): boolean =>
        rule.table === table && rule.chain === chain;
      const found = installed.rules.filter(isHere).length;
      const expected = wanted.rules.filter(isHere).length;
      if (found !== expected) return `${table} ${chain} has ${found} rules instead of ${expected}`;
    }
  }
  return null;
}
