// `npm run h2spec`: the conformance cases of h2spec against Outrigger, freshly started in clear text
// in front of an HTTP/1.1 upstream. H2SPEC_BIN names the program; arguments go to it (`-S` for the
// strict cases, `-o 1` for a shorter wait, `http2/6.9` for a section); with `-t` it speaks TLS.
import { CLEAR_LISTENER, runH2spec, SECURE_LISTENER } from '../support/h2spec.ts';
import { rigBootstrap } from '../support/rig-bootstrap.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { spawnServer } from '../support/spawn-server.ts';

const EXIT_USAGE = 64;

const program = process.env['H2SPEC_BIN'];
if (program === undefined || program === '') {
  process.stderr.write(
    'h2spec: H2SPEC_BIN must name the program: build it with Go from github.com/summerwind/h2spec\n',
  );
  process.exit(EXIT_USAGE);
}
process.exitCode = await run(program, process.argv.slice(2));

/** Prints the summary; 0 when every case passed. */
async function run(h2spec: string, flags: readonly string[]): Promise<number> {
  const upstream = new ScriptedUpstream();
  const port = await upstream.listen();
  const isSecure = flags.includes('-t') || flags.includes('--tls');
  const listeners = { main: isSecure ? SECURE_LISTENER : CLEAR_LISTENER };
  const server = await spawnServer((directory) =>
    rigBootstrap({ listeners, clusters: { main: { port } } }, `${directory}/log`),
  );
  try {
    const address = await server.listener('main');
    const result = await runH2spec(
      h2spec,
      Number(address.split(':').at(-1)),
      isSecure ? [...flags, '-k'] : flags,
    );
    for (const line of result.failures) process.stdout.write(`${line}\n`);
    process.stdout.write(`${result.passed} of ${result.total} passed\n`);
    return result.passed === result.total ? 0 : 1;
  } finally {
    server.kill('SIGTERM');
    await server.exited;
    await upstream.close();
  }
}
