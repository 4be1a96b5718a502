// How `outrigger proxy-status` is called.
import type { Command } from 'commander';
import type { ProgramHooks } from '../ca/add-ca-commands.ts';
import type { StatusFlags } from './proxy-status-command.ts';

const DEFAULT_ADMIN = '127.0.0.1:9901';

/** Adds the command; nothing that it needs is loaded. */
export function addProxyStatus(program: Command, { finish, loaded }: ProgramHooks): void {
  program
    .command('proxy-status')
    .alias('ps')
    .description(
      'show how far a proxy is with what its servers tell it, in the columns of istioctl',
    )
    .option(
      '--admin <address>',
      `HOST:PORT or the pipe of an admin interface (default ${DEFAULT_ADMIN})`,
    )
    .option('-f, --file <file>', 'an answer of /config_dump instead; - for the standard input')
    .option('-o, --output <format>', 'short, json or yaml')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (flags: StatusFlags) => {
      const { showStatus } = await loaded(import('./proxy-status-command.ts'));
      finish(await showStatus(flags, DEFAULT_ADMIN));
    });
}
