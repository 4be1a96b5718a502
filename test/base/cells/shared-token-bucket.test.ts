import t from 'tap';
import { SharedTokenBucket } from '../../../proxy/base/cells/shared-token-bucket.ts';

t.test('a bucket is full at first, empties, and fills with time', async (t) => {
  const bucket = new SharedTokenBucket();
  const rate = { maxTokens: 3, tokensPerMs: 0.01 };
  const draw = (nowMs: number): boolean => bucket.consume(1, nowMs, rate);
  t.strictSame([draw(0), draw(0), draw(0), draw(0)], [true, true, true, false]);
  t.strictSame([draw(99), draw(100), draw(100)], [false, true, false]);
  t.equal(Math.round(bucket.available(150, rate) * 10), 5, 'half a token');
  t.equal(bucket.available(1_000_000, rate), 3, 'never more than fit in');
  t.equal(bucket.consume(4, 1_000_000, rate), false);
  t.equal(bucket.consume(3, 1_000_000, rate), true);
  t.equal(draw(999_999), false, 'a clock that is behind fills nothing');
});

t.test('buckets in the same cells are one', async (t) => {
  const cells = new Int32Array(16);
  const [one, two] = [new SharedTokenBucket(), new SharedTokenBucket()];
  const rate = { maxTokens: 1, tokensPerMs: 1e-3 };
  one.bind(cells, 6);
  two.bind(cells, 6);
  t.strictSame([one.consume(1, 5, rate), two.consume(1, 5, rate)], [true, false]);
  t.equal(two.consume(1, 1005, rate), true);
  t.strictSame(cells.findIndex((cell) => cell !== 0) >= 6, true);
  one.unbind();
  t.equal(one.consume(1, 1005, rate), true, 'its own again, and full');
});
