// One wheel per worker for every timer of the data path: arming and cancelling cost nanoseconds,
// resolution is one tick (8 ms). Gives up exactness below a tick; timers never fire early.
import { INVARIANTS, invariant } from './invariants.ts';

/** Milliseconds a tick of the wheel stands for: 5 s timers are exact to 0.2 %. */
export const WHEEL_TICK_MS = 8;
const SLOT_BITS = 8;
const SLOTS = 1 << SLOT_BITS;
const SLOT_MASK = SLOTS - 1;
const LEVELS = 4;
const MAX_TICKS = 2 ** (SLOT_BITS * LEVELS) - 1;

/** What a timer does when it is due. */
export interface TimerTarget {
  onTimer(timer: Timer): void;
}

/** One timer: made once by its owner, armed and cancelled any number of times. */
export class Timer {
  readonly target: TimerTarget;
  /** Tick at which it fires; meaningless unless armed. */
  dueTick = 0;
  next: Timer | null = null;
  previous: Timer | null = null;
  armed = false;

  constructor(target: TimerTarget) {
    this.target = target;
  }
}

/** Hierarchical timing wheel: 4 levels of 256 slots. Holds no clock: `advance` is called with now. */
export class TimerWheel {
  readonly #slots: Timer[] = [];
  #tick: number;
  #armed = 0;
  /** Timers fire: ticks up to now are still to be worked off, and none may be passed over. */
  #isAdvancing = false;
  /** Tick for which the driver has planned its next `advance`; Infinity when it sleeps. */
  #plannedTick = Number.POSITIVE_INFINITY;
  /** Called when a timer is armed that is due before the planned wake-up. */
  onEarlier: (() => void) | null = null;

  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / WHEEL_TICK_MS);
    for (let index = 0; index < SLOTS * LEVELS; index += 1) {
      const head = new Timer(NOBODY);
      head.next = head;
      head.previous = head;
      this.#slots.push(head);
    }
  }

  /** Number of armed timers. */
  get armedCount(): number {
    return this.#armed;
  }

  /** Arms (or re-arms) `timer` to fire once, `delayMs` after `nowMs` or up to a tick later. */
  arm(timer: Timer, nowMs: number, delayMs: number): void {
    if (timer.armed) this.cancel(timer);
    if (this.#armed === 0 && !this.#isAdvancing) {
      this.#tick = Math.max(this.#tick, Math.floor(nowMs / WHEEL_TICK_MS));
    }
    const due = Math.ceil((nowMs + delayMs) / WHEEL_TICK_MS);
    timer.dueTick = Math.min(Math.max(due, this.#tick + 1), this.#tick + MAX_TICKS);
    timer.armed = true;
    this.#armed += 1;
    this.#link(timer);
    if (timer.dueTick < this.#plannedTick && this.onEarlier !== null) this.onEarlier();
    if (INVARIANTS) this.#checkTimer(timer);
  }

  /** Disarms `timer`; harmless when it is not armed. */
  cancel(timer: Timer): void {
    if (!timer.armed) return;
    unlink(timer);
    timer.armed = false;
    this.#armed -= 1;
    if (INVARIANTS) this.#checkTimer(timer);
  }

  /** Fires every timer that is due at `nowMs`. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs / WHEEL_TICK_MS);
    this.#isAdvancing = true;
    while (this.#tick < target && this.#armed > 0) {
      this.#tick += 1;
      this.#cascade();
      this.#fire(this.#slots[this.#tick & SLOT_MASK] as Timer);
    }
    this.#isAdvancing = false;
    this.#tick = Math.max(this.#tick, target);
    if (INVARIANTS) this.checkInvariants();
  }

  /**
   * Milliseconds from `nowMs` to the next tick with work (a timer, or a slot to cascade);
   * -1 when no timer is armed. The driver calls it after `advance` and sleeps that long.
   */
  planWakeMs(nowMs: number): number {
    if (this.#armed === 0) {
      this.#plannedTick = Number.POSITIVE_INFINITY;
      return -1;
    }
    let tick = this.#tick + 1;
    while ((tick & SLOT_MASK) !== 0 && this.#isEmpty(tick & SLOT_MASK)) tick += 1;
    this.#plannedTick = tick;
    return Math.max(0, tick * WHEEL_TICK_MS - nowMs);
  }

  /** Walks all slots: once for each `advance`, not for each timer. */
  checkInvariants(): void {
    let linked = 0;
    for (const head of this.#slots) {
      for (let timer = head.next as Timer; timer !== head; timer = timer.next as Timer) {
        this.#checkTimer(timer);
        linked += 1;
      }
    }
    invariant(linked === this.#armed, 'timer wheel: as many timers are linked as are armed');
  }

  #checkTimer(timer: Timer): void {
    const { next, previous } = timer;
    invariant(this.#armed >= 0, 'timer wheel: no timer is disarmed twice');
    invariant(timer.armed === (next !== null), 'timer wheel: linked is who is armed');
    if (next === null || previous === null) return;
    const isBetween = next.previous === timer && previous.next === timer;
    invariant(isBetween, 'timer wheel: neighbours know each other');
    invariant(timer.dueTick > this.#tick, 'timer wheel: nobody waits for a tick that is over');
  }

  #isEmpty(slot: number): boolean {
    const head = this.#slots[slot] as Timer;
    return head.next === head;
  }

  #cascade(): void {
    let shift = SLOT_BITS;
    for (let level = 1; level < LEVELS; level += 1) {
      if ((this.#tick & ((2 ** shift - 1) | 0)) !== 0) return;
      const head = this.#slots[level * SLOTS + ((this.#tick >>> shift) & SLOT_MASK)] as Timer;
      for (let timer = head.next as Timer; timer !== head; timer = head.next as Timer) {
        unlink(timer);
        this.#link(timer);
      }
      shift += SLOT_BITS;
    }
  }

  #fire(head: Timer): void {
    for (let timer = head.next as Timer; timer !== head; timer = head.next as Timer) {
      unlink(timer);
      timer.armed = false;
      this.#armed -= 1;
      timer.target.onTimer(timer);
    }
  }

  #link(timer: Timer): void {
    const distance = timer.dueTick - this.#tick;
    let level = 0;
    while (level < LEVELS - 1 && distance >= 2 ** (SLOT_BITS * (level + 1))) level += 1;
    const slot = Math.floor(timer.dueTick / 2 ** (SLOT_BITS * level)) & SLOT_MASK;
    const head = this.#slots[level * SLOTS + slot] as Timer;
    timer.next = head;
    timer.previous = head.previous;
    (head.previous as Timer).next = timer;
    head.previous = timer;
  }
}

const NOBODY: TimerTarget = { onTimer: () => undefined };

function unlink(timer: Timer): void {
  (timer.previous as Timer).next = timer.next;
  (timer.next as Timer).previous = timer.previous;
  timer.next = null;
  timer.previous = null;
}
