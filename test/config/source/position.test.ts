import t from 'tap';
import { camelCase, LineIndex, locate, pathSteps } from '../../../proxy/config/source/position.ts';
import { readYaml } from '../../../proxy/config/source/read-yaml.ts';
import type { SourceNode } from '../../../proxy/config/source/source-node.ts';

function root(text: string): SourceNode {
  const read = readYaml(text);
  if (!read.ok) throw new Error('expected YAML');
  return read.root;
}

function found(texts: readonly string[], path: string, onKey = false): string {
  const { source, start, end } = locate(texts.map(root), path, onKey);
  return `${source}:${texts[source]?.slice(start, end)}`;
}

t.test('counts lines and columns from 1', (t) => {
  const index = new LineIndex('ab\r\n\ncd');
  t.equal(index.count, 3);
  t.same(index.position(0), { line: 1, column: 1 });
  t.same(index.position(1), { line: 1, column: 2 });
  t.same(index.position(4), { line: 2, column: 1 });
  t.same(index.position(5), { line: 3, column: 1 });
  t.same(index.position(7), { line: 3, column: 3 });
  t.same(
    [0, 1, 2, 3, 4].map((n) => index.line(n)),
    ['', 'ab', '', 'cd', ''],
  );
  t.same(new LineIndex('').position(0), { line: 1, column: 1 });
  t.end();
});

t.test('splits paths into fields, indexes and keys of maps', (t) => {
  t.same(pathSteps('a.b[2].c["x.y\\"z"].@type'), ['a', 'b', 2, 'c', 'x.y"z', '@type']);
  t.same(pathSteps(''), []);
  t.end();
});

t.test('finds values, and keys where a larger value or the name is meant', (t) => {
  const text = 'list:\n- name: one\n  inner: { deep: 5 }\nempty:\n';
  t.equal(found([text], 'list[0].name'), '0:one');
  t.equal(found([text], 'list[0].name', true), '0:name');
  t.equal(found([text], 'list[0].inner'), '0:inner');
  t.equal(found([text], 'list[0].inner.deep'), '0:5');
  t.equal(found([text], 'empty'), '0:empty');
  t.end();
});

t.test('points at the deepest step there is', (t) => {
  const text = 'list:\n- name: one\n';
  t.equal(found([text], 'list[0].missing.deeper'), '0:n');
  t.equal(found([text], 'list[7]'), '0:list');
  t.equal(found([text], 'name.x'), '0:l');
  t.same(locate([], 'a', false), { source: 0, start: 0, end: 0 });
  t.end();
});

t.test('finds keys in the other spelling', (t) => {
  t.equal(camelCase('http2_max_streams'), 'http2MaxStreams');
  t.equal(found(['altStatName: x\n'], 'alt_stat_name'), '0:x');
  t.end();
});

t.test('takes one value for a list of one', (t) => {
  t.equal(found(['domains: "*"\n'], 'domains[0]'), '0:"*"');
  t.end();
});

t.test('looks for the content of a typed value under its value', (t) => {
  const text = 'any: {"@type": x, value: {a: 1}}\n';
  t.equal(found([text], 'any.a'), '0:1');
  t.equal(found([text], 'any.value.a'), '0:1');
  t.end();
});

t.test('follows merged texts: lists end to end, later scalars first', (t) => {
  const texts = ['list: [a, b]\nname: one\n', 'list: [c]\nname: two\n'];
  t.equal(found(texts, 'list[1]'), '0:b');
  t.equal(found(texts, 'list[2]'), '1:c');
  t.equal(found(texts, 'name'), '1:two');
  t.equal(found(['name: one\n', 'list: []\n'], 'name'), '0:one');
  t.end();
});
