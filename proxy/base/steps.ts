// Work in short steps, between which its owner may wait.

/** Says between two steps whether to go on (null) or to wait first. */
export type Pause = () => Promise<void> | null;

/** Takes all steps; the result is there at once when `pause` never had to wait. */
export function takeAllSteps<T>(work: Iterator<void, T>, pause: Pause): T | Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    const pausing = pause();
    if (pausing !== null) return pausing.then(() => takeAllSteps(work, pause));
  }
}

/** The same in one go, where nobody else needs the loop. */
export function atOnce(): null {
  return null;
}
