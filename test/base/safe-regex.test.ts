// RE2 semantics behind SafeRegex.
import t from 'tap';
import { compileSafeRegex, type SafeRegex } from '../../proxy/base/safe-regex.ts';

function compiled(source: string): SafeRegex {
  const regex = compileSafeRegex(source);
  if ('error' in regex) throw new Error(regex.error);
  return regex;
}

t.test('matches the whole, finds a part', async (t) => {
  const regex = compiled('a+b');
  t.ok(regex.matches('aab'));
  t.notOk(regex.matches('xaab'));
  t.ok(regex.find('xaaby'));
  t.notOk(regex.find('b'));
  t.equal(regex.source, 'a+b');
});

t.test('what RE2 does not know is refused with a reason', async (t) => {
  for (const source of ['(', 'a(?=b)', '(a)\\1', '[z-a]']) {
    const regex = compileSafeRegex(source);
    t.ok('error' in regex && regex.error !== '', source);
  }
});

t.test('substitutions are written as in RE2', async (t) => {
  const regex = compiled('(\\d+)-(\\w)');
  t.equal(regex.replaceAll('1-a 22-b', '\\2:\\1'), 'a:1 b:22');
  t.equal(regex.replaceAll('1-a', '$1 \\0 \\\\'), '$1 1-a \\');
  t.equal(regex.replaceAll('1-a', '\\10\\20$'), '10a0$', 'a group has one digit');
  t.equal(regex.replaceAll('1-a', '\\3'), '1-a', 'no such group: left alone');
});

t.test('groups come with their places, null where one did not take part', async (t) => {
  const groups = compiled('b(c)?(d)').captures('abd');
  t.same(groups, [{ start: 1, text: 'bd' }, null, { start: 2, text: 'd' }]);
  t.equal(compiled('x').captures('abd'), null);
});

t.test('a pattern made to hang answers in linear time', async (t) => {
  const started = performance.now();
  t.notOk(compiled('(a+)+$').find(`${'a'.repeat(2_000)}!`));
  t.ok(performance.now() - started < 5_000);
});
