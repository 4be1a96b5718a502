import t from 'tap';
import { readYaml } from '../../../proxy/config/source/read-yaml.ts';

/** `line text: reason` of every problem. */
function problems(text: string): string[] {
  const read = readYaml(text);
  return (read.ok ? [] : read.problems).map(
    ({ start, reason }) => `${text.slice(start).split('\n', 1)[0]}: ${reason}`,
  );
}

t.test('points at the first line whose indentation fits nothing, and at no later one', (t) => {
  const found = problems('a:\n    b: 1\n   c: 2\n    d: 3\n    e: 4\n');
  t.equal(found.length, 1);
  t.match(found[0], /^c: 2: .*same column: 3 spaces fit no line above$/);
  t.end();
});

t.test('says of a tab that spaces are wanted', (t) => {
  t.match(problems('a:\n\tb: 1\n'), [/use spaces$/]);
  t.end();
});

t.test('tells a value that needs quotes from a line that is indented too deep', (t) => {
  t.match(problems('a: b: c\n'), [/quotes$/]);
  t.match(problems('- name: x\n    other: y\n'), [/the next line is indented/]);
  t.end();
});

t.test('says that a lone asterisk needs quotes', (t) => {
  t.match(problems('domains: [*]\n'), [/needs quotes, "\*"$/]);
  t.end();
});
