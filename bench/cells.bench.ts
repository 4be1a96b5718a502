// Nanoseconds to take and give back one place of a limit: by the only worker, by one of several, and
// by one of several while others want the same; and to draw a token.
// Run: node dist/bench/cells.bench.js [rounds]
import { CELL_BYTES, layoutFor, regionCells, SharedRegion } from '../proxy/base/cells/region.ts';
import { SharedCounter } from '../proxy/base/cells/shared-counter.ts';
import { SharedTokenBucket } from '../proxy/base/cells/shared-token-bucket.ts';
import { makeSharedMemory, mapSharedMemory } from '../proxy/net/shared-memory.ts';
import { countingProcess } from '../test/support/counting-process.ts';

const LOOP = 1_000_000;
const LIMIT = 1024;

const layout = layoutFor(4);
const bytes = regionCells(layout) * CELL_BYTES;
const fd = makeSharedMemory(bytes);
const memory = typeof fd === 'number' ? mapSharedMemory(fd, bytes) : fd;
if (typeof fd === 'string' || typeof memory === 'string') throw new Error('no shared memory');
const shared = new SharedRegion(new Int32Array(memory), layout);
const own = new SharedRegion(new Int32Array(regionCells(layout)), layout);
let consumed = 0;

function counts(region: SharedRegion, slot: number): () => void {
  const counter = new SharedCounter();
  counter.bind(region.place(slot, 0));
  return () => {
    for (let count = 0; count < LOOP; count += 1) {
      if (counter.tryAcquire(LIMIT)) consumed += 1;
      counter.release();
    }
  };
}

function draws(): () => void {
  const bucket = new SharedTokenBucket();
  bucket.bind(shared.cells, shared.intAt(0));
  const rate = { maxTokens: 2 * LOOP, tokensPerMs: 1 };
  let nowMs = 0;
  return () => {
    for (let count = 0; count < LOOP; count += 1) {
      nowMs += 1;
      if (bucket.consume(1, nowMs, rate)) consumed += 1;
    }
  };
}

const CASES: readonly (readonly [name: string, run: () => void])[] = [
  ['the only worker', counts(own, -1)],
  ['one of several', counts(shared, 1)],
  ['token', draws()],
];

const rounds = Number(process.argv[2] ?? 7);
const best = new Map<string, number>();

function measure(name: string, run: () => void): void {
  const start = process.cpuUsage();
  run();
  const used = process.cpuUsage(start);
  const ns = ((used.user + used.system) * 1000) / LOOP;
  best.set(name, Math.min(ns, best.get(name) ?? Number.POSITIVE_INFINITY));
}

for (let round = 0; round < rounds; round += 1) {
  for (const [name, run] of CASES) measure(name, run);
}
const rival = countingProcess(fd, { layout, slot: 2, limit: LIMIT, rounds: 0 });
const { busy } = shared.place(2, 0);
while (Atomics.load(shared.cells, busy) === 0) await new Promise(setImmediate);
const contended = counts(shared, 3);
for (let round = 0; round < rounds; round += 1) measure('one of several, contended', contended);
await rival.kill();
console.log(`node ${process.version}, ${consumed > 0 ? 'best' : 'nothing'} of ${rounds} rounds`);
for (const [name, ns] of best) console.log(`${name.padEnd(28)} ${ns.toFixed(1).padStart(6)} ns`);
