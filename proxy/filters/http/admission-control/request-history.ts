// How many requests there were of late, and how many of them succeeded: counted by the second, as
// Envoy counts, so that a window forgets a second at a time.

const GRAIN_MS = 1000;
const MS_PER_SECOND = 1000;
/** The list of seconds is compacted when so many at its beginning are forgotten. */
const COMPACT_AT = 64;

interface Grain {
  readonly startMs: number;
  requests: number;
  successes: number;
}

/** One per worker and configuration. Every method is told the time. */
export class RequestHistory {
  readonly #windowMs: number;
  /** In order of time; those before `#first` are forgotten. */
  readonly #grains: Grain[] = [];
  #first = 0;
  #requests = 0;
  #successes = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Within the window; valid behind a call of `roll`. */
  get requests(): number {
    return this.#requests;
  }

  get successes(): number {
    return this.#successes;
  }

  /** Requests a second since the oldest one that is remembered, in whole numbers. */
  averageRps(nowMs: number): number {
    const oldest = this.#grains[this.#first];
    if (oldest === undefined || this.#requests === 0) return 0;
    const seconds = Math.floor((nowMs - oldest.startMs) / MS_PER_SECOND);
    return Math.floor(this.#requests / Math.max(1, seconds));
  }

  record(isSuccess: boolean, nowMs: number): void {
    const grain = this.roll(nowMs);
    grain.requests += 1;
    this.#requests += 1;
    if (!isSuccess) return;
    grain.successes += 1;
    this.#successes += 1;
  }

  /** Forgets what is too old; returns what is counted in now. */
  roll(nowMs: number): Grain {
    this.#forget(nowMs);
    const newest = this.#grains.at(-1);
    const isUsable = newest !== undefined && this.#first < this.#grains.length;
    if (isUsable && nowMs - newest.startMs < GRAIN_MS) return newest;
    const grain = { startMs: nowMs, requests: 0, successes: 0 };
    this.#grains.push(grain);
    return grain;
  }

  #forget(nowMs: number): void {
    for (;;) {
      const oldest = this.#grains[this.#first];
      if (oldest === undefined || nowMs - oldest.startMs < this.#windowMs) break;
      this.#requests -= oldest.requests;
      this.#successes -= oldest.successes;
      this.#first += 1;
    }
    if (this.#first < COMPACT_AT) return;
    this.#grains.splice(0, this.#first);
    this.#first = 0;
  }
}
