// Long work in the loop that serves: a few milliseconds at a time, with the loop's turns in between.
import { setImmediate } from 'node:timers/promises';

/** Longer, and requests wait noticeably; shorter, and the turns cost more than the work. */
const SLICE_MS = 5;

/** Takes all steps of `work`; each must be short. */
export async function runInSlices(work: Iterator<void, void>): Promise<void> {
  let startMs = performance.now();
  while (work.next().done !== true) {
    if (performance.now() - startMs < SLICE_MS) continue;
    await setImmediate();
    startMs = performance.now();
  }
}
