import t from 'tap';
import { SharedWindow } from '../../../proxy/base/cells/shared-window.ts';

t.test('what was counted leaves after a window, to a tenth', async (t) => {
  const window = new SharedWindow();
  t.equal(window.count(0, 1000), 0);
  for (const nowMs of [0, 99, 100, 950]) window.add(nowMs, 1000);
  t.equal(window.count(999, 1000), 4);
  t.equal(window.count(1000, 1000), 2, 'the first tenth is gone');
  t.equal(window.count(1100, 1000), 1);
  window.add(1050, 1000);
  t.equal(window.count(1100, 1000), 2, 'its slot was used before');
  t.equal(window.count(1_000_000, 1000), 0);
});

t.test('windows in the same cells are one, also where a clock is a little behind', async (t) => {
  const cells = new Int32Array(40);
  const [one, two] = [new SharedWindow(), new SharedWindow()];
  one.bind(cells, 2);
  two.bind(cells, 2);
  one.add(500, 1000);
  two.add(500, 1000);
  two.add(700, 1000);
  t.equal(one.count(690, 1000), 3);
  t.ok(cells.subarray(22).every((cell) => cell === 0));
  one.unbind();
  t.equal(one.count(700, 1000), 0, 'its own again, and empty');
  t.equal(two.count(700, 1000), 3);
});

t.test('parts are told apart though their numbers exceed 32 bits', async (t) => {
  const window = new SharedWindow();
  const nowMs = 2 ** 33;
  for (let count = 0; count < 3; count += 1) window.add(nowMs + count, 10);
  t.equal(window.count(nowMs + 2, 10), 3);
  t.equal(window.count(nowMs + 20, 10), 0);
});
