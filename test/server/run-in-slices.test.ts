// Long work leaves the loop its turns; short work takes none.
import t from 'tap';
import { runInSlices, takeSteps } from '../../proxy/server/run-in-slices.ts';

/** Keeps the loop for so long. */
function busy(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function* work(steps: number, eachMs: number): Generator<void, string> {
  for (let step = 0; step < steps; step += 1) {
    busy(eachMs);
    yield;
  }
  return 'done';
}

t.test('the loop turns between the steps of long work', async (t) => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const result = takeSteps(work(10, 6));
  t.ok(result instanceof Promise);
  t.equal(await result, 'done');
  clearInterval(timer);
  t.ok(turns >= 5, `${turns} turns`);
});

t.test('work without steps is done at once', async (t) => {
  t.equal(takeSteps(work(0, 0)), 'done');
});

t.test('work that fails in a later turn rejects', async (t) => {
  function* failing(): Generator<void, void> {
    busy(6);
    yield;
    throw new Error('a fault');
  }
  await t.rejects(runInSlices(failing()), /a fault/);
});
