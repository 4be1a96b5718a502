// The time limits of one attempt: how long it may take at all, how long its response, and how long
// nothing may come. Made only where one of them is configured.
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';

/** Which limit is over. */
export type AttemptLimit = 'duration' | 'try' | 'idle';

/** See the file's head. */
export class AttemptTimers {
  readonly #wheel: TimerWheel;
  readonly #duration: Timer;
  readonly #try: Timer;
  readonly #idle: Timer;
  #idleMs = 0;

  constructor(wheel: TimerWheel, target: TimerTarget) {
    this.#wheel = wheel;
    this.#duration = new Timer(target);
    this.#try = new Timer(target);
    this.#idle = new Timer(target);
  }

  /** Some limit may still run out. */
  get isArmed(): boolean {
    return this.#duration.armed || this.#try.armed || this.#idle.armed;
  }

  /** max_stream_duration, from when the attempt is sent; 0: none. */
  watchDuration(nowMs: number, limitMs: number): void {
    if (limitMs > 0) this.#wheel.arm(this.#duration, nowMs, limitMs);
  }

  /** per_try_timeout and per_try_idle_timeout, from the complete request; 0: none. */
  watchTry(nowMs: number, limitMs: number, idleMs: number): void {
    if (limitMs > 0) this.#wheel.arm(this.#try, nowMs, limitMs);
    this.#idleMs = idleMs;
    this.touch(nowMs);
  }

  /** Something came. */
  touch(nowMs: number): void {
    if (this.#idleMs > 0) this.#wheel.arm(this.#idle, nowMs, this.#idleMs);
  }

  limitOf(timer: Timer): AttemptLimit {
    if (timer === this.#duration) return 'duration';
    return timer === this.#try ? 'try' : 'idle';
  }

  /** The response began: it may go on until the route's timeout. */
  endTry(): void {
    this.#wheel.cancel(this.#try);
  }

  cancel(): void {
    this.#idleMs = 0;
    this.#wheel.cancel(this.#duration);
    this.#wheel.cancel(this.#try);
    this.#wheel.cancel(this.#idle);
  }
}
