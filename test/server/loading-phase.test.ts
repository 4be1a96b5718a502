// How V8 is told that there is nothing left to do.
import t from 'tap';
import { giveMemoryBack } from '../../proxy/server/loading-phase.ts';
import { eventually } from '../support/eventually.ts';

t.test('what nobody holds is collected without anything being made', async (t) => {
  const left = new WeakRef({ clusters: new Array(1_000).fill('cluster') });
  giveMemoryBack(0);
  await eventually(() => left.deref() === undefined);
  t.equal(left.deref(), undefined);
});
