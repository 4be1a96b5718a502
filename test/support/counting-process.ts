// A process that takes and gives back one shared counter as fast as it can, for tests of races: it
// inherits the memory, and reports how often the counter was over its limit while it held one.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  CELL_BYTES,
  type RegionLayout,
  regionCells,
  SharedRegion,
} from '../../proxy/base/cells/region.ts';
import { SharedCounter } from '../../proxy/base/cells/shared-counter.ts';
import { mapSharedMemory } from '../../proxy/net/shared-memory.ts';

const MEMORY_FD = 4;

/** What it is to do. */
export interface CountingOrder {
  readonly layout: RegionLayout;
  readonly slot: number;
  readonly limit: number;
  /** Times it takes one; 0: until it is killed. */
  readonly rounds: number;
}

/** What it saw. */
export interface CountingReport {
  readonly taken: number;
  readonly refused: number;
  /** Totals above the limit that it read while it held one. */
  readonly excesses: number;
}

/** A process at work. */
export interface CountingProcess {
  readonly done: Promise<CountingReport>;
  /** Resolves when it has begun to count. */
  readonly begun: Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts one; `fd` is of the memory. */
export function countingProcess(fd: number, order: CountingOrder): CountingProcess {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(order)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd],
  });
  const exited = once(child, 'exit');
  const first = once(child, 'message').then(() => undefined);
  const done = new Promise<CountingReport>((resolve) => {
    child.on('message', (message) => {
      if (message !== 'begun') resolve(message as CountingReport);
    });
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return { begun: first, done, kill };
}

function count({ layout, slot, limit, rounds }: CountingOrder): CountingReport {
  const memory = mapSharedMemory(MEMORY_FD, regionCells(layout) * CELL_BYTES);
  if (typeof memory === 'string') throw new Error(memory);
  const region = new SharedRegion(new Int32Array(memory), layout);
  const counter = new SharedCounter();
  counter.bind(region.place(slot, 0));
  let taken = 0;
  let refused = 0;
  let excesses = 0;
  for (let round = 0; rounds === 0 || round < rounds; round += 1) {
    if (!counter.tryAcquire(limit)) {
      refused += 1;
      continue;
    }
    taken += 1;
    if (counter.taken > limit) excesses += 1;
    counter.release();
  }
  return { taken, refused, excesses };
}

const [, , text] = process.argv;
if (process.argv[1] === fileURLToPath(import.meta.url) && text !== undefined) {
  process.send?.('begun', () => {
    const report = count(JSON.parse(text) as CountingOrder);
    process.send?.(report, () => process.disconnect());
  });
}
