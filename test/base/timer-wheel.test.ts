import t from 'tap';
import { Timer, TimerWheel, WHEEL_TICK_MS } from '../../proxy/base/timer-wheel.ts';
import { seededRandom } from '../support/seeded-random.ts';

class Recorder {
  readonly fired: { readonly timer: Timer; readonly atMs: number }[] = [];
  nowMs = 0;
  onFire: ((timer: Timer) => void) | null = null;

  onTimer(timer: Timer): void {
    this.fired.push({ timer, atMs: this.nowMs });
    this.onFire?.(timer);
  }
}

function advance(wheel: TimerWheel, recorder: Recorder, toMs: number): void {
  while (recorder.nowMs < toMs) {
    recorder.nowMs = Math.min(toMs, recorder.nowMs + WHEEL_TICK_MS);
    wheel.advance(recorder.nowMs);
  }
}

t.test('fires never early and at most one tick late, at every distance', async (t) => {
  for (const delayMs of [0, 1, 7, 8, 100, 2047, 2048, 2049, 5000, 60_000, 600_000]) {
    const recorder = new Recorder();
    const wheel = new TimerWheel(0);
    wheel.arm(new Timer(recorder), 3, delayMs);
    recorder.nowMs = 3;
    advance(wheel, recorder, 3 + delayMs + 3 * WHEEL_TICK_MS);
    t.equal(recorder.fired.length, 1, `${delayMs} ms fired once`);
    const atMs = recorder.fired[0]?.atMs ?? 0;
    t.ok(atMs >= 3 + delayMs, `${delayMs} ms not early`);
    t.ok(atMs <= 3 + delayMs + 2 * WHEEL_TICK_MS, `${delayMs} ms not late`);
  }
});

t.test('a cancelled timer does not fire, and cancelling twice is harmless', async (t) => {
  const recorder = new Recorder();
  const wheel = new TimerWheel(0);
  const timer = new Timer(recorder);
  wheel.arm(timer, 0, 100);
  wheel.cancel(timer);
  wheel.cancel(timer);
  advance(wheel, recorder, 1000);
  t.equal(recorder.fired.length, 0);
  t.equal(wheel.armedCount, 0);
});

t.test('arming an armed timer moves it', async (t) => {
  const recorder = new Recorder();
  const wheel = new TimerWheel(0);
  const timer = new Timer(recorder);
  wheel.arm(timer, 0, 50);
  wheel.arm(timer, 0, 500);
  advance(wheel, recorder, 400);
  t.equal(recorder.fired.length, 0);
  advance(wheel, recorder, 600);
  t.equal(recorder.fired.length, 1);
});

t.test('a timer may arm itself again while it fires', async (t) => {
  const recorder = new Recorder();
  const wheel = new TimerWheel(0);
  recorder.onFire = (timer) => wheel.arm(timer, recorder.nowMs, 100);
  wheel.arm(new Timer(recorder), 0, 100);
  advance(wheel, recorder, 1050);
  t.ok(recorder.fired.length >= 9 && recorder.fired.length <= 10);
});

t.test('a late advance fires everything that is due, in order of time', async (t) => {
  const recorder = new Recorder();
  const wheel = new TimerWheel(0);
  const timers = [700, 100, 400].map((delayMs) => {
    const timer = new Timer(recorder);
    wheel.arm(timer, 0, delayMs);
    return timer;
  });
  wheel.advance(10_000);
  t.same(
    recorder.fired.map(({ timer }) => timers.indexOf(timer)),
    [1, 2, 0],
  );
});

t.test('the driver is woken for an earlier timer and told how long to sleep', async (t) => {
  const recorder = new Recorder();
  const wheel = new TimerWheel(0);
  let earlier = 0;
  wheel.onEarlier = () => {
    earlier += 1;
  };
  t.equal(wheel.planWakeMs(0), -1, 'nothing to do');
  wheel.arm(new Timer(recorder), 0, 1000);
  t.equal(earlier, 1);
  const sleepMs = wheel.planWakeMs(0);
  t.ok(sleepMs > 0 && sleepMs <= 1008);
  wheel.arm(new Timer(recorder), 0, 3000);
  t.equal(earlier, 1, 'a later timer does not wake it');
  wheel.arm(new Timer(recorder), 0, 10);
  t.equal(earlier, 2);
});

t.test('sleeping as planned fires like advancing each tick', async (t) => {
  const random = seededRandom(7);
  const recorder = new Recorder();
  const wheel = new TimerWheel(0);
  const due = new Map<Timer, number>();
  for (let index = 0; index < 500; index += 1) {
    const timer = new Timer(recorder);
    const delayMs = Math.floor(random.next() * 200_000);
    due.set(timer, delayMs);
    wheel.arm(timer, 0, delayMs);
  }
  for (
    let sleepMs = wheel.planWakeMs(0);
    sleepMs >= 0;
    sleepMs = wheel.planWakeMs(recorder.nowMs)
  ) {
    recorder.nowMs += Math.max(1, Math.ceil(sleepMs));
    wheel.advance(recorder.nowMs);
  }
  t.equal(recorder.fired.length, 500);
  for (const { timer, atMs } of recorder.fired) {
    const wanted = due.get(timer) ?? 0;
    if (atMs < wanted || atMs > wanted + 2 * WHEEL_TICK_MS + 1) {
      t.fail(`due at ${wanted}, fired at ${atMs}`);
    }
  }
});

t.test(
  'a timer that arms itself anew late waits its whole delay, whatever the delay',
  async (t) => {
    // A turn of the wheel has 256 ticks: some sum of lateness and delay ends in the slot that fires.
    for (let lateTicks = 0; lateTicks < 256; lateTicks += 1) {
      const wheel = new TimerWheel(0);
      const recorder = new Recorder();
      const delayMs = (256 - lateTicks) * WHEEL_TICK_MS;
      recorder.onFire = (timer) => {
        if (recorder.fired.length < 3) wheel.arm(timer, recorder.nowMs, delayMs);
      };
      wheel.arm(new Timer(recorder), 0, WHEEL_TICK_MS);
      recorder.nowMs = (1 + lateTicks) * WHEEL_TICK_MS;
      wheel.advance(recorder.nowMs);
      if (recorder.fired.length !== 1) t.fail(`${lateTicks} ticks late: fired early`);
      advance(wheel, recorder, recorder.nowMs + delayMs + 2 * WHEEL_TICK_MS);
      if (recorder.fired.length < 2) t.fail(`${lateTicks} ticks late: did not fire again`);
    }
  },
);
