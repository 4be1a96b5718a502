// The checks of one host, one after the other: begins each when it is due, ends those that take too
// long, and tells the host's state machine what came of them.
import type { SocketAddress } from '../../base/address.ts';
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import { firstCheckMs, nextCheckMs } from './check-interval.ts';
import type { CheckedHost, CheckFailure, Transition } from './checked-host.ts';
import type { Checker, CheckerHandler, CheckTarget } from './checker.ts';
import { GrpcChecker } from './grpc-checker.ts';
import { HttpChecker } from './http-checker.ts';
import { TcpChecker } from './tcp-checker.ts';

/** The cluster of a host. */
export interface HostCheckOwner {
  /** The cluster had an upstream connection at some time. */
  readonly hadTraffic: boolean;
  /** A check ended, or the host said that it fails. Its check may be stopped inside. */
  onResult(check: HostCheck, transition: Transition, hasPassed: boolean): void;
}

const TIMED_OUT: CheckFailure = Object.freeze({
  type: 'NETWORK_TIMEOUT',
  isRetriable: false,
  isImmediate: false,
  status: 0,
});
const SAID_SO: CheckFailure = Object.freeze({
  type: 'PASSIVE',
  isRetriable: false,
  isImmediate: true,
  status: 0,
});

/** See the file's head. */
export class HostCheck implements TimerTarget, CheckerHandler {
  readonly host: CheckedHost;
  readonly #target: CheckTarget;
  readonly #owner: HostCheckOwner;
  readonly #checker: Checker;
  readonly #interval = new Timer(this);
  readonly #timeout = new Timer(this);
  #isStopped = false;

  constructor(host: CheckedHost, target: CheckTarget, owner: HostCheckOwner) {
    this.host = host;
    this.#target = target;
    this.#owner = owner;
    this.#checker = makeChecker(target, this);
  }

  /** The host's own address. */
  get address(): SocketAddress {
    return this.host.address;
  }

  /** Where checks go. */
  get target(): CheckTarget {
    return this.#target;
  }

  /** Makes the first check, now or within the initial jitter. */
  start(): void {
    const { services, cluster } = this.#target;
    const intervals = cluster.healthCheck?.intervals;
    const delayMs = intervals === undefined ? 0 : firstCheckMs(intervals, services.random);
    if (delayMs === 0) this.#check();
    else services.timers.arm(this.#interval, services.clock.nowMs(), delayMs);
  }

  /** No check any more; nothing is told. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#disarm();
    this.#checker.close();
  }

  /** It said in an ordinary response that it fails its checks. */
  failNow(): void {
    this.#owner.onResult(this, this.host.fail(SAID_SO), false);
  }

  onTimer(timer: Timer): void {
    if (timer === this.#interval) {
      this.#check();
      return;
    }
    this.#checker.abandon();
    this.onFailed(TIMED_OUT);
  }

  onPassed(isDegraded: boolean): void {
    if (this.#isStopped) return;
    this.#end(this.host.pass(isDegraded), true);
  }

  onFailed(failure: CheckFailure): void {
    if (this.#isStopped) return;
    this.#end(this.host.fail(failure), false);
  }

  #check(): void {
    const { services, stats, cluster } = this.#target;
    stats.attempt.inc();
    const timeoutMs = cluster.healthCheck?.timeoutMs ?? 0;
    services.timers.arm(this.#timeout, services.clock.nowMs(), timeoutMs);
    this.#checker.check();
  }

  #end(transition: Transition, hasPassed: boolean): void {
    const { services, cluster } = this.#target;
    this.#disarm();
    this.#owner.onResult(this, transition, hasPassed);
    if (this.#isStopped || cluster.healthCheck === null) return;
    const outcome = { hasPassed, transition, hadTraffic: this.#owner.hadTraffic };
    const delayMs = nextCheckMs(cluster.healthCheck.intervals, outcome, services.random);
    services.timers.arm(this.#interval, services.clock.nowMs(), delayMs);
  }

  #disarm(): void {
    const { timers } = this.#target.services;
    timers.cancel(this.#interval);
    timers.cancel(this.#timeout);
  }
}

function makeChecker(target: CheckTarget, handler: CheckerHandler): Checker {
  const config = target.cluster.healthCheck?.checker;
  switch (config?.kind) {
    case 'http':
      return new HttpChecker(config, target, handler);
    case 'grpc':
      return new GrpcChecker(config, target, handler);
    case 'tcp':
      return new TcpChecker(config, target, handler);
    case undefined:
      throw new Error('only hosts of clusters with health checks are checked');
  }
}
