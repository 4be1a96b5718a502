// The times that bound a pooled connection: connecting, idle, and at all.
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import type { ClusterResources } from '../upstream-context.ts';

/** Of one connection; who owns it is told, and knows them apart. */
export class ConnectionTimers {
  readonly #resources: ClusterResources;
  readonly #connect: Timer;
  readonly idle: Timer;
  readonly duration: Timer;

  constructor(resources: ClusterResources, owner: TimerTarget) {
    this.#resources = resources;
    this.#connect = new Timer(owner);
    this.idle = new Timer(owner);
    this.duration = new Timer(owner);
  }

  /** It begins to connect. */
  connecting(startMs: number): void {
    const { context, config } = this.#resources;
    context.timers.arm(this.#connect, startMs, config.connectTimeoutMs);
  }

  /** It is connected: from now on it may be idle, or too old. */
  connected(): void {
    const { context, config } = this.#resources;
    context.timers.cancel(this.#connect);
    this.#arm(this.idle, config.http.idleTimeoutMs);
    this.#arm(this.duration, config.http.maxConnectionDurationMs);
  }

  /**
   * Looks whether it was idle for long enough when that timer is due, and arms it again if not:
   * cheaper than arming it at the end of each request.
   */
  isIdle(openStreams: number, lastActiveMs: number): boolean {
    const { context, config } = this.#resources;
    const timeoutMs = config.http.idleTimeoutMs;
    const idleMs = openStreams > 0 ? 0 : context.clock.nowMs() - lastActiveMs;
    if (idleMs >= timeoutMs) return true;
    this.#arm(this.idle, timeoutMs - idleMs);
    return false;
  }

  /** It is gone. */
  cancel(): void {
    const { timers } = this.#resources.context;
    timers.cancel(this.#connect);
    timers.cancel(this.idle);
    timers.cancel(this.duration);
  }

  get isConnecting(): boolean {
    return this.#connect.armed;
  }

  #arm(timer: Timer, delayMs: number): void {
    const { timers, clock } = this.#resources.context;
    if (delayMs > 0) timers.arm(timer, clock.nowMs(), delayMs);
  }
}
