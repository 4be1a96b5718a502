import t from 'tap';
import { CellRegistry, NO_ROOM } from '../../proxy/base/cells/cell-registry.ts';
import { layoutFor } from '../../proxy/base/cells/region.ts';
import type { LogLevel } from '../../proxy/base/log.ts';
import { directLink } from '../../proxy/server/direct-link.ts';
import type { FromWorker } from '../../proxy/server/link.ts';
import { ownRegion } from '../../proxy/server/region-memory.ts';
import { AskedCells, directCells, inheritedCells } from '../../proxy/server/worker-cells.ts';

/** A worker in a region of its own process, and what it sent. */
function worker() {
  const pair = directLink();
  const sent: FromWorker[] = [];
  pair.primary.onMessage = (message) => sent.push(message);
  const region = ownRegion(1);
  const cells = new AskedCells(pair.worker, { region, slot: 1 });
  const kinds = (): string[] =>
    sent.map((message) => {
      if (message.kind === 'want-cells') return message.requests.map(({ key }) => key).join(' ');
      return message.kind === 'give-up-cells' ? `-${message.keys.join(' ')}` : message.kind;
    });
  return { cells, region, kinds };
}

/** Messages that are on their way arrive. */
const arrive = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test('asks in one message for all of a turn, and is settled by the answer', async (t) => {
  const { cells, region, kinds } = worker();
  const a = cells.cells.counter('a');
  cells.cells.counter('b');
  a.acquire();
  let isSettled = false;
  const settled = cells.settled().then(() => {
    isSettled = true;
  });
  await arrive();
  t.strictSame(kinds(), ['a b']);
  cells.onPlaces([['a', 4]]);
  await arrive();
  t.equal(isSettled, false);
  t.equal(region.cells[region.place(1, 4).total], 1, 'what it held came along');
  cells.onPlaces([['b', NO_ROOM]]);
  await settled;
  await cells.settled();
});

t.test('an answer to what was given up meanwhile means nothing', async (t) => {
  const { cells, region, kinds } = worker();
  cells.cells.counter('a');
  cells.cells.release('a');
  const again = cells.cells.counter('a');
  again.acquire();
  await arrive();
  t.strictSame(kinds(), ['a', '-a', 'a'], 'in order');
  cells.onPlaces([['a', 2]]);
  t.equal(region.cells[region.place(1, 2).total], 0, 'somebody else may have it by now');
  cells.onPlaces([['a', 3]]);
  t.equal(region.cells[region.place(1, 3).total], 1);
  await cells.settled();
});

t.test('the only worker has its cells at once', async (t) => {
  const registry = new CellRegistry(ownRegion(1));
  const cells = directCells(registry, registry.join());
  cells.cells.counter('a').acquire();
  t.equal(registry.region.cells[registry.region.place(0, 0).total], 1);
  await cells.settled();
  cells.onPlaces([]);
  cells.cells.release('a');
  t.equal(registry.region.cells[registry.region.place(0, 0).total], 0);
});

t.test('without the memory it counts for itself and says so', async (t) => {
  const logged: string[] = [];
  const log = {
    enabled: () => true,
    log: (level: LogLevel, text: string) => logged.push(`${level} ${text}`),
  };
  // This process inherited no memory; a layout this large is nobody's.
  const layout = { ...layoutFor(1), ints: 2 ** 50 };
  const cells = inheritedCells({ layout, slot: 1 }, directLink().worker, log);
  t.match(logged, [/^warning limits hold for this worker alone: /]);
  t.equal(cells.cells.isShared, false);
  t.equal(cells.cells.counter('a').tryAcquire(1), true);
  await cells.settled();
});
