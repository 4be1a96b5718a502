// The commands that explain, as people call them: each file of test/golden/explain is a command line,
// a line of dashes, and all that it prints, over the configurations of examples/.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { callCommand, callCommandIn } from '../support/command-host.ts';
import { TestDirectory } from '../support/with-process.ts';

const GOLDEN = fileURLToPath(new URL('../../../test/golden/explain/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LINE = '----\n';

/** Splits at blanks outside of quotes. */
function wordsOf(commandLine: string): readonly string[] {
  const words = commandLine.match(/'[^']*'|\S+/g) ?? [];
  return words.map((word) => word.replace(/^'(.*)'$/, '$1'));
}

t.test('each command prints what its file says', async (t) => {
  const names = readdirSync(GOLDEN);
  const checks = names.map(async (name) => {
    const [commandLine = '', expected = ''] = readFileSync(GOLDEN + name, 'utf8').split(LINE);
    const words = wordsOf(commandLine.trim()).slice(1);
    const { code, stdout, stderr } = await callCommandIn(ROOT, ...words);
    t.equal(`${stdout}${stderr}exit status ${code}\n`, expected, name);
  });
  await Promise.all(checks);
});

t.test('the documentation shows what is printed', async (t) => {
  const text = readFileSync(`${ROOT}docs/explain.md`, 'utf8');
  for (const name of ['forwarded', 'tests', 'diff']) {
    const golden = readFileSync(`${GOLDEN}${name}.txt`, 'utf8');
    const [, printed = ''] = golden.split(LINE);
    t.ok(text.includes(printed.replace(/\nexit status \d\n$/, '')), name);
  }
});

t.test('explain says what is wrong with a command line, all at once', async (t) => {
  const { code, stderr } = await callCommand(
    'explain',
    'G ET',
    'http://a b',
    '-H',
    'x',
    '--random',
    '-1',
  );
  t.equal(code, 64);
  for (const reason of [
    "'G ET' is no method",
    "'http://a b' holds a character",
    "'x' is no header: write 'name: value'",
    "--random: '-1' is not a whole number",
    'no configuration: give a file with -c FILE',
  ]) {
    t.ok(stderr.includes(reason), reason);
  }
});

t.test(
  'explain takes a configuration of the command line, which has places of its own',
  async (t) => {
    const yaml = `static_resources: { listeners: [{ name: l, address: { socket_address: { address: 0.0.0.0, port_value: 80 } }, filter_chains: [{ filters: [{ name: echo, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo } }] }] }] }`;
    const { code, stdout } = await callCommand('explain', '--config-yaml', yaml, 'GET', 'a');
    t.equal(code, 2);
    t.match(stdout, 'no HTTP is spoken here: the filter chain has envoy.filters.network.echo');
    t.match(stdout, '--config-yaml:1');
  },
);

t.test('explain and test refuse a configuration that serving would refuse', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const bad = directory.write('bad.yaml', 'static_resources: { listner: [] }\n');
  const explained = await callCommand('explain', '-c', bad, 'GET', 'http://a/');
  t.equal(explained.code, 1);
  t.match(explained.stderr, "did you mean 'listeners'");
  const tests = directory.write('a.test.yaml', 'config: bad.yaml\ntests: []\n');
  const tested = await callCommand('test', tests);
  t.equal(tested.code, 2);
  t.match(tested.stderr, "did you mean 'listeners'");
});

t.test('test says every mistake of a file with its place', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const file = directory.write(
    'a.test.yaml',
    'tests:\n- request: { url: "a b", metod: GET }\n  expect: { clustre: x, outcome: forward, weights: { a: 200 } }\n- {}\n',
  );
  const { code, stderr } = await callCommand('test', file);
  t.equal(code, 2);
  for (const reason of [
    `${file}:2:19: error: tests[0].request: 'a b' holds a character that no URL may hold`,
    `${file}:2:26: error: tests[0].request.metod: unknown key 'metod'; did you mean 'method'?`,
    `${file}:3:13: error: tests[0].expect.clustre: unknown key 'clustre'; did you mean 'cluster'?`,
    "'forward' is unknown; did you mean 'forwarded'?",
    'tests[0].expect.weights.a: must be a number from 0 to 100',
    `${file}:4:3: error: tests[1]: 'request' is missing`,
  ]) {
    t.ok(stderr.includes(reason), reason);
  }
  t.equal((await callCommand('test', directory.write('b.test.yaml', 'tests: []\n'))).code, 2);
  t.equal((await callCommand('test', 'none.test.yaml')).code, 2);
});

t.test('test fails when an expectation is not met or too few routes are reached', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const config = `${ROOT}examples/routes.yaml`;
  const file = directory.write('a.test.yaml', {
    config,
    tests: [{ request: { url: 'http://shop.example/' }, expect: { cluster: 'page' } }],
  });
  const failed = await callCommand('test', file);
  t.equal(failed.code, 1);
  t.match(failed.stdout, /cluster: expected page .*a\.test\.yaml:1\n +actual {3}pages\n/);
  t.match(
    failed.stdout,
    /routes: 1 of 7 \(14\.29 %\); no test reaches\n {2}- testers .*routes\.yaml:27/,
  );
  const json = JSON.parse((await callCommand('test', '--json', file)).stdout);
  t.match(json, {
    files: [
      {
        passed: 0,
        failed: 1,
        coverage: { total: 7, reached: 1 },
        results: [{ failures: [{ key: 'cluster', expected: 'page', actual: 'pages' }] }],
      },
    ],
  });
  const example = `${ROOT}examples/routes.test.yaml`;
  t.equal((await callCommand('test', '--min-coverage', '100', example)).code, 0);
  const few = directory.write('b.test.yaml', {
    config,
    tests: [{ request: { url: 'http://shop.example/' }, expect: { cluster: 'pages' } }],
  });
  const missed = await callCommand('test', '--min-coverage', '50', few);
  t.equal(missed.code, 1);
  t.match(missed.stderr, '14.29 % of the routes are reached, 50 % are wanted');
  t.equal((await callCommand('test', '--min-coverage', 'much', few)).code, 64);
});
