// How `outrigger xds` is called.
import type { Command } from 'commander';
import type { ProgramHooks } from '../ca/add-ca-commands.ts';
import type { XdsFlags } from './xds-flags.ts';

/** Adds the command; nothing that it needs is loaded. */
export function addXds(program: Command, { finish, loaded }: ProgramHooks): void {
  program
    .command('xds')
    .description('serve a folder of resources to proxies, as their management server')
    .argument('<folder>', "of YAML and JSON files: resources of Envoy's v3 API")
    .option('--listen <address>', 'HOST:PORT, or the path of a pipe (default 127.0.0.1:18000)')
    .option('--rest <address>', 'HOST:PORT for clients that poll (default: none)')
    .option('--tls-cert <file>', 'certificate chain, PEM; clear text without')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--client-ca <file>', 'authorities of clients, which then have to show a certificate')
    .option('--check <level>', 'what is refused: full (default), rules of the API, or off')
    .option('--json', 'for programs: a line of JSON for each event')
    .option('--lines', 'a line for each event on a terminal, too')
    .option('--dry-run', 'check the folder and exit')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (folder: string, flags: XdsFlags) => {
      const { runXds } = await loaded(import('./xds-command.ts'));
      finish(await runXds(folder, flags));
    });
}
