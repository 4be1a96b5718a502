import { spawn } from 'node:child_process';
import t from 'tap';
import { EXIT_CRASHED } from '../../proxy/server/unhandled-error.ts';

const HANDLER = new URL('../../proxy/server/unhandled-error.js', import.meta.url).href;

/** Runs a program under the handler; gives its exit status and what it logged. */
function run(statement: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const program = `
    import { endOnUnhandledError } from '${HANDLER}';
    const logger = { enabled: () => true, log: (level, text) => console.error(level, text) };
    endOnUnhandledError({ logger: () => logger }, () => console.error('flushed'));
    ${statement}
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString();
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })));
}

t.test('ends the process by an error that nobody handled, and says where it was', async (t) => {
  const { code, said } = await run("setTimeout(() => { throw new Error('boom'); }, 1);");
  t.equal(code, EXIT_CRASHED);
  t.match(said, /critical uncaught exception: Error: boom\n +at [\s\S]*flushed/);
});

t.test('ends the process by a promise that nobody handled', async (t) => {
  const { code, said } = await run("Promise.reject('nothing');");
  t.equal(code, EXIT_CRASHED);
  t.match(said, 'critical unhandled rejection: nothing');
});
