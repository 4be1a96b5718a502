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

t.test('of several long works a turn takes up one, each in its turn', async (t) => {
  const order: string[] = [];
  let turns = 0;
  let isRunning = true;
  const count = (): void => {
    turns += 1;
    if (isRunning) setImmediate(count);
  };
  setImmediate(count);
  function* named(name: string): Generator<void, void> {
    for (let step = 0; step < 4; step += 1) {
      order.push(`${name}${turns}`);
      busy(6);
      yield;
    }
  }
  await Promise.all([runInSlices(named('a')), runInSlices(named('b')), runInSlices(named('c'))]);
  isRunning = false;
  const resumed = order.slice(3);
  t.equal(
    order
      .slice(0, 3)
      .map((each) => each[0])
      .join(''),
    'abc',
    'they begin as they come',
  );
  t.equal(resumed.map((each) => each[0]).join(''), 'abcabcabc', 'nobody is passed over');
  t.equal(new Set(resumed.map((each) => each.slice(1))).size, resumed.length, 'a turn each');
});

t.test('what is short beside long work waits for no more than a turn of each', async (t) => {
  function* steps(count: number, eachMs: number): Generator<void, void> {
    yield* work(count, eachMs);
  }
  let isLongDone = false;
  const long = runInSlices(steps(6, 6)).then(() => {
    isLongDone = true;
  });
  await runInSlices(steps(2, 0));
  t.notOk(isLongDone);
  await long;
});

t.test('where the rest of a turn takes long, slices are longer', async (t) => {
  const { now } = performance;
  // It only goes forward, so this test is the last one.
  let nowMs = Math.ceil(performance.now());
  performance.now = () => nowMs;
  t.teardown(() => {
    performance.now = now;
  });
  /** Most steps of 0.25 ms in a turn behind the first one. */
  const stepsPerTurn = async (restMs: number): Promise<number> => {
    const counts: number[] = [];
    let count = 0;
    let isRunning = true;
    const turn = (): void => {
      if (count > 0) counts.push(count);
      count = 0;
      nowMs += restMs;
      if (isRunning) setImmediate(turn);
    };
    setImmediate(turn);
    function* counted(): Generator<void, void> {
      for (let step = 0; step < 200; step += 1) {
        nowMs += 0.25;
        count += 1;
        yield;
      }
    }
    await runInSlices(counted());
    isRunning = false;
    return Math.max(...counts.slice(1));
  };
  t.equal(await stepsPerTurn(0), 4, '1 ms beside nothing');
  t.equal(await stepsPerTurn(6), 12, 'half of what the rest takes');
  t.equal(await stepsPerTurn(100), 20, 'never more than 5 ms');
});
