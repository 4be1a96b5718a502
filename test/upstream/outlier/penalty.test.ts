import t from 'tap';
import { Penalty } from '../../../proxy/upstream/outlier/penalty.ts';
import { outlierConfig } from '../../support/outlier-config.ts';

const CONFIG = outlierConfig({
  ...{ intervalMs: 10, baseEjectionTimeMs: 100, maxEjectionTimeMs: 250 },
});

/** How long a penalty that begins now lasts, to the ms; it ends then. */
function serve(penalty: Penalty, nowMs: number, jitterMs = 0): number {
  penalty.begin(CONFIG, nowMs, jitterMs);
  let endMs = nowMs;
  while (!penalty.isServed(CONFIG, endMs)) endMs += 1;
  penalty.end(endMs);
  return endMs - nowMs;
}

t.test('each is a base time longer than the last, up to the limit', async (t) => {
  const penalty = new Penalty();
  t.same(
    [0, 1000, 2000, 3000].map((ms) => serve(penalty, ms)),
    [100, 200, 250, 250],
  );
});

t.test('jitter comes on top of it', async (t) => {
  t.equal(serve(new Penalty(), 0, 7), 107);
});

t.test('every interval that a host was free for makes the next one shorter', async (t) => {
  const penalty = new Penalty();
  serve(penalty, 0);
  serve(penalty, 1000);
  const endedMs = penalty.endedMs;
  penalty.relent(CONFIG, endedMs + 9);
  t.equal(serve(penalty, 2000), 250, 'no whole interval yet');
  penalty.relent(CONFIG, penalty.endedMs + 10);
  penalty.relent(CONFIG, penalty.endedMs + 20);
  t.equal(serve(penalty, 3000), 200);
  for (let round = 1; round < 9; round += 1) penalty.relent(CONFIG, penalty.endedMs + 10 * round);
  t.equal(serve(penalty, 4000), 100, 'it does not become shorter than that');
});

t.test('nobody relents while it lasts, or where there was none', async (t) => {
  const penalty = new Penalty();
  penalty.relent(CONFIG, 1000);
  t.equal(penalty.isServed(CONFIG, 1000), false);
  serve(penalty, 0);
  penalty.begin(CONFIG, 5000, 0);
  penalty.relent(CONFIG, 5100);
  t.equal(penalty.isServed(CONFIG, 5199), false);
  t.equal(penalty.isServed(CONFIG, 5200), true);
});
