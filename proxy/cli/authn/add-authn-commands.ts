// `outrigger authn-check`, and how it is called.
import type { Command } from 'commander';
import type { ProgramHooks } from '../ca/add-ca-commands.ts';
import type { AuthnFlags } from './authn-command.ts';

/** Adds the command; nothing that it needs is loaded. */
export function addAuthnCheck(program: Command, { finish, loaded }: ProgramHooks): void {
  program
    .command('authn-check')
    .description('say which TLS is used towards each cluster, and where it cannot work')
    .option('-c, --config-path <file>', 'a configuration')
    .option(
      '--admin <address>',
      'a running proxy instead: HOST:PORT or pipe of its admin interface',
    )
    .option('--server <file>', 'configuration of a proxy behind the endpoints; any number', collect)
    .option('--cluster <name>', 'this cluster only')
    .option('--allow-unknown-static-fields', 'accept unknown fields')
    .option('--json', 'for programs')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (flags: AuthnFlags) => {
      const { checkAuthentication } = await loaded(import('./authn-command.ts'));
      finish(await checkAuthentication(flags));
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
