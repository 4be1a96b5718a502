// Which iptables: a host may have the programs of both kinds, and rules of one kind are invisible
// to the other. Where rules are already, there ours belong too.
import type { IpVersion } from './capture-options.ts';
import { OWN_CHAIN_PREFIX } from './rule-set.ts';
import type { CommandResult, System } from './system.ts';

/** The kinds of programs; `plain`: whatever the name `iptables` stands for. */
export type IptablesKind = 'nft' | 'legacy' | 'plain';

/** The programs of one kind for one IP version. */
export interface IptablesTools {
  readonly version: IpVersion;
  readonly kind: IptablesKind;
  readonly program: string;
  readonly save: string;
  readonly restore: string;
  /** What every change is called with: only legacy has a lock to wait for. */
  readonly lockArgs: readonly string[];
}

/** Chosen programs, or why there are none. */
export type ChosenTools =
  | { readonly ok: true; readonly tools: IptablesTools }
  | { readonly ok: false; readonly reason: string };

const LOCK_WAIT = '--wait=30';

/** `forced`: the value of --force-iptables-binary. */
export async function chooseTools(
  system: System,
  version: IpVersion,
  forced: '' | 'legacy' | 'nft',
): Promise<ChosenTools> {
  if (forced !== '') {
    const tools = toolsOf(version, forced);
    const { status, stderr } = await system.run(tools.save, []);
    return status === 0 ? { ok: true, tools } : { ok: false, reason: failure(tools, stderr) };
  }
  return chooseInUse(system, version);
}

/** In a dry run nothing is asked: the names as they are. */
export function plainTools(version: IpVersion): IptablesTools {
  return toolsOf(version, 'plain');
}

async function chooseInUse(system: System, version: IpVersion): Promise<ChosenTools> {
  const nft = toolsOf(version, 'nft');
  const legacy = toolsOf(version, 'legacy');
  const nftRules = await system.run(nft.save, []);
  if (holdsOurs(nftRules)) return { ok: true, tools: nft };
  if (holdsRules(await system.run(legacy.save, []))) return { ok: true, tools: legacy };
  if (nftRules.status === 0) return { ok: true, tools: nft };
  const plain = toolsOf(version, 'plain');
  const { status, stderr } = await system.run(plain.save, []);
  return status === 0 ? { ok: true, tools: plain } : { ok: false, reason: failure(plain, stderr) };
}

function toolsOf(version: IpVersion, kind: IptablesKind): IptablesTools {
  const name = version === 4 ? 'iptables' : 'ip6tables';
  const program = kind === 'plain' ? name : `${name}-${kind}`;
  const lockArgs = kind === 'nft' ? [] : [LOCK_WAIT];
  const tools = { version, kind, program, lockArgs };
  return { ...tools, save: `${program}-save`, restore: `${program}-restore` };
}

function holdsRules({ status, stdout }: CommandResult): boolean {
  return status === 0 && /^-A /m.test(stdout);
}

function holdsOurs({ status, stdout }: CommandResult): boolean {
  return status === 0 && stdout.includes(`:${OWN_CHAIN_PREFIX}`);
}

function failure({ save }: IptablesTools, stderr: string): string {
  const text = stderr.trim().split('\n')[0] ?? '';
  return `${save} does not work${text === '' ? '' : `: ${text}`}`;
}
