import t from 'tap';
import { readYaml } from '../../../proxy/config/source/read-yaml.ts';
import { readText } from '../../../proxy/config/source/source-file.ts';
import { MAX_DEPTH, MAX_SOURCE_BYTES } from '../../../proxy/config/source/source-node.ts';
import {
  findExcess,
  MAX_ALIASES,
  MAX_SCALAR_LENGTH,
  MAX_TOKENS,
} from '../../../proxy/config/source/yaml-limits.ts';

/** Generous: the target is 1 s, and the machines that run tests are shared. */
const LIMIT_MS = 4000;

t.test('lets usual texts pass', (t) => {
  t.equal(findExcess('a: [1, {b: *c}]\n- - - x\n"[[[": "*a"\n'), null);
  t.equal(findExcess(`${'*a '.repeat(MAX_ALIASES)}`), null);
  t.end();
});

t.test('refuses too many aliases, levels and tokens, and says where', (t) => {
  const aliases = findExcess(`[${'*a, '.repeat(MAX_ALIASES + 1)}]`);
  t.match(aliases, { start: 1 + 4 * MAX_ALIASES, reason: `more than ${MAX_ALIASES} aliases` });
  t.match(findExcess('['.repeat(MAX_DEPTH + 1)), { start: MAX_DEPTH, reason: /nested deeper/ });
  t.match(findExcess(`a: ${'- '.repeat(MAX_DEPTH + 1)}`), { start: 1, reason: /nested deeper/ });
  t.match(findExcess(`a: "${'x'.repeat(MAX_SCALAR_LENGTH)}"`), { reason: /a scalar of more than/ });
  t.equal(findExcess(`a: |\n  ${'x'.repeat(MAX_SCALAR_LENGTH - 3)}\n`), null);
  t.match(findExcess(`[${'a,'.repeat(MAX_TOKENS)}`), { reason: /more than 600000 YAML tokens/ });
  t.end();
});

t.test('refuses deep blocks as deep flows', (t) => {
  let text = '';
  for (let depth = 0; depth <= MAX_DEPTH; depth++) text += `${' '.repeat(depth)}a:\n`;
  const read = readYaml(text);
  t.match(read, { ok: false, problems: [{ reason: /nested deeper than 100 levels/ }] });
  let steep = '';
  for (let depth = 0; depth < 3000; depth++) steep += `${' '.repeat(depth)}a:\n`;
  t.match(readYaml(steep), { ok: false, problems: [{ reason: /nested deeper than 100 levels/ }] });
  t.end();
});

const HOSTILE: Readonly<Record<string, (bytes: number) => string>> = {
  brackets: (bytes) => '['.repeat(bytes),
  braces: (bytes) => '{a: '.repeat(bytes / 4),
  dashes: (bytes) => '- '.repeat(bytes / 2),
  'question marks': (bytes) => '? '.repeat(bytes / 2),
  anchors: (bytes) => '&a '.repeat(bytes / 3),
  aliases: (bytes) => '*a '.repeat(bytes / 3),
  tags: (bytes) => '!a '.repeat(bytes / 3),
  commas: (bytes) => `[${'a,'.repeat(bytes / 2)}`,
  'an open quote': (bytes) => `a: "${'x'.repeat(bytes)}`,
  'an open quote over lines': (bytes) => `a: "${'x\n'.repeat(bytes / 2)}`,
  colons: (bytes) => 'a: '.repeat(bytes / 3),
  'empty lines': (bytes) => '\n'.repeat(bytes),
  blanks: (bytes) => ' '.repeat(bytes),
  tabs: (bytes) => '\t'.repeat(bytes),
  'one word': (bytes) => 'x'.repeat(bytes),
  'nothing but NUL': (bytes) => '\0'.repeat(bytes),
  comments: (bytes) => '#\n'.repeat(bytes / 2),
  documents: (bytes) => '---\n'.repeat(bytes / 4),
  percents: (bytes) => '%\n'.repeat(bytes / 2),
};

for (const [name, make] of Object.entries(HOSTILE)) {
  t.test(`refuses 2 MiB of ${name} quickly`, (t) => {
    const text = make(2 * 1024 * 1024);
    const started = performance.now();
    t.equal(readYaml(text).ok, false);
    const spent = performance.now() - started;
    t.ok(spent < LIMIT_MS, `${spent.toFixed(0)} ms`);
    t.end();
  });
}

t.test('refuses a text of more than 16 MiB unread', (t) => {
  const text = ' '.repeat(MAX_SOURCE_BYTES + 1);
  t.match(readText(text, 'yaml'), { ok: false, problems: [{ reason: /larger than/ }] });
  t.match(readText(text, 'json'), { ok: false, problems: [{ reason: /larger than/ }] });
  t.end();
});
