// What an upgrade starts. The admin interface may ask for the same command again; another program
// only who can write a file as the proxy's user, and so could start it anyway.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Launch } from './messages.ts';

/** How this process was started. */
export interface OwnCommand {
  /** node itself, and its own flags. */
  readonly execPath: string;
  readonly execArgs: readonly string[];
  /** The program's file. */
  readonly program: string;
  readonly args: readonly string[];
}

/** What is asked for; null: as this process was started. */
export interface WantedProgram {
  readonly program: string | null;
  readonly args: readonly string[] | null;
}

/** Longer is no request of ours. */
const MAX_REQUEST_BYTES = 65_536;
/** Others may not write it. */
const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;

/** The command line of the next epoch. */
export function launchOf(own: OwnCommand, wanted: WantedProgram, epoch: number): Launch {
  const program = wanted.program ?? own.program;
  const args = [...withoutEpoch(wanted.args ?? own.args), '--restart-epoch', String(epoch)];
  const isScript = wanted.program === null || /\.[cm]?js$/.test(program);
  return isScript
    ? { file: own.execPath, args: [...own.execArgs, program, ...args] }
    : { file: program, args };
}

/** Reads a file of a request; or says why it is not to be trusted. */
export function readWantedProgram(path: string): WantedProgram | string {
  let descriptor = -1;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { uid, mode, size } = fstatSync(descriptor);
    const isFile = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!isFile || size > MAX_REQUEST_BYTES) return `${path} is no request for an upgrade`;
    const isOurs = uid === process.geteuid?.() || uid === ROOT;
    if (!isOurs || (mode & WRITABLE_BY_OTHERS) !== 0) {
      return `${path} can be written by others than the user that the proxy runs as`;
    }
    return wantedOf(JSON.parse(readFileSync(descriptor, 'utf8')));
  } catch (error) {
    return `${path} cannot be read: ${(error as Error).message}`;
  } finally {
    if (descriptor >= 0) closeSync(descriptor);
  }
}

function wantedOf(value: unknown): WantedProgram | string {
  const { program = null, args = null } = (value ?? {}) as Record<string, unknown>;
  const isProgram = program === null || (typeof program === 'string' && isAbsolute(program));
  const areTexts =
    args === null || (Array.isArray(args) && args.every((arg) => typeof arg === 'string'));
  if (!isProgram || !areTexts) return 'the request names no program by its whole path';
  return { program: program as string | null, args: args as readonly string[] | null };
}

function withoutEpoch(args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string;
    if (arg === '--restart-epoch') index += 1;
    else if (!arg.startsWith('--restart-epoch=')) kept.push(arg);
  }
  return kept;
}
