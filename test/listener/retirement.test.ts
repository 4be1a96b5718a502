import t from 'tap';
import { TimerWheel, WHEEL_TICK_MS } from '../../proxy/base/timer-wheel.ts';
import { idleLingerMs, Retirements } from '../../proxy/listener/retirement.ts';

class Listener {
  readonly told: string[] = [];

  endIdle(chains: ReadonlySet<string> | null, lingerMs: number): void {
    this.told.push(`idle ${chains === null ? 'all' : [...chains]} ${lingerMs}`);
  }

  closeConnections(chains: ReadonlySet<string> | null): void {
    this.told.push(`cut ${chains === null ? 'all' : [...chains]}`);
  }
}

t.test('ends what is idle shortly before the drain time, and cuts the rest', async (t) => {
  const timers = new TimerWheel(0);
  const retirements = new Retirements({ timers, nowMs: () => 0 }, 10_000);
  const listener = new Listener();
  retirements.plan(listener, new Set(['a']));
  retirements.plan(listener, null);
  timers.advance(9_500 - WHEEL_TICK_MS);
  t.same(listener.told, []);
  timers.advance(9_500 + WHEEL_TICK_MS);
  t.same(listener.told, ['idle a 500', 'idle all 500']);
  timers.advance(10_000 + WHEEL_TICK_MS);
  t.same(listener.told.slice(2), ['cut a', 'cut all']);
});

t.test('forgets a listener of which nothing is left', async (t) => {
  const timers = new TimerWheel(0);
  const retirements = new Retirements({ timers, nowMs: () => 0 }, 10_000);
  const listener = new Listener();
  retirements.plan(listener, null);
  retirements.forget(listener);
  retirements.forget(listener);
  timers.advance(20_000);
  t.same(listener.told, []);
});

t.test('keeps idle connections for half of a short time', async (t) => {
  t.equal(idleLingerMs(600_000), 500);
  t.equal(idleLingerMs(400), 200);
});
