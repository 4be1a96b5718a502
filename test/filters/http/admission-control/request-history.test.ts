// The window over simulated time.
import t from 'tap';
import { RequestHistory } from '../../../../proxy/filters/http/admission-control/request-history.ts';

t.test('forgets a second at a time', async (t) => {
  const history = new RequestHistory(3000);
  history.record(true, 0);
  history.record(false, 999);
  history.record(true, 1000);
  t.same([history.requests, history.successes], [3, 2]);
  history.roll(2999);
  t.same([history.requests, history.successes], [3, 2]);
  history.roll(3000);
  t.same([history.requests, history.successes], [1, 1], 'the first second is gone');
  history.roll(3999);
  t.equal(history.requests, 1);
  history.roll(60_000);
  t.same([history.requests, history.successes], [0, 0]);
});

t.test('the rate is over whole seconds since the oldest one, at least one', async (t) => {
  const history = new RequestHistory(10_000);
  t.equal(history.averageRps(0), 0);
  for (let count = 0; count < 10; count += 1) history.record(true, 500);
  t.equal(history.averageRps(500), 10);
  t.equal(history.averageRps(2499), 10);
  t.equal(history.averageRps(2500), 5);
  t.equal(history.averageRps(3500), 3, 'cut off');
});

t.test('a window below a second remembers nothing for the next request', async (t) => {
  const history = new RequestHistory(0);
  history.record(false, 5);
  history.roll(5);
  t.same([history.requests, history.averageRps(5)], [0, 0]);
});

t.test('counts right for hours', async (t) => {
  const history = new RequestHistory(5000);
  for (let ms = 0; ms < 3_600_000; ms += 500) history.record(ms % 1000 === 0, ms);
  history.roll(3_599_500);
  t.same([history.requests, history.successes], [10, 5]);
});
