import t from 'tap';
import {
  memoryPressure,
  OverloadMonitor,
  overloadAt,
} from '../../proxy/server/overload-monitor.ts';

t.test('sheds from 92 % and refuses from 95 %', async (t) => {
  const states = [0, 0.9199, 0.92, 0.9499, 0.95, 1.2].map(overloadAt);
  t.same(states, ['none', 'none', 'shedding', 'shedding', 'refusing', 'refusing']);
});

t.test('tells each change once, also the way back', async (t) => {
  let pressure = 0.5;
  const told: string[] = [];
  const monitor = new OverloadMonitor(
    (state, at) => told.push(`${state} ${at}`),
    () => pressure,
  );
  t.teardown(() => monitor.close());
  for (const next of [0.5, 0.93, 0.94, 0.99, 0.3, 0.3]) {
    pressure = next;
    monitor.refresh();
  }
  t.same(told, ['shedding 0.93', 'refusing 0.99', 'none 0.3']);
  t.equal(monitor.state, 'none');
});

t.test('an idle process is far from its limits', async (t) => {
  const pressure = memoryPressure();
  t.ok(pressure > 0 && pressure < 0.9, `${pressure}`);
});
