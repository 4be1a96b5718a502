import t from 'tap';
import {
  layoutFor,
  type RegionLayout,
  regionCells,
  SharedRegion,
} from '../../../proxy/base/cells/region.ts';
import { SharedCounter } from '../../../proxy/base/cells/shared-counter.ts';
import { makeSharedMemory, mapSharedMemory } from '../../../proxy/net/shared-memory.ts';
import { countingProcess } from '../../support/counting-process.ts';

const LAYOUT: RegionLayout = { counters: 16, ints: 16, slots: 4 };

function region(): SharedRegion {
  return new SharedRegion(new Int32Array(regionCells(LAYOUT)), LAYOUT);
}

function bound(shared: SharedRegion, slot: number, index = 0): SharedCounter {
  const counter = new SharedCounter();
  counter.bind(shared.place(slot, index));
  return counter;
}

t.test('counts for itself until it is bound, and takes along what it holds', async (t) => {
  const shared = region();
  const other = bound(shared, 1);
  other.acquire();
  const counter = new SharedCounter();
  t.equal(counter.tryAcquire(1), true);
  t.equal(counter.tryAcquire(1), false);
  t.strictSame([counter.taken, counter.own], [1, 1]);
  counter.bind(shared.place(2, 0));
  t.strictSame([counter.taken, counter.own], [2, 1]);
  counter.unbind();
  t.strictSame([counter.taken, counter.own, other.taken], [1, 1, 1]);
});

t.test('of all who ask exactly as many get one as the limit says', async (t) => {
  const shared = region();
  const counters = [1, 2, 3].map((slot) => bound(shared, slot));
  const got = [0, 1, 2, 0, 1, 2, 0].map((index) => counters[index]?.tryAcquire(5));
  t.strictSame(got, [true, true, true, true, true, false, false]);
  counters[2]?.release();
  t.equal(counters[0]?.tryAcquire(5), true);
  t.equal(counters[1]?.tryAcquire(5), false);
  counters[1]?.acquire();
  t.equal(counters[0]?.taken, 6, 'past the limit for good reason');
  t.strictSame(
    counters.map(({ own }) => own),
    [3, 3, 0],
  );
});

t.test('alone in the region it keeps no share', async (t) => {
  const shared = region();
  const counter = bound(shared, -1);
  const seen = bound(shared, 0);
  t.strictSame(
    [counter.tryAcquire(2), counter.tryAcquire(2), counter.tryAcquire(2)],
    [true, true, false],
  );
  counter.acquire();
  counter.release();
  t.strictSame([seen.taken, seen.own], [2, 0], 'the primary sees it');
  seen.unbind();
  t.equal(counter.taken, 2, 'and takes nothing along');
});

t.test('counters do not touch each other', async (t) => {
  const shared = region();
  const counters = [0, 1, 2, 3].flatMap((slot) =>
    [0, 7, 15].map((index) => bound(shared, slot, index)),
  );
  for (const [index, counter] of counters.entries()) {
    for (let times = 0; times <= index; times += 1) counter.acquire();
  }
  t.strictSame(
    counters.map(({ own }) => own),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
  t.strictSame(
    counters.slice(0, 3).map(({ taken }) => taken),
    [22, 26, 30],
  );
});

t.test('what a dead process held is given back', async (t) => {
  const shared = region();
  const living = bound(shared, 1);
  const dead = bound(shared, 2);
  living.acquire();
  for (let times = 0; times < 4; times += 1) dead.acquire();
  shared.giveBack(2, 0);
  t.equal(living.taken, 1);
  shared.giveBack(2, 0);
  t.equal(living.taken, 1, 'once');
});

t.test(
  'a death between two stores leaves the total 1 too large until it is repaired',
  async (t) => {
    // Order of stores: taking marks, changes the total, then the share; giving back marks, changes the
    // share, then the total. Each line is what such a death leaves: mark, total, share.
    const left = [
      { total: 1, share: 1, when: 'before anything was changed' },
      { total: 2, share: 1, when: 'taking: the total is changed' },
      { total: 2, share: 2, when: 'taking: all but the mark' },
      { total: 1, share: 0, when: 'giving back: the share is changed' },
    ];
    for (const { total, share, when } of left) {
      const shared = region();
      const living = bound(shared, 1);
      living.acquire();
      const place = shared.place(2, 0);
      place.cells[place.busy] = 7;
      place.cells[place.total] = 1 + total;
      place.cells[place.share] = share;
      t.equal(shared.diedBusy(2), true, when);
      t.equal(shared.repair(0), false, 'not while somebody may be at work');
      shared.resetSlot(2);
      shared.giveBack(2, 0);
      t.equal(living.taken, 1 + total - share, 'never too small');
      t.equal(shared.repair(0), true);
      t.equal(living.taken, 1, `${when}: repaired`);
    }
  },
);

t.test('the region for many workers stays bounded', async (t) => {
  t.strictSame(layoutFor(4), { counters: 65_536, ints: 262_144, slots: 13 });
  t.ok(regionCells(layoutFor(256)) * 4 < 20_000_000);
  t.equal(layoutFor(256).counters % 16, 0);
});

t.test('two processes lose no update, and a killed one leaves nothing', async (t) => {
  const bytes = regionCells(LAYOUT) * 4;
  const fd = makeSharedMemory(bytes);
  if (typeof fd === 'string') throw new Error(fd);
  const memory = mapSharedMemory(fd, bytes);
  if (typeof memory === 'string') throw new Error(memory);
  const shared = new SharedRegion(new Int32Array(memory), LAYOUT);
  const own = bound(shared, 0);
  own.acquire();
  const order = { layout: LAYOUT, limit: 2, rounds: 200_000 };
  const workers = [1, 2].map((slot) => countingProcess(fd, { ...order, slot }));
  const victim = countingProcess(fd, { ...order, slot: 3, rounds: 0 });
  await victim.begun;
  const reports = await Promise.all(workers.map(({ done }) => done));
  await victim.kill();
  for (const { taken, refused, excesses } of reports) {
    t.equal(taken + refused, 200_000);
    t.equal(excesses, 0, 'never more than the limit');
  }
  const isInDoubt = shared.diedBusy(3);
  shared.resetSlot(3);
  shared.giveBack(3, 0);
  t.ok(isInDoubt ? own.taken <= 2 : own.taken === 1, 'in doubt by one at most');
  t.equal(shared.repair(0), true);
  t.equal(own.taken, 1);
});
