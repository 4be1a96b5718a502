// The attempts of one request that may have several: which are in flight, whether there is to be
// another one, where and when (Envoy RetryState).
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { ResponseHead } from '../../../http/message.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { Counter } from '../../../stats/metrics.ts';
import type { RetryCounters } from '../../../stats/retry-counters.ts';
import type { TerminalFilterCallbacks } from '../../http-filter.ts';
import type { Attempt } from './attempt.ts';
import { askedBackOffMs, BackOff, jittered } from './back-off.ts';
import type { ForwardedRequest } from './forwarded-request.ts';
import type { RetryRules } from './retry-rules.ts';
import { TriedHosts } from './tried-hosts.ts';

const ALL_PERCENT = 100;

/** The router of the stream. */
export interface RetriesOwner {
  /** Another attempt is due; `isForTimeout`: the one before took too long. */
  onRetryDue(isForTimeout: boolean): void;
}

/** Whose attempts they are. */
export interface RetriesPlace {
  readonly owner: RetriesOwner;
  readonly callbacks: TerminalFilterCallbacks;
  readonly request: ForwardedRequest;
}

/** See the file's head. */
export class Retries implements TimerTarget {
  /** Where it was tried, for load balancers. */
  readonly tried: TriedHosts;
  readonly #owner: RetriesOwner;
  readonly #callbacks: TerminalFilterCallbacks;
  readonly #request: ForwardedRequest;
  readonly #rules: RetryRules;
  readonly #backOff: BackOff;
  readonly #timer: Timer;
  /** Attempts without a response, the latest last. */
  #flying: Attempt[] = [];
  #remaining: number;
  /** Another attempt is waited for. */
  #isDue = false;
  #isForTimeout = false;
  /** Counts it when its back-off is over; null: there is none. */
  #backOffCounter: Counter | null = null;
  /** The last attempt is a retry, and counted by the circuit breaker. */
  #isRetrying = false;
  /** Some attempt got as far as a connection. */
  #hasBegun = false;

  constructor({ owner, callbacks, request }: RetriesPlace, rules: RetryRules) {
    const { policy } = rules;
    this.#owner = owner;
    this.#callbacks = callbacks;
    this.#request = request;
    this.#rules = rules;
    this.#remaining = rules.numRetries;
    this.#backOff = new BackOff(policy.backOff);
    this.#timer = new Timer(this);
    this.tried = new TriedHosts(policy);
  }

  /** Some attempt, begun or due, may still bring a response. */
  get isAwaiting(): boolean {
    return this.#isDue || this.#flying.length > 0;
  }

  /** Those without a response. */
  get flying(): readonly Attempt[] {
    return this.#flying;
  }

  /** An attempt begins. */
  add(attempt: Attempt): void {
    this.#flying.push(attempt);
    this.tried.add(attempt.host);
    if (this.tried.hosts.length < 2) return;
    const { info } = this.#callbacks;
    info.attemptedHosts = this.tried.hosts;
    info.attemptedConnectionIds = this.tried.connectionIds;
  }

  /** True: this response is not the client's; another attempt brings one. */
  takesResponse(attempt: Attempt, head: ResponseHead): boolean {
    this.#land(attempt);
    const isWanted = this.#rules.wantsResponse(head);
    const isBegun = !attempt.isRetried && this.#begin(isWanted);
    if (isBegun) this.#wait(head, false);
    // One that would have been retried is the last choice.
    if (!isBegun && !(isWanted && this.isAwaiting)) return false;
    attempt.host.stats.rqError += 1;
    if (isBegun) this.#request.charges.retriedResponse(head.status);
    attempt.abort();
    return true;
  }

  /** True: the attempt, which failed without a response, is followed by another. */
  takesFailure(attempt: Attempt, reason: ResetReason, isForTimeout: boolean): boolean {
    this.#land(attempt);
    if (attempt.isRetried) return false;
    if (!this.#begin(this.#rules.wantsReset(reason, this.#hasBegun))) return false;
    attempt.host.stats.rqError += 1;
    this.#wait(null, isForTimeout);
    return true;
  }

  /** The attempt takes too long: it gets company (hedge_on_per_try_timeout). */
  hedge(attempt: Attempt): void {
    if (!this.#begin(true)) return;
    attempt.isRetried = true;
    this.#wait(null, true);
  }

  /** No further attempt begins. */
  stop(): void {
    this.#release();
  }

  /** The back-off is over. */
  onTimer(): void {
    this.#isDue = false;
    this.#count('begun');
    this.#backOffCounter?.inc();
    this.#owner.onRetryDue(this.#isForTimeout);
  }

  get #timers(): TimerWheel {
    return this.#callbacks.services.timers;
  }

  #land(attempt: Attempt): void {
    this.#hasBegun ||= attempt.hasBegun;
    const at = this.#flying.indexOf(attempt);
    if (at !== -1) this.#flying.splice(at, 1);
  }

  /** Whether what is wanted may be; counts it, and takes its place in the circuit breaker. */
  #begin(isWanted: boolean): boolean {
    const { policy } = this.#rules;
    if (this.#isRetrying && !isWanted) this.#count('success');
    this.#release();
    if (!isWanted) return false;
    if (this.#remaining === 0) {
      this.#count('limitExceeded');
      this.#callbacks.info.addFlag('URX');
      return false;
    }
    this.#remaining -= 1;
    if (!this.#request.breakers.retries.tryAcquire()) {
      this.#count('overflow');
      this.#callbacks.info.addFlag('UO');
      return false;
    }
    this.#isRetrying = true;
    if (this.#callbacks.streamRandom % ALL_PERCENT >= policy.usedPercent) {
      this.#release();
      return false;
    }
    return true;
  }

  #wait(head: ResponseHead | null, isForTimeout: boolean): void {
    this.#isDue = true;
    this.#isForTimeout = isForTimeout;
    const isImmediate = head !== null && this.#rules.isImmediate(head);
    this.#backOffCounter = null;
    const delayMs = isImmediate ? 0 : this.#delayMs(head);
    this.#timers.arm(this.#timer, this.#callbacks.nowMs(), delayMs);
  }

  /** Until the next attempt: at random, or what the response asks for. */
  #delayMs(head: ResponseHead | null): number {
    const { services } = this.#callbacks;
    const { stats } = this.#request.cluster;
    const { rateLimited } = this.#rules.policy;
    const askedMs =
      head === null || rateLimited === null
        ? null
        : askedBackOffMs(rateLimited, head, services.clock.wallMs());
    this.#backOffCounter = askedMs === null ? stats.backOffExponential : stats.backOffRateLimited;
    const { random } = services;
    return askedMs === null ? this.#backOff.nextMs(random) : jittered(askedMs, random);
  }

  #release(): void {
    this.#timers.cancel(this.#timer);
    this.#isDue = false;
    if (!this.#isRetrying) return;
    this.#isRetrying = false;
    this.#request.breakers.retries.release();
  }

  #count(outcome: keyof RetryCounters): void {
    this.#request.cluster.stats.retries[outcome].inc();
    this.#request.charges.retry(outcome);
  }
}
