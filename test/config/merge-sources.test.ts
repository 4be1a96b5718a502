import { create, toBinary } from '@bufbuild/protobuf';
import t from 'tap';
import {
  type Bootstrap,
  BootstrapSchema,
} from '../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { MergedSources } from '../../proxy/config/merge-sources.ts';
import type { SourceText } from '../../proxy/config/source/source-file.ts';

function merge(
  sources: readonly SourceText[],
  allowUnknown = false,
): { merged: MergedSources; message: Bootstrap; problems: string[] } {
  const merged = new MergedSources(BootstrapSchema, allowUnknown);
  const message = merged.decode(sources) as Bootstrap;
  const problems = merged.problems.map(
    (it) => `${it.severity} ${it.file}:${it.line}:${it.column}+${it.length} ${it.path}`,
  );
  return { merged, message, problems };
}

t.test('merges as protobuf does: later scalars win, lists are appended', (t) => {
  const { message, problems } = merge([
    { name: 'a.yaml', content: 'node: {id: x, cluster: one}\nnode_context_params: [a]\n' },
    { name: 'b.json', content: '{"node": {"id": "z"}, "nodeContextParams": ["b"]}' },
    {
      name: 'c.pb',
      content: toBinary(BootstrapSchema, create(BootstrapSchema, { nodeContextParams: ['c'] })),
    },
  ]);
  t.same(problems, []);
  t.match(message, { node: { id: 'z', cluster: 'one' }, nodeContextParams: ['a', 'b', 'c'] });
  t.end();
});

t.test('places the problems of each text in that text', (t) => {
  const { merged, problems } = merge([
    { name: 'a.yaml', content: 'node: {id: x}\nnode: {id: 5, foo: 1}\n' },
    { name: 'b.yaml', content: '\nadmin:\n  foo: 1\n' },
  ]);
  t.same(problems, [
    'warning a.yaml:2:1+4 ',
    'error a.yaml:2:12+1 node.id',
    'error a.yaml:2:15+3 node.foo',
    'error b.yaml:3:3+3 admin.foo',
  ]);
  t.equal(merged.failed, true);
  t.equal(merged.isIncomplete, false);
  t.end();
});

t.test('places the problems of the merged message in the text that they come from', (t) => {
  const { merged } = merge([
    { name: 'a.yaml', content: 'node_context_params: [one]\nnode: {id: x}\n' },
    { name: 'b.yaml', content: 'node_context_params: [two, three]\n' },
  ]);
  merged.add('error', { path: 'node_context_params[2]', reason: 'no' });
  merged.add('warning', { path: 'node.id', reason: 'hm' });
  t.match(merged.problems, [
    { severity: 'error', file: 'b.yaml', line: 1, column: 28, length: 5, reason: 'no' },
    { severity: 'warning', file: 'a.yaml', line: 2, column: 12, length: 1 },
  ]);
  t.end();
});

t.test('lets unknown fields pass with a warning when told to', (t) => {
  const source = { name: 'a.yaml', content: 'foo: 1\nnode: {id: 5}\n' };
  t.same(merge([source], true).problems, [
    'warning a.yaml:1:1+3 foo',
    'error a.yaml:2:12+1 node.id',
  ]);
  t.equal(merge([{ name: 'a.yaml', content: 'foo: 1\n' }], true).merged.failed, false);
  t.end();
});

t.test('says of what cannot be read that it cannot', (t) => {
  const unread = (source: SourceText): string[] => {
    const { merged, problems } = merge([source]);
    t.equal(merged.isIncomplete, true);
    return problems;
  };
  t.same(unread({ name: 'a.yaml', content: 'a: "\n' }), ['error a.yaml:2:1+1 ']);
  t.same(unread({ name: 'a.json', content: Uint8Array.of(0xff) }), ['error a.json:0:0+0 ']);
  t.same(unread({ name: 'a.pb', content: Uint8Array.of(0xff) }), ['error a.pb:0:0+0 ']);
  t.same(unread({ name: 'a.pb_text', content: 'node {}' }), ['error a.pb_text:1:1+1 ']);
  t.end();
});
