import t from 'tap';
import { readJson } from '../../../proxy/config/source/read-json.ts';
import {
  entryOf,
  type MapNode,
  repeatedKeys,
  toPlainValue,
} from '../../../proxy/config/source/source-node.ts';

function map(text: string): MapNode {
  const read = readJson(text);
  if (!read.ok || read.root.kind !== 'map') throw new Error('expected a map');
  return read.root;
}

t.test('plain values have no prototype, so that every key is a key', (t) => {
  const value = toPlainValue(map('{"__proto__": {"a": 1}, "constructor": 2}')) as object;
  t.same(Object.keys(value), ['__proto__', 'constructor']);
  t.equal(Object.getPrototypeOf(value), null);
  t.equal(({} as { a?: unknown }).a, undefined);
  t.end();
});

t.test('the last of equal keys counts', (t) => {
  const scalar = { kind: 'scalar', start: 0, end: 1 } as const;
  const entries = [1, 2].map((value) => ({
    key: 'a',
    keyStart: value,
    keyEnd: value + 1,
    value: { ...scalar, value },
  }));
  const node: MapNode = { kind: 'map', start: 0, end: 9, entries };
  t.equal(entryOf(node, 'a'), entries[1]);
  t.equal(entryOf(node, 'b'), null);
  t.match(repeatedKeys(entries), [{ start: 2, end: 3 }]);
  t.same(toPlainValue(node), { a: 2 });
  t.end();
});
