import t from 'tap';
import { PayloadMatcher } from '../../../proxy/upstream/health/payload-matcher.ts';

function matches(blocks: readonly string[], answer: string, step = answer.length): boolean {
  const matcher = new PayloadMatcher(blocks.map((block) => Buffer.from(block)));
  for (let at = 0; at < answer.length; at += step) {
    const part = Buffer.from(answer.slice(at, at + step));
    matcher.add(part);
    part.fill(0);
  }
  return matcher.hasAll;
}

t.test('blocks are found in order, with anything between them', async (t) => {
  for (const step of [1, 2, 100]) {
    t.equal(matches(['ab', 'cd'], 'xxabyycdzz', step), true);
    t.equal(matches(['ab', 'cd'], 'cdab', step), false);
    t.equal(matches(['aa', 'aa'], 'aaa', step), false, 'no octet counts twice');
    t.equal(matches(['aa', 'aa'], 'aaaa', step), true);
    t.equal(matches(['aab'], 'aaab', step), true);
  }
});

t.test('nothing to look for is found at once', async (t) => {
  t.equal(matches([], ''), true);
  t.equal(matches([''], ''), true);
});

t.test('a new answer begins from the start', async (t) => {
  const matcher = new PayloadMatcher([Buffer.from('ab')]);
  matcher.add(Buffer.from('a'));
  matcher.reset();
  matcher.add(Buffer.from('b'));
  t.equal(matcher.hasAll, false);
});
