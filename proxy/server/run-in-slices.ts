// Long work in the loop that serves: a few milliseconds at a time, with the loop's turns in between.
import { setImmediate } from 'node:timers/promises';

/** Longer, and requests wait noticeably; shorter, and the turns cost more than the work. */
const SLICE_MS = 5;

/** Takes all steps of `work`; each must be short. */
export async function runInSlices(work: Iterator<void, void>): Promise<void> {
  const pause = beginSlices();
  while (work.next().done !== true) {
    const pausing = pause();
    if (pausing !== null) await pausing;
  }
}

/** The same for work with a result, which is there at once when the work was short. */
export function takeSteps<T>(work: Iterator<void, T>, pause = beginSlices()): T | Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    const pausing = pause();
    if (pausing !== null) return pausing.then(() => takeSteps(work, pause));
  }
}

/**
 * Long work begins; what it answers says between two steps whether to go on (null) or to wait for
 * the loop's turn first.
 */
export function beginSlices(): () => Promise<void> | null {
  let startMs = performance.now();
  return () => {
    if (performance.now() - startMs < SLICE_MS) return null;
    return setImmediate().then(() => {
      startMs = performance.now();
    });
  };
}
