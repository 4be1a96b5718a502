// /logging: shows and changes the level of each component.
import { LOG_LEVELS, type LogLevel } from '../base/log.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  textReply,
} from './endpoint.ts';

/** Query or change logging levels. */
export const LOGGING_ENDPOINT: Endpoint = {
  path: '/logging',
  help: 'query/change logging levels',
  params: [
    {
      id: 'paths',
      help: 'Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>.',
      options: [],
    },
    {
      id: 'level',
      help: "desired logging level, this will change all loggers's level",
      options: ['', ...LOG_LEVELS],
    },
  ],
  mutates: true,
  handle: handleLogging,
};

type Levels = Readonly<Record<string, LogLevel>>;
type Change = { readonly levels: Levels } | { readonly error: string };

function handleLogging(request: AdminRequest, context: AdminContext): AdminReply {
  const known = context.backend.logLevels();
  const change = changeOf(request.params.entries, known);
  if ('error' in change) return textReply(usageText(change.error, known), 400);
  if (Object.keys(change.levels).length > 0) context.backend.setLogLevels(change.levels);
  return textReply(loggersText(context.backend.logLevels()));
}

function changeOf(entries: readonly (readonly [string, string])[], known: Levels): Change {
  const [first] = entries;
  if (first === undefined) return { levels: {} };
  if (entries.length > 1) return { error: 'invalid number of parameters' };
  const [name, value] = first;
  if (name === 'level') {
    return levelsOf(
      Object.keys(known).map((logger) => [logger, value]),
      known,
    );
  }
  if (name === 'group') {
    return { error: 'group parameter requires fine-grain logging to be enabled' };
  }
  if (name !== 'paths') return levelsOf([[name, value]], known);
  const pairs = value.split(',').map((part): [string, string] => {
    const [logger = '', level = ''] = part.split(':');
    return [logger, level];
  });
  return levelsOf(pairs, known);
}

function levelsOf(pairs: readonly (readonly [string, string])[], known: Levels): Change {
  const levels: Record<string, LogLevel> = {};
  for (const [logger, text] of pairs) {
    if (logger === '' || text === '') {
      return { error: 'empty logger name or empty logger level' };
    }
    const level = LOG_LEVELS.find((name) => name === text);
    if (level === undefined) return { error: 'unknown logger level' };
    if (!Object.hasOwn(known, logger)) return { error: 'unknown logger name' };
    levels[logger] = level;
  }
  return { levels };
}

function loggersText(levels: Levels): string {
  const lines = Object.entries(levels).map(([logger, level]) => `  ${logger}: ${level}\n`);
  return `active loggers:\n${lines.join('')}`;
}

function usageText(error: string, known: Levels): string {
  return [
    `error: ${error}\n`,
    '\n',
    'usage: /logging?<name>=<level> (change single level)\n',
    'usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n',
    'usage: /logging?level=<level> (change all levels)\n',
    `levels: ${LOG_LEVELS.join(' ')} \n`,
    loggersText(known),
  ].join('');
}
