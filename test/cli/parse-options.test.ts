import t from 'tap';
import {
  type FlagValues,
  type ParsedOptions,
  parseOptions,
} from '../../proxy/cli/parse-options.ts';
import type { ServerOptions } from '../../proxy/server/options.ts';

const ENVIRONMENT = { defaultConcurrency: () => 3, isTerminal: false, version: 'v' };

function parse(values: FlagValues): ParsedOptions {
  return parseOptions(values, ENVIRONMENT);
}

function accepted(values: FlagValues): ServerOptions {
  const parsed = parse({ configPath: 'a.yaml', ...values });
  if (!parsed.ok) throw new Error(parsed.errors.join('; '));
  return parsed.options;
}

function errorsOf(values: FlagValues): readonly string[] {
  const parsed = parse(values);
  return parsed.ok ? [] : parsed.errors;
}

t.test("fills in Envoy's defaults", async (t) => {
  const options = accepted({});
  t.equal(options.concurrency, 3);
  t.same(options.drain, {
    timeS: 600,
    strategy: 'gradual',
    shutdownMs: 5000,
    parentShutdownMs: 900_000,
  });
  t.equal(options.canBeUpgraded, true);
  t.equal(options.fileFlushIntervalMs, 10_000);
  t.equal(options.fileFlushMinBytes, 64 * 1024);
  t.same(options.log, { level: 'info', componentLevels: {}, path: '', pattern: '' });
});

t.test('reports every mistake at once', async (t) => {
  const errors = errorsOf({
    mode: 'check',
    concurrency: '-1',
    logLevel: 'loud',
    componentLogLevel: 'http,upstream:never',
    drainStrategy: 'slow',
    baseId: 'x',
  });
  t.equal(errors.length, 8, errors.join('\n'));
  t.match(errors.join('\n'), /no configuration: give a file with -c FILE/);
  t.match(errors.join('\n'), /--concurrency: '-1' is not a whole number from 0 to 4294967295/);
  t.match(errors.join('\n'), /--base-id: 'x'/);
  t.match(errors.join('\n'), /--component-log-level: 'http' is not <component>:<level>/);
});

t.test('uses the drain time for SIGTERM only when it was given', async (t) => {
  t.same(accepted({ drainTimeS: '20' }).drain, {
    timeS: 20,
    strategy: 'gradual',
    shutdownMs: 20_000,
    parentShutdownMs: 900_000,
  });
});

t.test('runs one worker when asked for none', async (t) => {
  t.equal(accepted({ concurrency: '0' }).concurrency, 1);
});

t.test('takes warn for warning, and levels of single components', async (t) => {
  const { log } = accepted({ logLevel: 'warn', componentLogLevel: 'http:debug,upstream:trace' });
  t.equal(log.level, 'warning');
  t.same(log.componentLevels, { http: 'debug', upstream: 'trace' });
});

t.test('is readable on a terminal and JSON elsewhere', async (t) => {
  const onTerminal = parseOptions({ configPath: 'a' }, { ...ENVIRONMENT, isTerminal: true });
  t.ok(onTerminal.ok && onTerminal.options.log.pattern.includes('%v'));
  const toFile = parseOptions(
    { configPath: 'a', logPath: '/tmp/x' },
    { ...ENVIRONMENT, isTerminal: true },
  );
  t.ok(toFile.ok && toFile.options.log.pattern === '');
  t.equal(accepted({ logFormat: '%v', logFormatEscaped: true }).log.pattern, '%_');
});

t.test('reads tags of all statistics, and refuses what is none', async (t) => {
  const parsed = parse({ configPath: 'a.yaml', statsTag: ['zone:a:b', 'env.name:x'] });
  t.same(parsed.ok && parsed.options.statsTags, [
    { name: 'zone', fixedValue: 'a:b' },
    { name: 'env.name', fixedValue: 'x' },
  ]);
  const wrong = parse({ configPath: 'a.yaml', statsTag: ['nothing', ':x', 'a-b:c'] });
  t.equal(!wrong.ok && wrong.errors.length, 3);
});

t.test('names the flags that it accepts without effect', async (t) => {
  const options = accepted({ disableHotRestart: true, baseId: '7', statsTag: [] });
  t.same(options.unusedFlags, ['--base-id']);
  t.equal(options.canBeUpgraded, false);
});

t.test('says what was given as the admin interface shows it', async (t) => {
  t.same(accepted({ concurrency: '2', serviceNode: 'n' }).commandLine, {
    config_path: 'a.yaml',
    concurrency: 2,
    service_node: 'n',
  });
});
