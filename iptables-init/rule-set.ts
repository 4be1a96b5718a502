// The rules of one IP version: chains and rules by table, in the order in which they were asked
// for. Pure: nothing is run here.
import type { IpVersion } from './capture-options.ts';

/** Tables in the order in which they are written. */
export const TABLES = ['filter', 'mangle', 'nat', 'raw'] as const;

/** A table of iptables. */
export type Table = (typeof TABLES)[number];

/** Chains that are ours begin with this. */
export const OWN_CHAIN_PREFIX = 'ISTIO_';

/** One rule. */
export interface Rule {
  readonly table: Table;
  readonly chain: string;
  /** Place from 1 at which it is inserted; null: at the end. */
  readonly position: number | null;
  /** Its conditions and target, word by word. */
  readonly words: readonly string[];
}

/** Rules under construction; the methods answer nothing, order is what counts. */
export class RuleSet {
  readonly version: IpVersion;
  readonly #rules: Rule[] = [];

  constructor(version: IpVersion) {
    this.version = version;
  }

  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** Adds a rule at the end of its chain; `text` is split at blanks. */
  append(table: Table, chain: string, text: string): void {
    this.#rules.push({ table, chain, position: null, words: text.split(' ') });
  }

  /** Puts a rule at `position` (from 1) of its chain. */
  insert(table: Table, chain: string, position: number, text: string): void {
    this.#rules.push({ table, chain, position, words: text.split(' ') });
  }

  /** Our chains of a table in the order of their first rule. */
  ownChains(table: Table): string[] {
    const chains = this.#rules.filter((rule) => rule.table === table).map(({ chain }) => chain);
    return [...new Set(chains)].filter((chain) => chain.startsWith(OWN_CHAIN_PREFIX));
  }
}

/** `-A ISTIO_OUTPUT -j …`, `-I PREROUTING 1 …` */
export function ruleLine({ chain, position, words }: Rule): string {
  const place = position === null ? `-A ${chain}` : `-I ${chain} ${position}`;
  return `${place} ${words.join(' ')}`;
}

/** The set as input of iptables-restore(8), one line an entry; each table is one transaction. */
export function restoreLines(set: RuleSet): string[] {
  const lines: string[] = [];
  for (const table of TABLES) {
    const rules = set.rules.filter((rule) => rule.table === table);
    if (rules.length === 0) continue;
    lines.push(`* ${table}`);
    for (const chain of set.ownChains(table)) lines.push(`-N ${chain}`);
    lines.push(...rules.map(ruleLine), 'COMMIT');
  }
  return lines;
}

/** The set as single commands, as releases before iptables-restore was used printed them. */
export function commandLines(set: RuleSet, program: string): string[] {
  const lines: string[] = [];
  for (const table of TABLES) {
    for (const chain of set.ownChains(table)) lines.push(`${program} -t ${table} -N ${chain}`);
  }
  for (const rule of set.rules) lines.push(`${program} -t ${rule.table} ${ruleLine(rule)}`);
  return lines;
}
