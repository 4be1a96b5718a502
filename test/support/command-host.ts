// Commands that print and end, run one after the other in one process: loading the program again for
// each would cost more than all that they do. Whoever tests signals, or the start of the program,
// starts a process of its own (with-process.ts).
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('command-host-main.js', import.meta.url));

/** A command line and where it is given. */
export interface CommandCall {
  readonly args: readonly string[];
  readonly directory: string;
}

/** What a command printed, and its exit status. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let host: ChildProcess | null = null;
let last: Promise<unknown> = Promise.resolve();

/** Runs a command to its end, behind all that were called before. */
export function callCommand(...args: readonly string[]): Promise<CommandResult> {
  return callCommandIn(process.cwd(), ...args);
}

/** The same with paths below a directory. */
export function callCommandIn(
  directory: string,
  ...args: readonly string[]
): Promise<CommandResult> {
  const result = last.then(() => call({ args, directory }));
  last = result.catch(() => undefined);
  return result;
}

function call(command: CommandCall): Promise<CommandResult> {
  const child = host ?? startHost();
  child.ref();
  child.channel?.ref();
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`${command.args.join(' ')}: the process ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      // It ends with the test.
      child.unref();
      child.channel?.unref();
      resolve(message as CommandResult);
    });
    child.send(command);
  });
}

function startHost(): ChildProcess {
  const child = fork(MAIN);
  child.once('exit', () => {
    host = null;
  });
  host = child;
  return child;
}
