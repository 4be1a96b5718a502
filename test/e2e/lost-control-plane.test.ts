// A management server that dies and flaps costs no request; `npm run chaos` does it for longer.
import t from 'tap';
import { lostControlPlane } from '../chaos/lost-control-plane.ts';

t.test('no request fails while the management server is gone', async (t) => {
  for (const verdict of await lostControlPlane(1, { outageMs: 300, flaps: 3 })) {
    t.ok(verdict.passed, `${verdict.what}: ${verdict.measured}`);
  }
});
