// Long work in the loop that serves: a few milliseconds at a time, with the loop's turns in between.
// All long work of a process shares them: each turn takes up one piece of it, oldest first, however
// much is under way (an update that is read, the one before it in a worker, what follows from both).
import { type Pause, takeAllSteps } from '../base/steps.ts';

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
    if (performance.now() - this.#startMs < SLICE_MS) return null;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #takeUp(): void {
    this.#isEntered = false;
    const resume = this.#waiting.shift();
    if (resume === undefined) return;
    this.enter();
    resume();
  }
}

const turns = new Turns();
