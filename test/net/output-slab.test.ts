import t from 'tap';
import { OutputSlab, type SlabBlock } from '../../proxy/net/output-slab.ts';

const WHOLE_BYTES = 256 * 1024;

/** Takes `size` octets as a connection does. */
function take(slab: OutputSlab, size: number): SlabBlock {
  slab.reserve(size);
  slab.offset += size;
  return slab.block;
}

t.test('fills the same block from the front in each turn', async (t) => {
  const slab = new OutputSlab();
  const block = take(slab, 1000);
  slab.recycle();
  t.equal(slab.offset, 0);
  t.ok(take(slab, 1000) === block);
  t.notOk(slab.reserve(WHOLE_BYTES + 1), 'nothing holds more than a block');
});

t.test('goes on behind what the kernel still reads', async (t) => {
  const slab = new OutputSlab();
  const block = take(slab, 1000);
  slab.pin(block);
  slab.recycle();
  t.equal(slab.offset, 1000);
  t.ok(take(slab, 10) === block);
  slab.unpin(block);
  slab.recycle();
  t.equal(slab.offset, 0, 'and from the front when it has read it');
});

t.test('uses blocks again whose writes are finished', async (t) => {
  const slab = new OutputSlab();
  const first = take(slab, WHOLE_BYTES);
  slab.pin(first);
  slab.recycle();
  const second = take(slab, WHOLE_BYTES);
  t.ok(second !== first);
  slab.recycle();
  slab.unpin(first);
  t.ok(take(slab, WHOLE_BYTES) === second);
  t.ok(take(slab, 1) === first);
});

t.test('keeps its hands off a full block until the turn is over', async (t) => {
  const slab = new OutputSlab();
  const first = take(slab, WHOLE_BYTES);
  slab.pin(first);
  const second = take(slab, WHOLE_BYTES);
  // One write of the first block is finished; another region of it may still wait for its flush.
  slab.unpin(first);
  const third = take(slab, 1);
  t.equal(new Set([first, second, third]).size, 3);
  slab.recycle();
  t.ok(take(slab, WHOLE_BYTES) === third);
  const fourth = take(slab, 1);
  t.ok(fourth === first || fourth === second, 'the next block is one of the full ones');
});
