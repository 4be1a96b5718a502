import t from 'tap';
import { SharedCounter } from '../../proxy/base/cells/shared-counter.ts';
import { ConnectionBudget } from '../../proxy/listener/connection-budget.ts';

t.test('a process has as many connections as its descriptors bear', async (t) => {
  const budget = new ConnectionBudget(2, null);
  t.strictSame([budget.tryTake(), budget.tryTake(), budget.tryTake()], [true, true, false]);
  t.equal(budget.hasRoom, false);
  budget.take();
  t.equal(budget.active, 3, 'past the limit where nobody asks');
  budget.giveBack();
  t.equal(budget.hasRoom, false);
  budget.giveBack();
  t.equal(budget.hasRoom, true);
});

t.test('all workers together have as many as was configured', async (t) => {
  const counter = new SharedCounter();
  const workers = [1, 2].map(() => new ConnectionBudget(2, { limit: { value: 3 }, counter }));
  const [one, two] = workers as [ConnectionBudget, ConnectionBudget];
  t.strictSame([one.tryTake(), one.tryTake(), one.tryTake()], [true, true, false]);
  t.equal(counter.taken, 2, 'who is refused takes nothing');
  t.strictSame([two.tryTake(), two.tryTake()], [true, false]);
  t.strictSame([one.hasRoom, two.hasRoom, two.active], [false, false, 1]);
  one.giveBack();
  t.equal(two.tryTake(), true);
});
