// `outrigger proxy-config` with its own commands, and how they are called.
import type { Command } from 'commander';
import type { ProgramHooks } from '../ca/add-ca-commands.ts';
import type { LogFlags } from './log-command.ts';
import type { ConfigFlags, ConfigKind } from './proxy-config-command.ts';

const DEFAULT_ADMIN = '127.0.0.1:9901';

/** An option of a command: its flags and what it means. */
type OptionText = readonly [string, string];

interface KindText {
  readonly kind: ConfigKind;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly options: readonly OptionText[];
}

const NOT_VERBOSE: OptionText = ['--no-verbose', 'one line for each'];

const KINDS: readonly KindText[] = [
  {
    kind: 'listeners',
    aliases: ['listener', 'l'],
    description: 'which connections are taken, and where they go',
    options: [
      ['--port <port>', 'only of this port'],
      ['--address <address>', 'only of this address'],
      ['--type <type>', 'only HTTP, TCP, HTTP+TCP or UNKNOWN'],
      NOT_VERBOSE,
    ],
  },
  {
    kind: 'routes',
    aliases: ['route', 'r'],
    description: 'which requests are matched in each virtual host',
    options: [['--name <name>', 'only of this route configuration'], NOT_VERBOSE],
  },
  {
    kind: 'clusters',
    aliases: ['cluster', 'c'],
    description: 'which services there are',
    options: [
      ['--fqdn <text>', 'only with this in the name of the service'],
      ['--port <port>', 'only of this port of a service'],
      ['--direction <direction>', 'only inbound or outbound'],
      ['--subset <text>', 'only with this in the name of the subset'],
    ],
  },
  {
    kind: 'endpoints',
    aliases: ['endpoint', 'ep', 'eds'],
    description: 'which hosts they have, and their health',
    options: [
      ['--cluster <name>', 'only of this cluster'],
      ['--address <address>', 'only with this address'],
      ['--port <port>', 'only with this port'],
      ['--status <status>', 'only HEALTHY, UNHEALTHY, DEGRADED …'],
    ],
  },
  {
    kind: 'secret',
    aliases: ['secrets', 's'],
    description: 'which certificates are held and until when; never what is in secrets',
    options: [],
  },
  {
    kind: 'bootstrap',
    aliases: ['b'],
    description: 'what it was started with, as JSON or YAML; with `-o short` which versions run',
    options: [],
  },
  {
    kind: 'ecds',
    aliases: [],
    description: 'which configurations of filters servers tell by name',
    options: [],
  },
  {
    kind: 'all',
    aliases: ['a'],
    description: 'everything',
    options: [
      ['--port <port>', 'only of this port'],
      ['--address <address>', 'only listeners and hosts of this address'],
      ['--fqdn <text>', 'only clusters with this in the name of the service'],
      ['--direction <direction>', 'only inbound or outbound clusters'],
      ['--subset <text>', 'only clusters with this in the name of the subset'],
      ['--name <name>', 'only this route configuration'],
      ['--type <type>', 'only HTTP, TCP, HTTP+TCP or UNKNOWN listeners'],
      ['--cluster <name>', 'only hosts of this cluster'],
      ['--status <status>', 'only HEALTHY, UNHEALTHY, DEGRADED … hosts'],
      NOT_VERBOSE,
    ],
  },
];

/** Adds the commands; nothing that they need is loaded. */
export function addProxyConfig(program: Command, hooks: ProgramHooks): void {
  const parent = program
    .command('proxy-config')
    .alias('pc')
    .description('show what a running proxy is configured by, in the columns of istioctl')
    .exitOverride()
    .showSuggestionAfterError();
  for (const kind of KINDS) addKind(parent, kind, hooks);
  parent
    .command('log')
    .description('show the levels of its log, or set them')
    .option('--admin <address>', 'HOST:PORT or the pipe of its admin interface', DEFAULT_ADMIN)
    .option('--level <levels>', 'a level for all, or component:level, separated by commas')
    .option('-r, --reset', 'all of them to warning')
    .option('-o, --output <format>', 'short (default), json or yaml')
    .exitOverride()
    .showSuggestionAfterError()
    .action(async (flags: LogFlags) => {
      const { showLog } = await hooks.loaded(import('./log-command.ts'));
      hooks.finish(await showLog(flags));
    });
}

function addKind(
  parent: Command,
  { kind, aliases, description, options }: KindText,
  { finish, loaded }: ProgramHooks,
): void {
  const command = parent
    .command(kind)
    .aliases(aliases)
    .description(description)
    .option(
      '--admin <address>',
      `HOST:PORT or the pipe of an admin interface (default ${DEFAULT_ADMIN})`,
    )
    .option('-f, --file <file>', 'an answer of /config_dump instead; - for the standard input')
    .option('-o, --output <format>', 'short, json or yaml')
    .exitOverride()
    .showSuggestionAfterError();
  for (const [flags, meaning] of options) command.option(flags, meaning);
  command.action(async (flags: ConfigFlags) => {
    const { showConfig } = await loaded(import('./proxy-config-command.ts'));
    finish(await showConfig(kind, { ...flags, admin: flags.admin ?? '' }, DEFAULT_ADMIN));
  });
}
