import t from 'tap';
import { readYaml } from '../../../proxy/config/source/read-yaml.ts';
import { type SourceProblem, toPlainValue } from '../../../proxy/config/source/source-node.ts';

function value(text: string): unknown {
  const read = readYaml(text);
  if (!read.ok) throw new Error(read.problems.map((it) => it.reason).join('; '));
  return toPlainValue(read.root);
}

function problems(text: string): readonly SourceProblem[] {
  const read = readYaml(text);
  return read.ok ? [] : read.problems;
}

function warnings(text: string): string[] {
  const read = readYaml(text);
  return read.ok ? read.warnings.map((it) => it.reason) : [];
}

t.test('reads maps, lists and scalars; quotes and blocks make text', (t) => {
  t.same(value('a: 1\nb: [x, "1", \'yes\', no]\nc:\n- {d: ~}\n- |\n  1\n- ! 5\n'), {
    a: 1,
    b: ['x', '1', 'yes', false],
    c: [{ d: null }, '1\n', '5'],
  });
  t.end();
});

t.test('remembers where keys and values stood', (t) => {
  const text = 'ab: cd\nlist:\n- x\n';
  const read = readYaml(text);
  const entries = read.ok && read.root.kind === 'map' ? read.root.entries : [];
  const [first, second] = entries;
  t.equal(text.slice(first?.keyStart, first?.keyEnd), 'ab');
  t.equal(text.slice(first?.value.start, first?.value.end), 'cd');
  const list = second?.value;
  const item = list?.kind === 'list' ? list.items[0] : undefined;
  t.equal(text.slice(item?.start, item?.end), 'x');
  t.end();
});

t.test('takes the last of repeated keys, and warns', (t) => {
  t.same(value('a: 1\nb: 2\na: 3\n'), { a: 3, b: 2 });
  t.match(warnings('a: 1\na: 3\n'), [/'a' is given more than once/]);
  t.end();
});

t.test('expands aliases, also as keys, to shared values', (t) => {
  const read = value('a: &x {b: 1}\nc: *x\nd: &k key\n*k : 2\n') as Record<string, unknown>;
  t.same(read, { a: { b: 1 }, c: { b: 1 }, d: 'key', key: 2 });
  t.equal(read['a'], read['c']);
  t.end();
});

t.test('drops keys tagged !ignore but keeps the anchors below them', (t) => {
  t.same(value('!ignore x: &x {b: 1}\nc: *x\n'), { c: { b: 1 } });
  t.end();
});

t.test('keeps a merge key as a key', (t) => {
  t.same(value('a: &x {b: 1}\nc: {<<: *x}\n'), { a: { b: 1 }, c: { '<<': { b: 1 } } });
  t.end();
});

t.test('reads core tags as if they were not there, and refuses others', (t) => {
  t.same(value('a: !!str 12\nb: !!map {c: !!int "3"}\n'), { a: 12, b: { c: '3' } });
  t.match(problems('a: !foo bar\n'), [{ reason: 'the tag !foo is not supported' }]);
  t.match(problems('a: !!binary aGk=\n'), [{ reason: /tag tag:yaml.org,2002:binary/ }]);
  t.match(problems('a: !!set {b}\n'), [{ reason: /tag tag:yaml.org,2002:set/ }]);
  t.end();
});

t.test('reads the first of several documents, and warns', (t) => {
  t.same(value('a: 1\n---\nb: 2\n'), { a: 1 });
  t.match(warnings('a: 1\n---\nb: 2\n'), [/only the first YAML document/]);
  t.same(warnings('%YAML 1.2\n---\na: 1\n...\n'), []);
  t.end();
});

t.test('wants a map or list at the top', (t) => {
  for (const text of ['', '# nothing\n', 'text', '---\n~\n']) {
    t.match(problems(text), [{ reason: /expected a mapping/ }], JSON.stringify(text));
  }
  t.same(value('[1]'), [1]);
  t.end();
});

t.test('reports one syntax error a line, each with its place', (t) => {
  const text = 'a: "\\q \\w"\nb: @x\n';
  const found = problems(text);
  t.equal(found.length, 2);
  t.match(found[0], { start: text.indexOf('\\q'), reason: /escape/ });
  t.match(found[1], { start: text.indexOf('@'), reason: /reserved character/ });
  for (const it of ['a: "x', 'a: {b: c', 'a: b: c', 'a:\n\tb: c', 'a: 1\n b: 2\n', 'a: [x\nb: y']) {
    t.ok(problems(it).length > 0, it);
  }
  t.end();
});

t.test('refuses aliases without a complete anchor and maps as keys', (t) => {
  t.match(problems('a: *x\n'), [{ reason: /no anchor &x/ }]);
  t.match(problems('a: &x [*x]\n'), [{ reason: /no anchor &x is complete/ }], 'a loop');
  t.match(problems('? {a: b}\n: c\n'), [{ reason: 'a key must be plain text' }]);
  t.match(problems('? [a]\n: c\n'), [{ reason: 'a key must be plain text' }]);
  t.end();
});

t.test('keys are text whatever they look like', (t) => {
  const read = value('1: a\ntrue: b\n~: c\n"": d\n__proto__: e\n') as object;
  t.same(Object.keys(read).sort(), ['', '1', '__proto__', 'true', '~']);
  t.equal(Object.getPrototypeOf(read), null);
  t.end();
});

t.test('refuses what aliases would blow up', (t) => {
  let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
  for (let i = 1; i < 10; i++) {
    text += `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(', ')}]\n`;
  }
  t.match(problems(text), [{ reason: /aliases add more than 100000 values/ }]);
  t.end();
});

t.test('survives rubbish of every length', (t) => {
  const sample = 'a: &x {b: [1, "t\\n", \'u\'], c: !ignore d}\n? |\n  e\n: *x\n--- # f\n%';
  for (let end = 0; end <= sample.length; end++) {
    t.doesNotThrow(() => readYaml(sample.slice(0, end)));
    t.doesNotThrow(() => readYaml(sample.slice(end)));
  }
  t.end();
});
