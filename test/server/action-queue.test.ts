// Actions one after the other, with the loop's turns between many.
import t from 'tap';
import { ActionQueue } from '../../proxy/server/action-queue.ts';

/** Keeps the loop for so long. */
function busy(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function done(queue: ActionQueue): Promise<void> {
  return new Promise((resolve) => queue.add(resolve));
}

t.test('keeps their order, waits for slow ones, and goes on behind failures', async (t) => {
  const failures: unknown[] = [];
  const queue = new ActionQueue((error) => failures.push(error));
  const order: string[] = [];
  queue.add(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push('slow');
  });
  queue.add(() => {
    order.push('quick');
    queue.add(() => void order.push('added within'));
  });
  queue.add(() => {
    throw new Error('a fault');
  });
  queue.add(() => Promise.reject(new Error('another')));
  t.same(order, [], 'nothing begins inside');
  await done(queue);
  await done(queue);
  t.same(order, ['slow', 'quick', 'added within']);
  t.equal(failures.join(), 'Error: a fault,Error: another');
});

t.test('the loop turns between many', async (t) => {
  const queue = new ActionQueue(() => undefined);
  let turns = 0;
  for (let count = 0; count < 6; count += 1) {
    queue.add(() => {
      setImmediate(() => {
        turns += 1;
      });
      busy(6);
    });
  }
  await done(queue);
  t.ok(turns >= 5, `${turns} turns`);
});

t.test('what waits when it is closed is not done', async (t) => {
  const queue = new ActionQueue(() => undefined);
  const order: string[] = [];
  const closed = new Promise<void>((resolve) => {
    queue.add(() => {
      order.push('first');
      queue.close();
      resolve();
    });
  });
  queue.add(() => void order.push('second'));
  await closed;
  queue.add(() => void order.push('third'));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(order, ['first']);
});
