// Finds how many requests may be in flight. Now and then it lets only few through and takes how long
// they need for the best there is (the smallest round-trip time); the limit follows the ratio of
// that time to the present one. As Envoy's gradient controller, but nothing runs while nobody asks:
// windows that are over are closed with the next request, or by a timer that dies with the traffic.
import type { SharedCounter } from '../../../base/cells/shared-counter.ts';
import type { SharedInts } from '../../../base/cells/shared-ints.ts';
import { Timer, type TimerTarget } from '../../../base/timer-wheel.ts';
import { quantilesOf } from '../../../stats/distribution.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import type { AdaptiveConfig, GradientSettings } from './adaptive-config.ts';
import {
  addSample,
  CELL,
  GRADIENT_CELLS,
  laterBy,
  stampOf,
  takeSamples,
  tryLock,
  unlock,
} from './gradient-cells.ts';
import { GradientStats } from './gradient-stats.ts';

const US_PER_MS = 1000;
const MIN_GRADIENT = 0.5;
const MAX_GRADIENT = 2;
const THOUSANDTHS = 1000;
/** Envoy: a limit that stays at its least so many windows was found by a wrong measurement. */
const MAX_LOW_STREAK = 5;

/** One per worker and configuration; those of all workers find one limit together. */
export class GradientController implements TimerTarget {
  readonly #config: AdaptiveConfig;
  readonly #services: HttpFilterServices;
  readonly #cells: SharedInts;
  readonly #outstanding: SharedCounter;
  readonly #stats: GradientStats;
  readonly #timer = new Timer(this);

  constructor(config: AdaptiveConfig, services: HttpFilterServices) {
    const kind = config.fixedMinRttUs === null ? 'measured' : 'fixed';
    const key = `adaptive_concurrency/${config.place}/${kind}`;
    this.#config = config;
    this.#services = services;
    this.#cells = services.cells.ints(key, GRADIENT_CELLS);
    this.#outstanding = services.cells.counter(`${key}/outstanding`);
    this.#stats = new GradientStats(services.scope, this.#cells);
    this.publish();
  }

  /** Names the measurement that a request which begins now belongs to. */
  get epoch(): number {
    return this.#cells.get(CELL.epoch);
  }

  /** The time that requests are measured by, in ms. */
  nowMs(): number {
    return this.#services.cells.nowMs();
  }

  /** Takes a place for a request; false: there is none. Paired with `finish` or `cancel`. */
  tryBegin(nowMs: number): boolean {
    this.#catchUp(stampOf(nowMs));
    if (this.#outstanding.tryAcquire(this.#cells.get(CELL.limit))) return true;
    this.#stats.rqBlocked.inc();
    return false;
  }

  /** A request was answered that began at `startMs`, in the measurement `epoch`. */
  finish(startMs: number, epoch: number): void {
    this.#outstanding.release();
    const nowMs = this.nowMs();
    const now = stampOf(nowMs);
    this.#catchUp(now);
    const cells = this.#cells;
    if (epoch === cells.get(CELL.epoch)) {
      const samples = addSample(cells, Math.max(0, Math.floor((nowMs - startMs) * US_PER_MS)));
      const { measuredRequests } = this.#config.gradient.value;
      if (samples >= measuredRequests && this.#isMeasuring()) this.#endMeasurement(now);
    }
    this.#plan(now);
  }

  /** A request ended without an answer. */
  cancel(): void {
    this.#outstanding.release();
  }

  /** Brings the gauges up to date: another worker may have changed what they show. */
  publish(): void {
    this.#catchUp(stampOf(this.nowMs()));
    this.#stats.publish();
  }

  onTimer(): void {
    const now = stampOf(this.nowMs());
    this.#catchUp(now);
    this.#plan(now);
  }

  /** Does what has become due since somebody looked last. */
  #catchUp(now: number): void {
    const cells = this.#cells;
    const isBegun = cells.get(CELL.limit) !== 0;
    if (isBegun && !this.#isDue(CELL.windowEnd, now) && !this.#isDue(CELL.measureAt, now)) return;
    if (isBegun && this.#isMeasuring()) return;
    if (!tryLock(cells, now)) return;
    if (cells.get(CELL.limit) === 0) this.#start(now);
    else if (!this.#isMeasuring()) this.#advance(now);
    unlock(cells);
    this.#stats.publish();
  }

  #start(now: number): void {
    const cells = this.#cells;
    const { minLimit, measuringLimit, updateIntervalMs } = this.#config.gradient.value;
    const { fixedMinRttUs } = this.#config;
    cells.set(CELL.windowEnd, (now + updateIntervalMs) | 0);
    if (fixedMinRttUs === null) {
      cells.set(CELL.deferredLimit, measuringLimit);
      cells.set(CELL.limit, measuringLimit);
      return;
    }
    cells.set(CELL.minRttUs, fixedMinRttUs);
    cells.set(CELL.limit, minLimit);
  }

  /** In the order in which things became due: a measurement throws away what a window had. */
  #advance(now: number): void {
    const cells = this.#cells;
    const isMeasuredFirst =
      this.#isDue(CELL.measureAt, now) &&
      laterBy(cells.get(CELL.windowEnd), cells.get(CELL.measureAt)) > 0;
    if (this.#isDue(CELL.windowEnd, now) && !isMeasuredFirst) this.#closeWindow(now);
    if (this.#isDue(CELL.measureAt, now)) this.#beginMeasurement();
  }

  #closeWindow(now: number): void {
    const cells = this.#cells;
    const settings = this.#config.gradient.value;
    const late = laterBy(now, cells.get(CELL.windowEnd));
    const windows = 1 + Math.floor(late / settings.updateIntervalMs);
    cells.add(CELL.windowEnd, (windows * settings.updateIntervalMs) | 0);
    const sampleUs = this.#takeRtt(settings);
    if (sampleUs === null) return;
    cells.set(CELL.sampleRttUs, sampleUs);
    this.#setLimit(this.#nextLimit(sampleUs, settings), settings);
    if (cells.get(CELL.lowStreak) >= MAX_LOW_STREAK) cells.set(CELL.measureAt, now);
  }

  #nextLimit(sampleUs: number, { buffer, minLimit, maxLimit }: GradientSettings): number {
    const cells = this.#cells;
    const minRttUs = cells.get(CELL.minRttUs);
    const ratio = sampleUs === 0 ? MAX_GRADIENT : (minRttUs + minRttUs * buffer) / sampleUs;
    const gradient = Math.max(MIN_GRADIENT, Math.min(MAX_GRADIENT, ratio));
    const limit = cells.get(CELL.limit) * gradient;
    const burst = Math.sqrt(limit);
    cells.set(CELL.gradient, Math.floor(gradient * THOUSANDTHS));
    cells.set(CELL.burst, Math.floor(burst));
    return Math.max(minLimit, Math.min(maxLimit, Math.floor(limit + burst)));
  }

  #setLimit(limit: number, { minLimit }: GradientSettings): void {
    const cells = this.#cells;
    const isLow = cells.get(CELL.limit) === minLimit && limit === minLimit;
    cells.set(CELL.lowStreak, isLow ? cells.get(CELL.lowStreak) + 1 : 0);
    cells.set(CELL.limit, limit);
  }

  #beginMeasurement(): void {
    const cells = this.#cells;
    cells.set(CELL.deferredLimit, cells.get(CELL.limit));
    cells.set(CELL.limit, this.#config.gradient.value.measuringLimit);
    cells.set(CELL.lowStreak, 0);
    takeSamples(cells);
    cells.add(CELL.epoch, 1);
  }

  #endMeasurement(now: number): void {
    const cells = this.#cells;
    if (!tryLock(cells, now)) return;
    if (this.#isMeasuring()) {
      const settings = this.#config.gradient.value;
      const minRttUs = this.#takeRtt(settings);
      if (minRttUs !== null) cells.set(CELL.minRttUs, minRttUs);
      cells.set(CELL.limit, cells.get(CELL.deferredLimit));
      cells.set(CELL.windowEnd, (now + settings.updateIntervalMs) | 0);
      cells.set(CELL.measureAt, (now + this.#untilMeasurementMs(settings)) | 0);
      cells.set(CELL.deferredLimit, 0);
    }
    unlock(cells);
    this.#stats.publish();
  }

  #untilMeasurementMs({ measureIntervalMs, jitter }: GradientSettings): number {
    const range = Math.ceil(measureIntervalMs * jitter);
    return measureIntervalMs + Math.floor(this.#services.random.next() * range);
  }

  /** Of all samples, which are gone then, in µs; null: there are none. */
  #takeRtt({ percentile }: GradientSettings): number | null {
    const samples = takeSamples(this.#cells);
    if (samples.length === 0) return null;
    return Math.floor(quantilesOf(samples, 'us', [percentile])[0] ?? 0);
  }

  /** Wakes up for what becomes due next. Without traffic it does so once more, and then no more. */
  #plan(now: number): void {
    if (this.#timer.armed || this.#isMeasuring()) return;
    const cells = this.#cells;
    const untilEnd = laterBy(cells.get(CELL.windowEnd), now);
    const untilMeasured = laterBy(cells.get(CELL.measureAt), now);
    const hasSamples = cells.get(CELL.samples) > 0;
    if (!hasSamples && !this.#measures) return;
    const waits = [...(hasSamples ? [untilEnd] : []), ...(this.#measures ? [untilMeasured] : [])];
    const { clock, timers } = this.#services;
    timers.arm(this.#timer, clock.nowMs(), Math.max(0, Math.min(...waits)));
  }

  get #measures(): boolean {
    return this.#config.fixedMinRttUs === null;
  }

  #isMeasuring(): boolean {
    return this.#cells.get(CELL.deferredLimit) !== 0;
  }

  #isDue(cell: typeof CELL.windowEnd | typeof CELL.measureAt, now: number): boolean {
    if (cell === CELL.measureAt && !this.#measures) return false;
    return laterBy(now, this.#cells.get(cell)) >= 0;
  }
}
