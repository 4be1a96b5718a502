import t from 'tap';
import { PendingQueue } from '../../../proxy/upstream/pool/pending-queue.ts';
import { FakeWaiter } from '../../support/fake-waiter.ts';

t.test('first come, first served, and any may leave', async (t) => {
  const waiters = Array.from({ length: 5 }, () => new FakeWaiter());
  const [first, second, third, fourth, fifth] = waiters;
  const queue = new PendingQueue();
  t.equal(queue.shift(), null);
  for (const waiter of waiters) queue.push(waiter);
  t.equal(queue.size, 5);
  t.equal(queue.remove(third as FakeWaiter), true, 'from the middle');
  t.equal(queue.remove(third as FakeWaiter), false);
  t.equal(queue.remove(first as FakeWaiter), true, 'from the front');
  t.equal(queue.remove(fifth as FakeWaiter), true, 'from the end');
  t.equal(queue.shift(), second);
  queue.push(third as FakeWaiter);
  t.equal(queue.shift(), fourth);
  t.equal(queue.shift(), third);
  t.equal(queue.shift(), null);
  t.equal(queue.size, 0);
});
