// `outrigger ca` with its own commands, and how they are called.
import type { Command } from 'commander';
import type { InitFlags, IssueFlags, SignFlags } from './ca-flags.ts';
import type { ShowFlags } from './show-command.ts';

const DEFAULT_FOLDER = 'ca';

/** What the program does for its commands. */
export interface ProgramHooks {
  finish(exitCode: number): void;
  /** Loads what a command needs. */
  loaded<Module>(module: Promise<Module>): Promise<Module>;
}

/** Adds the commands; nothing that they need is loaded. */
export function addCaCommands(program: Command, hooks: ProgramHooks): void {
  const ca = program
    .command('ca')
    .description('a local authority: certificates for trying out mutual TLS')
    .exitOverride()
    .showSuggestionAfterError();
  addInit(ca, hooks);
  addIssue(ca, hooks);
  addSign(ca, hooks);
  ca.command('show')
    .description('say what certificates, requests and keys in files say')
    .argument('<file...>', 'PEM or DER; - for the standard input')
    .option('--json', 'for programs')
    .exitOverride()
    .action(async (files: readonly string[], flags: ShowFlags) => {
      const { showFiles } = await hooks.loaded(import('./show-command.ts'));
      hooks.finish(showFiles(files, flags));
    });
}

function addInit(ca: Command, { finish, loaded }: ProgramHooks): void {
  ca.command('init')
    .description('make a root and an intermediate')
    .option('--dir <folder>', 'where to', DEFAULT_FOLDER)
    .option('--trust-domain <name>', 'whose authority it is (default cluster.local)')
    .option('--key <kind>', 'ec-p256 (default), ec-p384, rsa-2048, rsa-3072 or rsa-4096')
    .option('--root-days <n>', 'lifetime of the root (default 3650)')
    .option('--intermediate-days <n>', 'lifetime of the intermediate (default 730)')
    .option('--force', 'replace what is there')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (flags: InitFlags) => {
      const { initCa } = await loaded(import('./ca-command.ts'));
      finish(await initCa(flags));
    });
}

function addIssue(ca: Command, { finish, loaded }: ProgramHooks): void {
  withNames(ca.command('issue'))
    .description('make keys and certificates for workloads')
    .option('--out <folder>', 'where to (default certs/NAME)')
    .option('--key <kind>', 'ec-p256 (default), ec-p384, rsa-2048, rsa-3072 or rsa-4096')
    .option('--init', 'make the authority as well, if it is not there')
    .action(async (flags: IssueFlags) => {
      const { issueCertificates } = await loaded(import('./ca-command.ts'));
      finish(await issueCertificates(flags));
    });
}

function addSign(ca: Command, { finish, loaded }: ProgramHooks): void {
  withNames(ca.command('sign'))
    .description('certify the key of a signing request, under names given here')
    .argument('<file>', 'the request, PEM; - for the standard input')
    .option('--names-from-request', 'take the names that the request asks for as well')
    .option('--out <file>', 'where to (default: standard output)')
    .action(async (file: string, flags: SignFlags) => {
      const { signRequest } = await loaded(import('./ca-command.ts'));
      finish(signRequest(file, flags));
    });
}

function withNames(command: Command): Command {
  return command
    .option('--ca <folder>', 'the authority', DEFAULT_FOLDER)
    .option('--service-account <name>', 'the workload; any number with issue', collect)
    .option('--namespace <name>', "the workload's namespace (default default)")
    .option('--trust-domain <name>', "the workload's (default: that of the authority)")
    .option('--spiffe <id>', 'another SPIFFE id instead', collect)
    .option('--dns <name>', 'a name of a host; any number', collect)
    .option('--ip <address>', 'an address of a host; any number', collect)
    .option('--common-name <text>', 'for peers that still look at it')
    .option('--days <n>', 'lifetime (default 30 days)')
    .option('--hours <n>', 'lifetime')
    .option('--force', 'replace what is there')
    .exitOverride()
    .showSuggestionAfterError();
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
