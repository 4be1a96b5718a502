import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { renewFlagDocs } from '../../proxy/cli/docs.ts';
import { ENVOY_FLAGS } from '../../proxy/cli/envoy-flags.ts';
import { envoyHelp, withoutEnvoy } from '../support/with-envoy.ts';

const names = (text: string): string[] => text.match(/(?<=^|[ ,(])--?[a-z][a-z-]*/gm) ?? [];

t.test('has every flag of Envoy, with its short form', { skip: withoutEnvoy }, (t) => {
  const ours = new Set([
    ...ENVOY_FLAGS.flatMap(({ flags }) => names(flags)),
    ...['--version', '--help', '-h'],
  ]);
  // `--` is the business of the library that reads a command line, there and here.
  const lines = (envoyHelp().match(/^ {3}-.*$/gm) ?? []).filter((line) => !/--,/.test(line));
  const theirs = lines.flatMap(names);
  t.ok(theirs.length > 40);
  for (const name of theirs) t.ok(ours.has(name), name);
  t.end();
});

t.test('is what docs/command-line.md lists', (t) => {
  const file = new URL('../../../docs/command-line.md', import.meta.url);
  const text = readFileSync(file, 'utf8');
  t.equal(renewFlagDocs(text), text, 'npm run docs renews it');
  t.equal(renewFlagDocs('no table\n').split('\n').length, ENVOY_FLAGS.length + 7);
  t.end();
});

t.test('answers --version', (t) => {
  const main = new URL('../../proxy/cli/main.js', import.meta.url).pathname;
  const output = execFileSync(process.execPath, [main, '--version'], { encoding: 'utf8' });
  t.match(output, /^outrigger {2}version: \w+\/\d+\.\d+\.\d+\//);
  t.end();
});
