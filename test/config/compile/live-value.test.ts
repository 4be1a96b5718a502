import t from 'tap';
import {
  liveFraction,
  liveRecord,
  liveValue,
  withLive,
} from '../../../proxy/config/compile/live-value.ts';
import { LiveRuntime } from '../../../proxy/model/runtime.ts';

t.test('values follow a runtime that changes, and are computed once per change', async (t) => {
  const runtime = new LiveRuntime(new Map([['k', 1]]));
  let reads = 0;
  const read = (): number => {
    reads += 1;
    return Number(runtime.get('k'));
  };
  const live = liveValue(runtime, read);
  const record = liveRecord(runtime, () => ({ k: runtime.get('k'), fixed: 'x' }));
  const share = liveFraction(runtime, () => ({
    numerator: Number(runtime.get('k')),
    denominator: 100,
  }));
  const config = Object.freeze(withLive({ name: 'n' }, runtime, ['k', () => runtime.get('k')]));
  t.strictSame([live.value, live.value, reads], [1, 1, 1]);
  runtime.replace(new Map([['k', 2]]));
  t.strictSame([live.value, live.value, reads], [2, 2, 2]);
  t.strictSame({ ...record }, { k: 2, fixed: 'x' });
  t.strictSame([share.numerator, share.denominator], [2, 100]);
  t.strictSame({ ...config }, { name: 'n', k: 2 }, 'also in what is frozen');
});

t.test('under a runtime that never changes they are plain values', async (t) => {
  const runtime = new Map([['k', 1]]);
  const record = liveRecord(runtime, () => ({ k: 1 }));
  t.equal(Object.getOwnPropertyDescriptor(record, 'k')?.value, 1);
  const config = withLive({ name: 'n' }, runtime, ['k', () => 1]);
  t.equal(Object.getOwnPropertyDescriptor(config, 'k')?.value, 1);
  t.equal(
    Object.getOwnPropertyDescriptor(
      liveValue(runtime, () => 1),
      'value',
    )?.value,
    1,
  );
});
