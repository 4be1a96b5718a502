// The commands and how they are called. What a command needs is loaded when it runs: starting to
// serve must not wait for what only `validate` uses.
import { Command, CommanderError } from 'commander';
import { allowOptimizing } from '../server/loading-phase.ts';
import type { ServerOptions } from '../server/options.ts';
import { hotRestartVersion } from '../server/upgrade/messages.ts';
import type { OwnCommand } from '../server/upgrade/upgrade-request.ts';
import { addAuthnCheck } from './authn/add-authn-commands.ts';
import { addCaCommands } from './ca/add-ca-commands.ts';
import { defaultConcurrency } from './cpu-limit.ts';
import type { DiffFlags } from './diff-command.ts';
import { addEnvoyFlags } from './envoy-flags.ts';
import { EXIT_OK, EXIT_USAGE } from './exit-codes.ts';
import type { ExplainFlags } from './explain-command.ts';
import { addOwnFlags } from './own-flags.ts';
import { type FlagValues, parseOptions } from './parse-options.ts';
import { addProxyConfig } from './proxy-config/add-proxy-config.ts';
import { addProxyStatus } from './proxy-status/add-proxy-status.ts';
import type { TestFlags } from './test-command.ts';
import { addTls } from './tls/add-tls-commands.ts';
import type { TopFlags } from './top-command.ts';
import type { UpgradeFlags } from './upgrade-command.ts';
import { versionText } from './version.ts';
import { addXds } from './xds/add-xds-command.ts';

/** Runs a command line; resolves with the exit code when the command has ended. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = EXIT_OK;
  const program = makeProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end with 0 and were printed; what is wrong was printed too.
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  return exitCode;
}

function makeProgram(finish: (exitCode: number) => void): Command {
  const program = new Command('outrigger')
    .description('A service-mesh data plane that reads Envoy configuration.')
    .version(`outrigger  version: ${versionText()}`, '--version', 'print the version and exit')
    .exitOverride()
    .showSuggestionAfterError();
  const run = program
    .command('run', { isDefault: true })
    .description('serve (the default command: `outrigger -c FILE` is enough)')
    .exitOverride()
    .showSuggestionAfterError()
    .allowExcessArguments()
    .action(async (values: FlagValues, { args }: Command) =>
      finish(await runCommand(values, args)),
    );
  addEnvoyFlags(run);
  addOwnFlags(run);
  program
    .command('validate')
    .description('check configuration files and say everything that is wrong with them')
    .argument('<file...>', 'Envoy bootstraps, YAML or JSON')
    .option('--allow-unknown-static-fields', 'accept unknown fields')
    .exitOverride()
    .action(async (files: readonly string[], values: FlagValues) => {
      const { validateFiles } = await loaded(import('./validate-command.ts'));
      finish(await validateFiles(files, values['allowUnknownStaticFields'] === true));
    });
  addExplain(program, finish);
  addTest(program, finish);
  addDiff(program, finish);
  addTop(program, finish);
  addUpgrade(program, finish);
  addCaCommands(program, { finish, loaded });
  addTls(program, { finish, loaded });
  addAuthnCheck(program, { finish, loaded });
  addProxyConfig(program, { finish, loaded });
  addProxyStatus(program, { finish, loaded });
  addXds(program, { finish, loaded });
  // They have flags of their own and never come here: see main.ts.
  program.command('istio-iptables').description("capture a pod's traffic (see its --help)");
  program.command('istio-clean-iptables').description('remove what istio-iptables did');
  return program;
}

function addExplain(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('explain')
    .description('say what would become of a request, without sending one')
    .argument('<method>', 'GET, POST …')
    .argument('<url>', 'http://host[:port]/path')
    .option('-c, --config-path <file>', 'the configuration, YAML or JSON')
    .option('--config-yaml <text>', 'YAML that is merged over the file')
    .option('-H, --header <name: value>', 'a header of the request; any number', collect)
    .option('--listener <name>', 'the listener, if the port of the URL does not tell')
    .option('--http2', 'the client speaks HTTP/2')
    .option('--client <ip>', "the client's address (default 127.0.0.1)")
    .option('--random <n>', 'what decides choices by chance, 0 to 2^32 - 1 (default 0)')
    .option('--upstream-status <n>', 'what the upstream answers with (default 200)')
    .option('--upstream-header <name: value>', "a header of the upstream's answer", collect)
    .option('--allow-unknown-static-fields', 'accept unknown fields')
    .option('--json', 'for programs')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (method: string, url: string, flags: ExplainFlags) => {
      const { explainRequest } = await loaded(import('./explain-command.ts'));
      finish(explainRequest(method, url, flags));
    });
}

function addTest(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('test')
    .description('check where requests go against what files expect, without traffic')
    .argument('<file...>', 'files of tests, YAML')
    .option('-c, --config-path <file>', 'a configuration instead of the one that the files name')
    .option('--min-coverage <percent>', 'fail when tests reach fewer of the routes')
    .option('--allow-unknown-static-fields', 'accept unknown fields in the configuration')
    .option('--json', 'for programs')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (files: readonly string[], flags: TestFlags) => {
      const { testFiles } = await loaded(import('./test-command.ts'));
      finish(testFiles(files, flags));
    });
}

function addDiff(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('diff')
    .description('say what changes for traffic between two configurations')
    .argument('<before>', 'a configuration, YAML or JSON')
    .argument('<after>', 'another one')
    .option('--allow-unknown-static-fields', 'accept unknown fields')
    .option('--json', 'for programs')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (before: string, after: string, flags: DiffFlags) => {
      const { diffConfigurations } = await loaded(import('./diff-command.ts'));
      finish(diffConfigurations(before, after, flags));
    });
}

function addTop(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('top')
    .description('watch the clusters and hosts of a running proxy')
    .argument('[admin]', 'HOST:PORT or the pipe of its admin interface', '127.0.0.1:9901')
    .option('--once', 'print one table, of the next second, and exit')
    .option('--json', 'for programs: a line of JSON for each interval')
    .option('--interval <seconds>', 'time between two looks (default 2; 1 with --once)')
    .option('--sort <key>', 'name, rps, success, latency, connections, pending or ejected')
    .option('--filter <text>', 'only clusters and hosts with this in their name or address')
    .option('--no-hosts', 'clusters only')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (admin: string, flags: TopFlags) => {
      const { runTop } = await loaded(import('./top-command.ts'));
      finish(await runTop(admin, flags));
    });
}

function addUpgrade(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('upgrade')
    .description('replace a running proxy by a newer version, on the same sockets')
    .argument('[admin]', 'HOST:PORT or the pipe of its admin interface', '127.0.0.1:9901')
    .argument('[args...]', 'behind --: its command line instead of the present one')
    .option('--program <file>', 'the newer program (default: the file that runs now)')
    .option('--deadline <seconds>', 'the time within which it has to serve (default 120)')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (admin: string, args: readonly string[], flags: UpgradeFlags) => {
      const { upgradeProxy } = await loaded(import('./upgrade-command.ts'));
      finish(await upgradeProxy(admin, args, flags));
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** What a command needs, from where on its work counts. */
async function loaded<Module>(module: Promise<Module>): Promise<Module> {
  const result = await module;
  allowOptimizing();
  return result;
}

/** `outrigger run`, and `outrigger` without a command. */
async function runCommand(values: FlagValues, [word]: readonly string[]): Promise<number> {
  if (word !== undefined) {
    console.error(
      `error: '${word}' is neither a command (run, validate, explain, test, diff, top, upgrade, ca, tls, authn-check, proxy-config, proxy-status, xds, help) nor a flag`,
    );
    console.error(`To run a configuration: outrigger -c ${word}`);
    return EXIT_USAGE;
  }
  if (values['hotRestartVersion'] === true) {
    console.log(hotRestartVersion(values['disableHotRestart'] !== true));
    return EXIT_OK;
  }
  const parsed = parseOptions(values, {
    defaultConcurrency,
    isTerminal: process.stderr.isTTY === true,
    version: versionText(),
  });
  if (!parsed.ok) {
    for (const error of parsed.errors) console.error(`error: ${error}`);
    console.error("Try 'outrigger run --help'.");
    return EXIT_USAGE;
  }
  if (parsed.mode !== 'serve') {
    const { validateBootstrap } = await loaded(import('./validate-command.ts'));
    return validateBootstrap(parsed.options, parsed.mode);
  }
  await forkAhead(parsed.options);
  const { runServer } = await loaded(import('../server/run-server.ts'));
  return runServer(parsed.options, ownCommand());
}

/** How this process was started: what an upgrade starts again. */
function ownCommand(): OwnCommand {
  const [, program = '', ...args] = process.argv;
  return { execPath: process.execPath, execArgs: process.execArgv, program, args };
}

/** Lets the workers' processes load beside this one. */
async function forkAhead({ concurrency, log }: ServerOptions): Promise<void> {
  if (concurrency === 1) return;
  const { forkEarly } = await import('../server/forked-worker.ts');
  const { path, pattern, level, componentLevels } = log;
  forkEarly(concurrency, { path, pattern, levels: { '': level, ...componentLevels } });
}
