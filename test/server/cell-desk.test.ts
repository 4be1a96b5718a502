import t from 'tap';
import { CellRegistry } from '../../proxy/base/cells/cell-registry.ts';
import { regionCells, SharedRegion } from '../../proxy/base/cells/region.ts';
import { SharedCounter } from '../../proxy/base/cells/shared-counter.ts';
import type { LogLevel } from '../../proxy/base/log.ts';
import { CellDesk } from '../../proxy/server/cell-desk.ts';
import type { ToWorker } from '../../proxy/server/link.ts';
import type { WorkerPeer } from '../../proxy/server/worker-peer.ts';
import { eventually } from '../support/eventually.ts';

const LAYOUT = { counters: 2, ints: 16, slots: 3 };
const COUNTER = { key: 'a', kind: 'counter', size: 1 } as const;

function desk() {
  const region = new SharedRegion(new Int32Array(regionCells(LAYOUT)), LAYOUT);
  const logged: string[] = [];
  const log = {
    enabled: () => true,
    log: (_: LogLevel, text: string) => logged.push(text),
  };
  return { desk: new CellDesk(new CellRegistry(region), log), region, logged };
}

/** A worker that writes down where its cells are. */
function peer(index = 0): WorkerPeer & { places: unknown[] } {
  const places: unknown[] = [];
  const send = (message: ToWorker): void => {
    if (message.kind === 'cells') places.push(...message.places);
  };
  return { index, places, send } as unknown as WorkerPeer & { places: unknown[] };
}

function counterOf(region: SharedRegion, slot: number, first: number): SharedCounter {
  const counter = new SharedCounter();
  counter.bind(region.place(slot, first));
  return counter;
}

t.test('the primary and every worker find the same cells', async (t) => {
  const { desk: made, region } = desk();
  const one = peer();
  t.strictSame(made.admit(one), { layout: LAYOUT, slot: 1 });
  made.want(one, [COUNTER]);
  t.strictSame(one.places, [['a', 0]]);
  counterOf(region, 1, 0).acquire();
  t.equal(made.cells.counter('a').taken, 1);
});

t.test('takes back what a worker held that is gone', async (t) => {
  const { desk: made, region } = desk();
  const own = made.cells.counter('a');
  const one = peer();
  made.admit(one);
  made.want(one, [COUNTER]);
  counterOf(region, 1, 0).acquire();
  t.equal(own.taken, 1);
  made.dismiss(one);
  made.dismiss(one);
  t.equal(own.taken, 0);
  made.want(one, [COUNTER]);
  made.giveUp(one, ['a']);
  t.equal(one.places.length, 1, 'what it said last is not heard');
});

t.test('repairs in the background while others are at work', async (t) => {
  const { desk: made, region } = desk();
  const own = made.cells.counter('a');
  const [dead, living] = [peer(), peer(1)];
  for (const each of [dead, living]) {
    made.admit(each);
    made.want(each, [COUNTER]);
  }
  const { cells, total, busy } = region.place(1, 0);
  cells[busy] = 1;
  cells[total] = 1;
  const { busy: livingBusy } = region.place(2, 0);
  cells[livingBusy] = 1;
  made.dismiss(dead);
  t.equal(own.taken, 1);
  cells[livingBusy] = 2;
  await eventually(() => own.taken === 0);
  made.close();
});

t.test('says once that there is no place, or no room', async (t) => {
  const { desk: made, logged } = desk();
  const [one, two, third] = [peer(0), peer(1), peer(2)];
  made.admit(one);
  made.admit(two);
  t.equal(made.admit(third), null);
  t.match(logged, [/^worker 2 counts for itself/]);
  made.want(third, [COUNTER]);
  t.strictSame(third.places, []);
  const keys = ['a', 'b', 'c'];
  made.want(
    one,
    keys.map((key) => ({ ...COUNTER, key })),
  );
  t.strictSame(one.places, [
    ['a', 0],
    ['b', 1],
    ['c', -1],
  ]);
  t.match(logged, [/^worker 2/, /^the shared region is full/]);
  made.want(two, [{ ...COUNTER, key: 'd' }]);
  t.equal(logged.length, 2);
});

t.test('without a region everybody counts for himself', async (t) => {
  const made = new CellDesk(null, { enabled: () => false, log: () => undefined });
  const one = peer();
  t.equal(made.admit(one), null);
  made.want(one, [COUNTER]);
  made.giveUp(one, ['a']);
  made.dismiss(one);
  t.equal(made.cells.isShared, false);
  t.strictSame(one.places, []);
});
