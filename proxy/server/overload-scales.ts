// How far the actions of an overload manager are, as the data path asks for it: what is done in part
// is done to that share, by chance.

import type { Random } from '../base/random.ts';
import { NO_SCALING, type OverloadState, type TimeoutScaling } from '../filters/network-filter.ts';
import type {
  OverloadActionName,
  ScaledTimer,
  ScaledTimerConfig,
  ShedPointName,
} from '../model/overload.ts';
import type { Counter } from '../stats/metrics.ts';

/** 0 to 1 for each action and point that is configured. */
export interface Scales {
  readonly actions: ReadonlyMap<OverloadActionName, number>;
  readonly points: ReadonlyMap<ShedPointName, number>;
}

/** One for each time that somebody looked. */
export class ScaledState implements OverloadState {
  readonly timeouts: TimeoutScaling;
  /** The process is short of memory for itself: connections end in any case. */
  isShortOfMemory = false;
  readonly #scales: Scales;
  readonly #shed: ReadonlyMap<ShedPointName, Counter>;
  readonly #random: Random;

  constructor(
    scales: Scales,
    timers: readonly ScaledTimerConfig[],
    by: { readonly random: Random; readonly shed: ReadonlyMap<ShedPointName, Counter> },
  ) {
    const scale = scales.actions.get('reduce_timeouts') ?? 0;
    this.timeouts = scale === 0 ? NO_SCALING : new ScaledTimeouts(timers, scale);
    this.#scales = scales;
    this.#random = by.random;
    this.#shed = by.shed;
  }

  get endsConnections(): boolean {
    return this.isShortOfMemory || this.#isDone('disable_http_keepalive');
  }

  get refusesRequests(): boolean {
    return (
      this.#isDone('stop_accepting_requests') ||
      this.#isShed('http_connection_manager_decode_headers')
    );
  }

  get refusesConnections(): boolean {
    const { actions } = this.#scales;
    return (
      actions.get('stop_accepting_connections') === 1 ||
      this.#isDone('reject_incoming_connections') ||
      this.#isShed('tcp_listener_accept')
    );
  }

  #isDone(action: OverloadActionName): boolean {
    return this.#isDrawn(this.#scales.actions.get(action) ?? 0);
  }

  #isShed(point: ShedPointName): boolean {
    if (!this.#isDrawn(this.#scales.points.get(point) ?? 0)) return false;
    this.#shed.get(point)?.inc();
    return true;
  }

  #isDrawn(scale: number): boolean {
    return scale >= 1 || (scale > 0 && this.#random.next() < scale);
  }
}

class ScaledTimeouts implements TimeoutScaling {
  readonly #timers: ReadonlyMap<ScaledTimer, ScaledTimerConfig>;
  readonly #scale: number;

  constructor(timers: readonly ScaledTimerConfig[], scale: number) {
    this.#timers = new Map(timers.map((config) => [config.timer, config]));
    this.#scale = scale;
  }

  scaled(timer: ScaledTimer, ms: number): number {
    const config = this.#timers.get(timer);
    if (config === undefined || ms === 0) return ms;
    const least = Math.min(ms, config.minMs ?? ms * config.minShare);
    // 0 would switch the timeout off.
    return Math.max(1, least + (ms - least) * (1 - this.#scale));
  }
}
