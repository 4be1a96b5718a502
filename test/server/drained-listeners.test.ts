// What /drain_listeners asked for, for workers that are made later.
import t from 'tap';
import { DrainedListeners } from '../../proxy/server/drained-listeners.ts';

t.test('a later worker is told what is left of each drain', async (t) => {
  let nowMs = 1_000;
  const drained = new DrainedListeners(() => nowMs);
  t.same(drained.replay(), []);
  const graceful = { inboundOnly: true, afterMs: 500, keepsListening: false };
  t.same(drained.ask(graceful), { kind: 'drain-listeners', ...graceful });
  drained.ask({ inboundOnly: false, afterMs: 500, keepsListening: true });
  nowMs += 200;
  t.match(drained.replay(), [
    { inboundOnly: true, afterMs: 300, keepsListening: false },
    { inboundOnly: false, afterMs: 300, keepsListening: true },
  ]);
  nowMs += 1_000;
  t.match(drained.replay(), [{ afterMs: 0 }, { afterMs: 1 }], 'one stopped, the other never does');
});
