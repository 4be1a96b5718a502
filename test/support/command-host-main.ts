// The process in which callCommand runs commands: what they print goes back with their status.
import { runCli } from '../../proxy/cli/program.ts';
import type { CommandCall, CommandResult } from './command-host.ts';

process.on('message', (call: CommandCall) => {
  void run(call).then((result) => process.send?.(result));
});
process.once('disconnect', () => process.exit(0));

async function run({ args, directory }: CommandCall): Promise<CommandResult> {
  process.chdir(directory);
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  try {
    const code = await runCli([...args]);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.end();
    stderr.end();
  }
}

/** What is written to a stream from now on, until `end`. */
function capture(stream: NodeJS.WriteStream): { text(): string; end(): void } {
  const { write } = stream;
  const chunks: string[] = [];
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    const done = rest.at(-1);
    if (typeof done === 'function') queueMicrotask(() => done());
    return true;
  };
  return {
    text: () => chunks.join(''),
    end: () => {
      stream.write = write;
    },
  };
}
