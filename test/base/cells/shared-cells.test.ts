import t from 'tap';
import { NO_ROOM } from '../../../proxy/base/cells/cell-registry.ts';
import { regionCells, SharedRegion } from '../../../proxy/base/cells/region.ts';
import {
  type CellSource,
  PENDING,
  privateCells,
  SharedCells,
} from '../../../proxy/base/cells/shared-cells.ts';
import { twoProcesses } from '../../support/two-processes.ts';

const LAYOUT = { counters: 8, ints: 32, slots: 3 };

t.test('processes see each other under the same key', async (t) => {
  const { processes } = twoProcesses();
  const [one, two] = processes;
  one.counter('requests').acquire();
  t.equal(two.counter('requests').taken, 1);
  t.equal(two.counter('others').taken, 0);
  one.ints('host', 3).set(2, -5);
  t.strictSame(
    [0, 1, 2].map((index) => two.ints('host', 3).get(index)),
    [0, 0, -5],
  );
  t.equal(two.ints('host', 3).add(2, 6), -5);
  t.equal(one.ints('host', 3).compareExchange(2, 1, 9), 1);
  t.equal(one.ints('host', 3).get(2), 9);
  const rate = { maxTokens: 2, tokensPerMs: 1 };
  t.equal(one.bucket('limit').consume(2, 100, rate), true);
  t.equal(two.bucket('limit').consume(1, 100, rate), false);
});

t.test('users in one process share the object until the last is done', async (t) => {
  const { registry, processes } = twoProcesses();
  const [one, two] = processes;
  const counter = one.counter('a');
  t.equal(one.counter('a'), counter);
  one.release('a');
  counter.acquire();
  t.equal(two.counter('a').taken, 1);
  one.release('a');
  t.equal(two.counter('a').taken, 0, 'what it held is given back');
  counter.release();
  t.equal(two.counter('a').taken, 0, 'and late calls reach nobody');
  t.equal(registry.want(2, { key: 'b', kind: 'counter', size: 1 }), 1, 'the other one holds it');
});

t.test('counts for itself until the place is told', async (t) => {
  const region = new SharedRegion(new Int32Array(regionCells(LAYOUT)), LAYOUT);
  const gone: string[] = [];
  const source: CellSource = { want: () => PENDING, giveUp: (key) => gone.push(key) };
  const cells = new SharedCells({ region, slot: 1, source, nowMs: () => 0 });
  const counter = cells.counter('a');
  counter.acquire();
  cells.bind('a', 3);
  t.equal(region.cells[region.place(1, 3).total], 1);
  cells.bind('unknown', 3);
  cells.counter('b').acquire();
  cells.bind('b', NO_ROOM);
  t.equal(cells.counter('b').taken, 1, 'no room: for itself');
  cells.release('a');
  t.strictSame(gone, ['a']);
});

t.test('without a region everything is private', async (t) => {
  const cells = privateCells(() => 7);
  t.equal(cells.nowMs(), 7);
  const counter = cells.counter('a');
  t.strictSame([counter.tryAcquire(1), counter.tryAcquire(1)], [true, false]);
  cells.release('a');
  cells.release('a');
  t.equal(cells.counter('a').taken, 0);
});
