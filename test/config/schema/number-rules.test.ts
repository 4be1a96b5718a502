import t from 'tap';
import { durationNanos, numberChecks } from '../../../proxy/config/schema/number-rules.ts';
import type { RuleSet } from '../../../proxy/config/schema/rule-set.ts';

function verdicts(rules: RuleSet, kind: string, values: readonly unknown[]): (string | null)[] {
  const checks = numberChecks(rules, kind);
  return values.map(
    (value) => checks.map((check) => check(value)).find((it) => it !== null) ?? null,
  );
}

t.test('bounds include or exclude their value', (t) => {
  const closed = 'value must be inside range [1, 3]';
  t.same(verdicts({ gte: 1, lte: 3 }, 'uint32', [0, 1, 3, 4]), [closed, null, null, closed]);
  const open = 'value must be inside range (1, 3)';
  t.same(verdicts({ gt: 1, lt: 3 }, 'uint32', [1, 2, 3]), [open, null, open]);
  t.same(verdicts({ gte: 1 }, 'uint32', [0, 1]), [
    'value must be greater than or equal to 1',
    null,
  ]);
  t.same(verdicts({ gt: 1 }, 'uint32', [1, 2]), ['value must be greater than 1', null]);
  t.same(verdicts({ lte: 1 }, 'uint32', [2, 1]), ['value must be less than or equal to 1', null]);
  t.same(verdicts({ lt: 1 }, 'uint32', [1, 0]), ['value must be less than 1', null]);
  t.same(verdicts({ gte: 0.5 }, 'double', [Number.NaN]), [
    'value must be greater than or equal to 0.5',
  ]);
  t.same(verdicts({ gt: 2n ** 60n }, 'uint64', [2n ** 60n + 1n]), [null]);
  t.end();
});

t.test('durations compare to the nanosecond', (t) => {
  const rules = { gt: { seconds: 0n, nanos: 1_000_000 } };
  const at = (seconds: bigint, nanos: number) => ({ seconds, nanos });
  t.same(verdicts(rules, 'duration', [at(0n, 1_000_000), at(0n, 1_000_001), at(-1n, 0)]), [
    'value must be greater than 0.001s',
    null,
    'value must be greater than 0.001s',
  ]);
  t.equal(durationNanos(at(-1n, -5)), -1_000_000_005n);
  t.end();
});

t.test('constants and lists', (t) => {
  t.same(verdicts({ const: true }, 'bool', [true, false]), [null, 'value must equal true']);
  t.same(verdicts({ in: [1, 2] }, 'int32', [1, 3]), [null, 'value must be in list [1, 2]']);
  t.same(verdicts({ not_in: [0] }, 'enum', [0, 1]), ['value must not be in list [0]', null]);
  t.same(verdicts({}, 'int32', [5]), [null]);
  t.end();
});
