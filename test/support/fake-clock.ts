// Time that passes only when a test says so, and fires the timers of a wheel on the way.
import type { Clock } from '../../proxy/base/clock.ts';
import { TimerWheel, WHEEL_TICK_MS } from '../../proxy/base/timer-wheel.ts';

/** A clock with a timer wheel of its own. */
export class FakeClock implements Clock {
  readonly timers: TimerWheel;
  readonly #wallStartMs: number;
  #nowMs: number;

  constructor(nowMs = 1000, wallMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
    this.#wallStartMs = wallMs - nowMs;
    this.timers = new TimerWheel(nowMs);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  /** Lets `durationMs` pass, tick by tick: every timer fires at its own time. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + WHEEL_TICK_MS);
      this.timers.advance(this.#nowMs);
    }
  }
}
