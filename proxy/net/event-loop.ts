// What all connections of a worker share in one turn of the event loop: a clock that is read once,
// the timers, and the output that leaves at the end of the turn. Writing in one block outside the
// read callbacks costs 0.94 to 0.95 of writing inside them.
import type { Clock } from '../base/clock.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import { OutputSlab } from './output-slab.ts';

/** Something with output to write at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/** Gives up exact time within a turn: everything that happens in one turn happens at one instant. */
export class EventLoop implements Clock {
  /** Every timer of the worker's data path. */
  readonly timers: TimerWheel;
  /** Where large output waits for the end of the turn. */
  readonly slab = new OutputSlab();
  readonly #clock: Clock;
  #nowMs: number;
  #wallMs: number;
  #turnOpen = false;
  #queue: Flushable[] = [];
  #spareQueue: Flushable[] = [];
  #wake: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  readonly #endTurn = (): void => this.#flushAll();
  readonly #onWake = (): void => this.#advance();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowMs = clock.nowMs();
    this.#wallMs = clock.wallMs();
    this.timers = new TimerWheel(this.#nowMs);
    this.timers.onEarlier = () => this.#plan();
  }

  /** Monotonic ms of this turn. */
  nowMs(): number {
    if (!this.#turnOpen) this.beginTurn();
    return this.#nowMs;
  }

  /** Wall-clock ms of this turn. */
  wallMs(): number {
    if (!this.#turnOpen) this.beginTurn();
    return this.#wallMs;
  }

  /** Called first by everything the system wakes: reads the clocks once a turn. */
  beginTurn(): void {
    if (this.#turnOpen) return;
    this.#turnOpen = true;
    this.#nowMs = this.#clock.nowMs();
    this.#wallMs = this.#clock.wallMs();
    setImmediate(this.#endTurn);
  }

  /** Calls `target.flush()` once at the end of this turn. */
  flushLater(target: Flushable): void {
    if (!this.#turnOpen) this.beginTurn();
    this.#queue.push(target);
  }

  /** Stops the timers for good. */
  close(): void {
    this.#closed = true;
    this.timers.onEarlier = null;
    if (this.#wake !== null) clearTimeout(this.#wake);
    this.#wake = null;
  }

  #flushAll(): void {
    const queue = this.#queue;
    this.#queue = this.#spareQueue;
    for (let index = 0; index < queue.length; index += 1) (queue[index] as Flushable).flush();
    queue.length = 0;
    this.#spareQueue = queue;
    if (this.#queue.length > 0) {
      // A drained connection may write again while others flush: that is the next block.
      setImmediate(this.#endTurn);
      return;
    }
    this.slab.recycle();
    this.#turnOpen = false;
  }

  #advance(): void {
    this.#wake = null;
    this.beginTurn();
    this.timers.advance(this.#nowMs);
    this.#plan();
  }

  #plan(): void {
    if (this.#closed) return;
    if (this.#wake !== null) clearTimeout(this.#wake);
    const delayMs = this.timers.planWakeMs(this.#clock.nowMs());
    this.#wake = delayMs < 0 ? null : setTimeout(this.#onWake, Math.ceil(delayMs));
    this.#wake?.unref();
  }
}
