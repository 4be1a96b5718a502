import t from 'tap';
import {
  CellRegistry,
  type CellRequest,
  NO_ROOM,
} from '../../../proxy/base/cells/cell-registry.ts';
import { regionCells, SharedRegion } from '../../../proxy/base/cells/region.ts';
import { SharedCounter } from '../../../proxy/base/cells/shared-counter.ts';

const LAYOUT = { counters: 4, ints: 16, slots: 3 };

function registry(): CellRegistry {
  return new CellRegistry(new SharedRegion(new Int32Array(regionCells(LAYOUT)), LAYOUT));
}

function counter(key: string): CellRequest {
  return { key, kind: 'counter', size: 1 };
}

function ints(key: string, size: number): CellRequest {
  return { key, kind: 'ints', size };
}

function bound({ region }: CellRegistry, slot: number, first: number): SharedCounter {
  const made = new SharedCounter();
  made.bind(region.place(slot, first));
  return made;
}

t.test('a key means the same cells to all, other keys mean others', async (t) => {
  const book = registry();
  const [one, two] = [book.join(), book.join()];
  const first = book.want(one, counter('a'));
  t.equal(book.want(two, counter('a')), first);
  t.not(book.want(two, counter('b')), first);
  const block = book.want(one, ints('c', 3));
  t.equal(book.want(two, ints('c', 3)), block);
  t.equal(book.want(two, ints('d', 3)), block + 4, 'blocks do not overlap');
  t.equal(book.want(two, ints('c', 4)), NO_ROOM, 'not of another size');
});

t.test('cells are free for others, and 0, when the last one gave them up', async (t) => {
  const book = registry();
  const [one, two] = [book.join(), book.join()];
  const first = book.want(one, counter('a'));
  book.want(two, counter('a'));
  bound(book, one, first).acquire();
  book.giveUp(one, 'a');
  book.giveUp(one, 'a');
  t.equal(book.want(one, counter('a')), first, 'the other one holds them still');
  book.giveUp(one, 'a');
  book.giveUp(two, 'a');
  t.equal(book.want(one, counter('b')), first);
  t.equal(bound(book, one, first).taken, 0);
});

t.test('says when there is no room, and has room again later', async (t) => {
  const book = registry();
  const slot = book.join();
  const keys = ['a', 'b', 'c', 'd'];
  t.strictSame(
    keys.map((key) => book.want(slot, counter(key))),
    [0, 1, 2, 3],
  );
  t.equal(book.isFull, false);
  t.equal(book.want(slot, counter('e')), NO_ROOM);
  t.equal(book.isFull, true);
  book.giveUp(slot, 'e');
  book.giveUp(slot, 'c');
  t.equal(book.want(slot, counter('e')), 2);
  t.equal(book.want(slot, ints('f', 16)), 0);
  t.equal(book.want(slot, ints('g', 1)), NO_ROOM);
});

t.test('a slot is one process, free again after it', async (t) => {
  const book = registry();
  t.strictSame([book.join(), book.join(), book.join(), book.join()], [0, 1, 2, NO_ROOM]);
  book.leave(1);
  t.strictSame([book.join(), book.join()], [1, NO_ROOM]);
});

t.test('who dies gives back what it held, and nobody else does', async (t) => {
  const book = registry();
  const [one, two] = [book.join(), book.join()];
  const first = book.want(one, counter('a'));
  book.want(two, counter('a'));
  const other = book.want(two, counter('b'));
  const living = bound(book, one, first);
  living.acquire();
  const dead = bound(book, two, first);
  dead.acquire();
  dead.acquire();
  bound(book, two, other).acquire();
  book.leave(two);
  t.equal(living.taken, 1);
  t.equal(bound(book, one, other).taken, 0, 'free and 0');
  book.leave(two);
  t.equal(living.taken, 1, 'once');
});

t.test(
  'a death in the midst of a change is put right when the others are between two',
  async (t) => {
    const book = registry();
    const [one, two] = [book.join(), book.join()];
    const first = book.want(one, counter('a'));
    book.want(two, counter('a'));
    const living = bound(book, one, first);
    living.acquire();
    const { cells, busy, total } = book.region.place(two, first);
    cells[busy] = 1;
    cells[total] = 2;
    const atWork = book.region.place(one, first);
    cells[atWork.busy] = 1;
    book.leave(two);
    t.equal(living.taken, 2, 'not while somebody is at work');
    t.equal(book.repair(), false);
    cells[atWork.busy] = 2;
    t.equal(book.repair(), true);
    t.equal(living.taken, 1);
  },
);
