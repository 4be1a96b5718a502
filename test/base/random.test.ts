import t from 'tap';
import { isDrawn } from '../../proxy/base/random.ts';
import { seededRandom } from '../support/seeded-random.ts';

t.test('a share is that share of all draws', async (t) => {
  const random = seededRandom(1);
  let drawn = 0;
  for (let index = 0; index < 10_000; index += 1) {
    if (isDrawn(random, { numerator: 2_500, denominator: 10_000 })) drawn += 1;
  }
  t.ok(Math.abs(drawn - 2_500) < 150, `${drawn}`);
});

t.test('none and all are certain', async (t) => {
  const never = { next: () => t.fail('nothing is drawn'), uuid: () => '' } as never;
  t.notOk(isDrawn(never, { numerator: 0, denominator: 100 }));
  t.ok(isDrawn(never, { numerator: 100, denominator: 100 }));
  t.ok(isDrawn(never, { numerator: 101, denominator: 100 }));
});
