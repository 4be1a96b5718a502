// The host as this program needs it: commands with their output, and nothing by way of a shell.
import { spawn } from 'node:child_process';

/** What became of a command. */
export interface CommandResult {
  /** 127 when there is no such program; 128 and more when a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs programs. */
export interface System {
  /**
   * Runs `program`; `input` is its standard input. It goes on when this process is killed, so that
   * what was begun is done.
   */
  run(program: string, args: readonly string[], input?: string): Promise<CommandResult>;
}

const NOT_FOUND = 127;
const SIGNALLED = 128;

/** The real one. `namespace`: path of a network namespace to work in, '' for this one. */
export class HostSystem implements System {
  readonly #namespace: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(namespace: string, environment: NodeJS.ProcessEnv) {
    this.#namespace = namespace;
    // Messages are compared with texts, and administrators' folders may be missing from the path.
    const path = `${environment['PATH'] ?? ''}:/usr/sbin:/sbin`;
    this.#environment = { ...environment, LC_ALL: 'C', PATH: path };
  }

  run(program: string, args: readonly string[], input = ''): Promise<CommandResult> {
    const [file, ...rest] =
      this.#namespace === ''
        ? [program, ...args]
        : ['nsenter', `--net=${this.#namespace}`, '--', program, ...args];
    return new Promise((resolve) => {
      const child = spawn(file as string, rest, { env: this.#environment, detached: true });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.on('error', ({ message }) => resolve({ status: NOT_FOUND, stdout, stderr: message }));
      child.on('close', (code) => resolve({ status: code ?? SIGNALLED, stdout, stderr }));
      // A program that does not read to the end is judged by its status.
      child.stdin.on('error', () => undefined);
      child.stdin.end(input);
    });
  }
}
