// One subscriber of one type: what it wants, how long it waits for the first of it, what it counts.
import { Timer, type TimerTarget } from '../base/timer-wheel.ts';
import type {
  Answer,
  DiscoveryFailure,
  DiscoveryRequest,
  DiscoverySink,
  DiscoverySubscription,
  DiscoveryUpdate,
} from './discovery.ts';
import { SubscriptionStats } from './subscription-stats.ts';
import { cutRefusal } from './type-machine.ts';
import type { WatchServices } from './watch-services.ts';

/** Who keeps watches. */
export interface WatchOwner {
  onNames(watch: Watch, names: ReadonlySet<string>): void;
  onRefused(names: readonly string[], reason: string): void;
  onClose(watch: Watch): void;
}

/** See DiscoverySubscription. */
export class Watch implements DiscoverySubscription, TimerTarget {
  names: ReadonlySet<string>;
  isClosed = false;
  readonly #typeUrl: string;
  readonly #sink: DiscoverySink;
  readonly #owner: WatchOwner;
  readonly #services: WatchServices;
  readonly #stats: SubscriptionStats | null;
  readonly #timer: Timer;

  constructor(
    request: DiscoveryRequest,
    sink: DiscoverySink,
    parts: { readonly owner: WatchOwner; readonly services: WatchServices },
  ) {
    const { clock, timers } = parts.services;
    this.names = request.names;
    this.#typeUrl = request.typeUrl;
    this.#sink = sink;
    this.#owner = parts.owner;
    this.#services = parts.services;
    this.#stats = request.stats === null ? null : new SubscriptionStats(request.stats);
    this.#timer = new Timer(this);
    if (request.fetchTimeoutMs > 0) timers.arm(this.#timer, clock.nowMs(), request.fetchTimeoutMs);
    this.#stats?.countAttempt();
  }

  setNames(names: ReadonlySet<string>): void {
    if (this.isClosed) return;
    this.#stats?.countAttempt();
    this.#owner.onNames(this, names);
  }

  refuse(names: readonly string[], reason: string): void {
    if (this.isClosed) return;
    this.#reject(reason);
    this.#owner.onRefused(names, reason);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#services.timers.cancel(this.#timer);
    this.#owner.onClose(this);
  }

  /** Nobody is waited for any longer than initial_fetch_timeout. */
  onTimer(): void {
    const { label, log } = this.#services;
    log.log('warning', `${label}: initial fetch timed out for ${this.#typeUrl}`);
    this.#stats?.countFetchTimeout();
    this.#sink.onFailure('fetch-timeout');
  }

  /** Answers why it is refused, '' if it is not. */
  tell(update: DiscoveryUpdate): Answer {
    const { clock, timers } = this.#services;
    timers.cancel(this.#timer);
    const startMs = clock.nowMs();
    const answer = this.#ask(update);
    if (typeof answer === 'string') return this.#count(update, answer, startMs);
    return answer.then(
      (refusal) => this.#count(update, refusal, startMs),
      (error: unknown) => this.#count(update, this.#failed(error), startMs),
    );
  }

  /** Something came that cannot be told. */
  tellUnreadable(reason: string): void {
    this.#services.timers.cancel(this.#timer);
    this.#reject(reason);
    this.#tellFailure('rejected');
  }

  tellUnavailable(failure: 'connection' | 'rejected'): void {
    this.#stats?.countFailure();
    this.#tellFailure(failure);
  }

  #tellFailure(failure: DiscoveryFailure): void {
    if (!this.isClosed) this.#sink.onFailure(failure);
  }

  #reject(reason: string): void {
    const { label, log } = this.#services;
    this.#stats?.countRejected();
    log.log('warning', `${label} for ${this.#typeUrl} rejected: ${cutRefusal(reason)}`);
  }

  #count({ version }: DiscoveryUpdate, refusal: string, startMs: number): string {
    const { clock } = this.#services;
    if (refusal === '') {
      this.#stats?.countSuccess(version, clock.wallMs(), clock.nowMs() - startMs);
    } else {
      if (this.#services.countsRefusalsTwice === true) this.#stats?.countAttempt();
      this.#reject(refusal);
    }
    return refusal;
  }

  #ask(update: DiscoveryUpdate): Answer {
    try {
      return this.#sink.onUpdate(update);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** A sink that fails is our own fault, but no reason for the proxy to end or to believe it. */
  #failed(error: unknown): string {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#services.log.log('error', `update of ${this.#typeUrl} failed: ${text}`);
    return `internal error: ${error instanceof Error ? error.message : text}`;
  }
}
