// Certificates on both sides of mTLS are replaced a thousand times under load, with bad pairs and
// changes of authority in between.
import { runRotations } from '../support/rotation-run.ts';
import type { Verdict } from './verdict.ts';

const GOAL_MS = 1000;

/** HTTP/1.1 and HTTP/2, new connections all the time. */
export async function rotation(workers: number, rotations: number): Promise<readonly Verdict[]> {
  const report = await runRotations(rotations, workers);
  const { handshakes, requests, failures, slowestMs, medianMs, refused, rollOvers } = report;
  const what = `${rotations} rotations, ${rollOvers} changes of authority, ${refused} bad secrets`;
  return [
    {
      what,
      goal: 'no failed handshake or request',
      measured: `${failures.length} of ${requests} (${handshakes} handshakes) ${failures[0] ?? ''}`,
      passed: failures.length === 0 && requests > rotations,
    },
    {
      what: 'a new certificate is in use',
      goal: `within ${GOAL_MS} ms`,
      measured: `at most ${slowestMs.toFixed(0)} ms, half of them ${medianMs.toFixed(0)} ms`,
      passed: slowestMs <= GOAL_MS,
    },
  ];
}
