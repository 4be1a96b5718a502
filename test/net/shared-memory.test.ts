import { closeSync } from 'node:fs';
import t from 'tap';
import { makeSharedMemory, mapSharedMemory } from '../../proxy/net/shared-memory.ts';

t.test('what is mapped twice is the same memory, 0 at first', async (t) => {
  const fd = makeSharedMemory(8192);
  if (typeof fd === 'string') throw new Error(fd);
  const views = [mapSharedMemory(fd, 8192), mapSharedMemory(fd, 8192)].map((memory) => {
    if (typeof memory === 'string') throw new Error(memory);
    return new Int32Array(memory);
  });
  const [one, two] = views as [Int32Array, Int32Array];
  t.equal(one.length, 2048);
  t.ok(one.every((cell) => cell === 0));
  one[2047] = 7;
  t.equal(two[2047], 7);
  closeSync(fd);
  Atomics.add(two, 0, 1);
  t.equal(Atomics.load(one, 0), 1, 'it needs no descriptor any more');
});

t.test('says why there is no memory', async (t) => {
  t.type(makeSharedMemory(2 ** 60), 'string', 'no file is that large');
  t.equal(mapSharedMemory(-1, 4096), 'mmap failed');
});
