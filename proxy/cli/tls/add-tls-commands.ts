// `outrigger tls`, and how it is called.
import type { Command } from 'commander';
import type { ProgramHooks } from '../ca/add-ca-commands.ts';
import type { TlsFlags } from './tls-command.ts';

/** Adds the command; nothing that it needs is loaded. */
export function addTls(program: Command, { finish, loaded }: ProgramHooks): void {
  program
    .command('tls')
    .description('say what TLS a server offers, and whether we would accept it')
    .argument('<address>', 'HOST:PORT')
    .option('--ca <file>', 'judge it by these authorities, PEM')
    .option('--san <name>', 'it must be certified for this; any number, one will do', collect)
    .option('--sni <name>', 'the name that is asked for (default: HOST)')
    .option('--cert <file>', 'our own certificate and its chain, PEM')
    .option('--key <file>', 'its key, PEM')
    .option('-c, --config-path <file>', 'judge it as a cluster of this configuration would')
    .option('--cluster <name>', 'the cluster')
    .option('--allow-unknown-static-fields', 'accept unknown fields in the configuration')
    .option('--json', 'for programs')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (address: string, flags: TlsFlags) => {
      const { showTls } = await loaded(import('./tls-command.ts'));
      finish(await showTls(address, flags));
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
