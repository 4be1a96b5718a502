// What has to be done one after the other, however much of it comes at once: thousands of small
// actions leave the loop its turns.
import { beginSlices } from './run-in-slices.ts';

/** One may take a while; the next one waits for it. */
export type Action = () => Promise<void> | void;

/** Begins an action never inside `add`. */
export class ActionQueue {
  readonly #onFailed: (error: unknown) => void;
  #waiting: Action[] = [];
  #isRunning = false;
  #isClosed = false;

  /** `onFailed` is told what an action throws; the next one follows all the same. */
  constructor(onFailed: (error: unknown) => void) {
    this.#onFailed = onFailed;
  }

  add(action: Action): void {
    if (this.#isClosed) return;
    this.#waiting.push(action);
    if (this.#isRunning) return;
    this.#isRunning = true;
    queueMicrotask(() => void this.#run());
  }

  /** What waits is not done any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  async #run(): Promise<void> {
    const pause = beginSlices();
    while (this.#waiting.length > 0) {
      const actions = this.#waiting;
      this.#waiting = [];
      for (const action of actions) {
        if (this.#isClosed) break;
        await this.#take(action);
        await pause();
      }
    }
    this.#isRunning = false;
  }

  async #take(action: Action): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#onFailed(error);
    }
  }
}
