// Brings the rules of one IP version into force, once: what is there already is left alone.
import { changeLines, type RuleChange, strayCandidates } from './change-rules.ts';
import { difference, hasResidue, type InstalledRules, parseSaved } from './installed-rules.ts';
import type { IptablesTools } from './iptables-tools.ts';
import type { Rule, RuleSet } from './rule-set.ts';
import type { System } from './system.ts';

/** How to treat rules of ours that are there and differ, and what the rules rely on. */
export interface ApplyPolicy {
  readonly reconcile: boolean;
  readonly forceApply: boolean;
  /** Makes what must be there before the rules are, as routes; a text says what failed. */
  readonly prepare: () => Promise<string | null>;
}

/** What was done, or why nothing was. */
export type Outcome =
  | { readonly kind: 'changed' | 'unchanged' }
  | { readonly kind: 'failed'; readonly reason: string };

const UNCHANGED: Outcome = { kind: 'unchanged' };

/** Applies `wanted` in one transaction a table; a failure leaves what was there. */
export async function applyRules(
  host: { readonly system: System; readonly tools: IptablesTools },
  wanted: RuleSet,
  policy: ApplyPolicy,
): Promise<Outcome> {
  const installed = await readInstalled(host.system, host.tools);
  if (typeof installed === 'string') return failed(installed);
  const change = { installed, wanted };
  if (!hasResidue(installed)) return restore(host, { ...change, strays: [] }, policy);
  const drift = difference(installed, wanted) ?? (await missingRule(host, wanted));
  if (drift === null && !policy.forceApply) return preparedFor(policy);
  if (drift !== null && !policy.reconcile && !policy.forceApply) return failed(differs(drift));
  const strays = await presentRules(host, strayCandidates(wanted));
  return restore(host, { ...change, strays }, policy);
}

/** Removes every chain of ours, what leads to it, and those of `known` rules that are there. */
export async function removeRules(
  host: { readonly system: System; readonly tools: IptablesTools },
  known: RuleSet,
): Promise<Outcome> {
  const installed = await readInstalled(host.system, host.tools);
  if (typeof installed === 'string') return failed(installed);
  const strays = await presentRules(host, strayCandidates(known));
  return restore(host, { installed, strays, wanted: null }, null);
}

/** The rules are there; what they rely on may not be. */
async function preparedFor(policy: ApplyPolicy): Promise<Outcome> {
  const failure = await policy.prepare();
  return failure === null ? UNCHANGED : failed(failure);
}

/** The rules in force; a text says why they cannot be read. */
async function readInstalled(
  system: System,
  { save }: IptablesTools,
): Promise<InstalledRules | string> {
  const { status, stdout, stderr } = await system.run(save, []);
  return status === 0 ? parseSaved(stdout) : `${save} failed: ${firstLine(stderr)}`;
}

async function restore(
  { system, tools }: { readonly system: System; readonly tools: IptablesTools },
  change: RuleChange,
  policy: ApplyPolicy | null,
): Promise<Outcome> {
  const lines = changeLines(change);
  if (lines.length === 0) return UNCHANGED;
  const input = `${lines.join('\n')}\n`;
  const args = ['--noflush', ...tools.lockArgs];
  // Asked first: with several tables a later one must not fail when an earlier one is in force.
  const trial = await system.run(tools.restore, ['--test', ...args], input);
  if (trial.status !== 0) return failed(refusal(tools, trial.stderr, lines));
  const failure = (await policy?.prepare()) ?? null;
  if (failure !== null) return failed(failure);
  const { status, stderr } = await system.run(tools.restore, args, input);
  return status === 0 ? { kind: 'changed' } : failed(refusal(tools, stderr, lines));
}

/** The first rule that iptables does not find; null: all are there. */
async function missingRule(
  host: { readonly system: System; readonly tools: IptablesTools },
  wanted: RuleSet,
): Promise<string | null> {
  for (const rule of wanted.rules) {
    if (await isPresent(host, rule)) continue;
    return `${rule.table} ${rule.chain} has no rule «${rule.words.join(' ')}»`;
  }
  return null;
}

async function presentRules(
  host: { readonly system: System; readonly tools: IptablesTools },
  rules: readonly Rule[],
): Promise<Rule[]> {
  const present: Rule[] = [];
  for (const rule of rules) if (await isPresent(host, rule)) present.push(rule);
  return present;
}

async function isPresent(
  { system, tools }: { readonly system: System; readonly tools: IptablesTools },
  { table, chain, words }: Rule,
): Promise<boolean> {
  const args = [...tools.lockArgs, '-t', table, '-C', chain, ...words];
  return (await system.run(tools.program, args)).status === 0;
}

function differs(drift: string): string {
  return [
    `other rules of this program are in force (${drift}) and were kept.`,
    'Replace them with --reconcile, or remove them first with --cleanup-only.',
  ].join(' ');
}

/** iptables-restore names a line of its input: show it. */
function refusal({ restore: program }: IptablesTools, stderr: string, lines: string[]): string {
  const number = Number(/line:? (\d+)/i.exec(stderr)?.[1] ?? 0);
  const line = lines[number - 1];
  const where = line === undefined || line === 'COMMIT' ? '' : ` (line ${number}: ${line})`;
  return `${program} refused the rules: ${firstLine(stderr)}${where}. Nothing was changed.`;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

function failed(reason: string): Outcome {
  return { kind: 'failed', reason };
}
