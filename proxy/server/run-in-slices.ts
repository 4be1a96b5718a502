// Long work in the loop that serves: a few milliseconds at a time, with the loop's turns in between.
// All long work of a process shares them: each turn takes up one piece of it, oldest first, however
// much is under way (an update that is read, the one before it in a worker, what follows from both).
import { type Pause, takeAllSteps } from '../base/steps.ts';

/** A request takes several turns of the loop: longer slices, and it waits noticeably. */
const MIN_SLICE_MS = 1;
/** The loop is busy with requests: shorter slices, and an update takes for ever. */
const MAX_SLICE_MS = 5;
/** Of what the rest of a turn takes, while that lies between the two. */
const SHARE = 0.5;

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
  return takeAllSteps(work, pause);
}

/**
 * Long work begins; what it answers says between two steps whether to go on (null) or to wait for
 * the loop's turn first.
 */
export function beginSlices(): Pause {
  turns.enter();
  return pause;
}

function pause(): Promise<void> | null {
  return turns.pause();
}

/** The turns of this process's loop in which long work was done. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #next = () => this.#takeUp();
  /** When long work began in this turn. */
  #startMs = 0;
  /** When long work stopped in a turn before this one. */
  #endMs = 0;
  #sliceMs = MIN_SLICE_MS;
  /** Some was done in this turn. */
  #isEntered = false;

  enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    this.#startMs = performance.now();
    setImmediate(this.#next);
  }

  pause(): Promise<void> | null {
    this.enter();
    const nowMs = performance.now();
    if (nowMs - this.#startMs < this.#sliceMs) return null;
    this.#endMs = nowMs;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #takeUp(): void {
    this.#isEntered = false;
    const resume = this.#waiting.shift();
    if (resume === undefined) return;
    this.enter();
    const restMs = this.#startMs - this.#endMs;
    this.#sliceMs = Math.min(MAX_SLICE_MS, Math.max(MIN_SLICE_MS, restMs * SHARE));
    resume();
  }
}

const turns = new Turns();
