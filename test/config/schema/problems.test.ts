import t from 'tap';
import { joinPath, ProblemSink } from '../../../proxy/config/schema/compile-context.ts';
import { ProblemWalk } from '../../../proxy/config/schema/problems.ts';
import { loadOptions } from '../../support/load-options.ts';

t.test('writes paths of fields, indexes and keys', (t) => {
  const walk = new ProblemWalk('base');
  walk.push('a');
  walk.push(0);
  walk.pushKey('x."y"');
  t.equal(walk.path(), 'base.a[0]["x.\\"y\\""]');
  walk.rejectKey('@type', 'key');
  walk.pop();
  walk.rejectUnknown('b', 'unknown');
  walk.pop();
  walk.reject('value');
  walk.warn('warning');
  t.same(walk.rejections, [
    { path: 'base.a[0]["x.\\"y\\""].@type', reason: 'key', onKey: true, isUnknownField: false },
    { path: 'base.a[0].b', reason: 'unknown', onKey: true, isUnknownField: true },
    { path: 'base.a', reason: 'value', onKey: false, isUnknownField: false },
  ]);
  t.same(walk.warnings, [{ path: 'base.a', reason: 'warning' }]);
  t.equal(new ProblemWalk().path(), '');
  t.end();
});

t.test('keeps a thousand problems and no more', (t) => {
  const walk = new ProblemWalk();
  for (let i = 0; i < 5000; i++) {
    walk.reject('r');
    walk.warn('w');
  }
  t.equal(walk.rejections.length, 1000);
  t.equal(walk.warnings.length, 1000);
  t.end();
});

t.test('contexts of a resource share its problems and its environment', (t) => {
  const environment = {
    ...loadOptions(),
    runtime: new Map(),
    clusterNames: null,
    hasInternalListeners: null,
    secretKinds: null,
    knownSecret: () => null,
  };
  const sink = new ProblemSink(environment);
  const context = sink.context('root');
  t.equal(context.failed, false);
  const inner = context.at('a').at('[0]').at('');
  inner.warn('b', 'careful');
  t.equal(context.failed, false);
  inner.reject('', 'no');
  t.equal(context.failed, true);
  t.equal(inner.environment, environment);
  t.same(sink.rejections, [{ path: 'root.a[0]', reason: 'no' }]);
  t.same(sink.warnings, [{ path: 'root.a[0].b', reason: 'careful' }]);
  t.equal(joinPath('', 'a'), 'a');
  t.end();
});
