// Command line and environment to one text per flag. Istio's own parser takes `-m=REDIRECT`,
// `-mREDIRECT` and `--dry-run=false`; so does this one.
import { FLAGS, type FlagSpec, variablesOf } from './flags.ts';

/** The outcome of reading a command line. */
export type ParsedFlags =
  | { readonly kind: 'values'; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: 'help' }
  | { readonly kind: 'error'; readonly message: string };

/** Environment variables; what is not set is undefined. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One text for each flag, by name. */
export function parseFlags(args: readonly string[], environment: Environment): ParsedFlags {
  const values = new Map<string, string>();
  for (const flag of FLAGS) values.set(flag.name, initialOf(flag, environment));
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] as string;
    if (word === '--help' || word === '-h') return { kind: 'help' };
    const found = findFlag(word);
    if (found === null) return { kind: 'error', message: unknownFlag(word) };
    const { flag, attached } = found;
    if (attached !== null) values.set(flag.name, attached);
    else if (flag.kind === 'switch') values.set(flag.name, 'true');
    else {
      index += 1;
      const value = args[index];
      if (value === undefined) return { kind: 'error', message: `${word} needs a value` };
      values.set(flag.name, value);
    }
  }
  return { kind: 'values', values };
}

/** The help text. */
export function flagHelp(): string {
  const lines = FLAGS.map(({ name, short, kind, help }) => {
    const flag = `${short === '' ? '    ' : `-${short}, `}--${name}${kind === 'text' ? ' VALUE' : ''}`;
    return `  ${flag.padEnd(46)} ${help}`;
  });
  return ['Usage: outrigger istio-iptables [flags]', '', ...lines, ''].join('\n');
}

function initialOf(flag: FlagSpec, environment: Environment): string {
  // What is set to nothing is as good as not set: pod templates leave such variables behind.
  const set = variablesOf(flag).filter((name) => (environment[name] ?? '') !== '');
  return environment[set.at(-1) ?? ''] ?? flag.initial;
}

interface FoundFlag {
  readonly flag: FlagSpec;
  /** What stands in the same word: `-p15001`, `--dry-run=false`; null: nothing. */
  readonly attached: string | null;
}

function findFlag(word: string): FoundFlag | null {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals === -1 ? undefined : equals);
    const flag = FLAGS.find((candidate) => candidate.name === name);
    if (flag === undefined) return null;
    return { flag, attached: equals === -1 ? null : word.slice(equals + 1) };
  }
  const short = word.startsWith('-') ? word.charAt(1) : '';
  const flag = short === '' ? undefined : FLAGS.find((candidate) => candidate.short === short);
  if (flag === undefined) return null;
  const rest = word.slice(2);
  if (rest === '') return { flag, attached: null };
  return { flag, attached: rest.startsWith('=') ? rest.slice(1) : rest };
}

function unknownFlag(word: string): string {
  if (!word.startsWith('-')) return `unexpected argument '${word}': all of them are flags`;
  return `unknown flag '${word.split('=')[0]}'`;
}
