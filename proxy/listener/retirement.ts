// The end of what drains: shortly before the drain time idle connections end politely, at the drain
// time whatever is left is cut.
import { Timer, type TimerTarget, type TimerWheel } from '../base/timer-wheel.ts';

/** What ends. */
export interface Retiree {
  /** Idle connections end after `lingerMs`, others with what they are at. */
  endIdle(lingerMs: number): void;
  cut(): void;
}

/** What of a listener ends; the chains it is about, or null: all of it. */
export interface RetiringListener<Chain> {
  endIdle(chains: ReadonlySet<Chain> | null, lingerMs: number): void;
  closeConnections(chains: ReadonlySet<Chain> | null): void;
}

/** The worker's time. */
interface Time {
  readonly timers: TimerWheel;
  nowMs(): number;
}

/**
 * An idle connection is kept this long for a request that is already on its way. Longer delays the
 * end of every process with idle clients; shorter loses requests on slow links.
 */
const IDLE_LINGER_MS = 500;

/** How long idle connections are kept, of so much time altogether. */
export function idleLingerMs(drainTimeMs: number): number {
  return Math.min(IDLE_LINGER_MS, drainTimeMs / 2);
}

/** One drain that ends by itself. */
export class Retirement implements TimerTarget {
  readonly #timers: TimerWheel;
  readonly #retiree: Retiree;
  readonly #idleTimer = new Timer(this);
  readonly #cutTimer = new Timer(this);
  readonly #lingerMs: number;

  constructor(time: Time, drainTimeMs: number, retiree: Retiree) {
    this.#timers = time.timers;
    this.#retiree = retiree;
    this.#lingerMs = idleLingerMs(drainTimeMs);
    const nowMs = time.nowMs();
    time.timers.arm(this.#idleTimer, nowMs, drainTimeMs - this.#lingerMs);
    time.timers.arm(this.#cutTimer, nowMs, drainTimeMs);
  }

  onTimer(timer: Timer): void {
    if (timer === this.#idleTimer) this.#retiree.endIdle(this.#lingerMs);
    else this.#retiree.cut();
  }

  /** Nothing is left; harmless when called again. */
  cancel(): void {
    this.#timers.cancel(this.#idleTimer);
    this.#timers.cancel(this.#cutTimer);
  }
}

/** Those of a worker's listeners. */
export class Retirements {
  readonly #time: Time;
  readonly #drainTimeMs: number;
  readonly #planned = new Map<object, Retirement[]>();

  constructor(time: Time, drainTimeMs: number) {
    this.#time = time;
    this.#drainTimeMs = drainTimeMs;
  }

  /** At the drain time nothing is left of these chains; null: of the listener. */
  plan<Chain>(listener: RetiringListener<Chain>, chains: ReadonlySet<Chain> | null): void {
    const planned = this.#planned.get(listener) ?? [];
    this.#planned.set(listener, planned);
    const retirement = this.begin({
      endIdle: (lingerMs) => listener.endIdle(chains, lingerMs),
      cut: () => listener.closeConnections(chains),
    });
    planned.push(retirement);
  }

  /** Nothing is left of the listener. */
  forget(listener: object): void {
    for (const retirement of this.#planned.get(listener) ?? []) retirement.cancel();
    this.#planned.delete(listener);
  }

  /** One that its owner cancels. */
  begin(retiree: Retiree): Retirement {
    return new Retirement(this.#time, this.#drainTimeMs, retiree);
  }
}
