// Certificates are replaced again and again while connections come and go: nobody notices.
// `npm run chaos -- --scenario rotation` does it a thousand times.
import t from 'tap';
import { runRotations } from '../support/rotation-run.ts';

const ROTATIONS = 40;

t.test('40 rotations under load, with bad pairs and two changes of authority', async (t) => {
  const report = await runRotations(ROTATIONS, 1);
  t.same(report.failures, []);
  t.ok(report.handshakes >= ROTATIONS, `${report.handshakes} handshakes`);
  t.ok(report.requests >= ROTATIONS, `${report.requests} requests`);
  t.equal(report.refused, 8);
  t.equal(report.rollOvers, 2);
  t.comment(`${report.requests} requests; at most ${report.slowestMs.toFixed(0)} ms`);
});
