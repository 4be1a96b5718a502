// The wait for a peer's FIN behind our own (RFC 9112 §9.6), so that it can read our last octets.
import { Timer, type TimerTarget } from '../base/timer-wheel.ts';
import type { EventLoop } from './event-loop.ts';

/** A slow peer's window opens in large steps: it may take nothing for this long and still be there. */
const STALLED_OUTPUT_MS = 30_000;

/** What a close waits for. */
export interface UnsentOutput {
  /** Octets that nobody has taken yet. */
  unsentBytes(): number;
}

/** Counts from the last octet that the kernel took; a peer that still takes some gets more time. */
export class DelayedClose implements TimerTarget {
  readonly #loop: EventLoop;
  readonly #output: UnsentOutput;
  readonly #delayMs: number;
  readonly #onOver: () => void;
  readonly #timer: Timer;
  #unsentBytes: number;
  #progressMs: number;

  /** Starts; `onOver` is called once unless `cancel` comes first. */
  constructor(
    loop: EventLoop,
    wait: { readonly output: UnsentOutput; readonly delayMs: number },
    onOver: () => void,
  ) {
    this.#loop = loop;
    this.#output = wait.output;
    this.#delayMs = wait.delayMs;
    this.#onOver = onOver;
    this.#unsentBytes = wait.output.unsentBytes();
    this.#progressMs = loop.nowMs();
    this.#timer = new Timer(this);
    this.#arm();
  }

  /** Neither over nor cancelled. */
  get isWaiting(): boolean {
    return this.#timer.armed;
  }

  cancel(): void {
    this.#loop.timers.cancel(this.#timer);
  }

  onTimer(): void {
    const before = this.#unsentBytes;
    const unsent = this.#output.unsentBytes();
    this.#unsentBytes = unsent;
    if (unsent < before) this.#progressMs = this.#loop.nowMs();
    const isStalled = this.#loop.nowMs() - this.#progressMs >= STALLED_OUTPUT_MS;
    if (before === 0 || isStalled) this.#onOver();
    else this.#arm();
  }

  #arm(): void {
    this.#loop.timers.arm(this.#timer, this.#loop.nowMs(), this.#delayMs);
  }
}
