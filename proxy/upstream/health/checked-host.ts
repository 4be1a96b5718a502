// What checks have found out about one host: a state machine that is told results and says what
// changed. It makes no checks and knows no time. Flags are those of HEALTH_FLAG that checks own.
import type { SocketAddress } from '../../base/address.ts';
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { EndpointConfig } from '../../model/cluster.ts';
import type { HealthCheckConfig } from '../../model/health-check.ts';
import { HEALTH_FLAG } from '../host-health.ts';
import type { CheckStats } from './check-stats.ts';

/** Why a check failed, with the names of Envoy's event log. */
export type FailureType = 'ACTIVE' | 'PASSIVE' | 'NETWORK' | 'NETWORK_TIMEOUT';

/** A check that failed. */
export interface CheckFailure {
  readonly type: FailureType;
  /** It counts towards the threshold although the host answered. */
  readonly isRetriable: boolean;
  /** The host is not to count at all until it passes (x-envoy-immediate-health-check-fail). */
  readonly isImmediate: boolean;
  /** HTTP status of the answer; 0: there was none, or it has none. */
  readonly status: number;
}

/**
 * - `changed`: the host's flags did.
 * - `change-pending`: it takes more results like this one.
 */
export type Transition = 'unchanged' | 'changed' | 'change-pending';

/** What the event log is told. */
export type CheckEvent =
  | { readonly kind: 'add-healthy'; readonly isFirstCheck: boolean }
  | { readonly kind: 'eject-unhealthy'; readonly type: FailureType; readonly status: number }
  | {
      readonly kind: 'failure';
      readonly type: FailureType;
      readonly isFirstCheck: boolean;
      readonly status: number;
    }
  | { readonly kind: 'success' }
  | { readonly kind: 'degraded' }
  | { readonly kind: 'no-longer-degraded' };

/** What all hosts of a cluster share. */
export interface CheckBooks {
  readonly config: HealthCheckConfig;
  readonly stats: CheckStats;
  /** common_lb_config.ignore_new_hosts_until_first_hc: until the first result a host is pending. */
  readonly ignoresUnchecked: boolean;
  onEvent(host: CheckedHost, event: CheckEvent): void;
}

/** Which host it is. */
export interface CheckedPlace {
  readonly address: SocketAddress;
  readonly endpoint: EndpointConfig;
}

/** See the file's head. */
export class CheckedHost {
  readonly address: SocketAddress;
  readonly endpoint: EndpointConfig;
  /** No check of it has ended yet. */
  isUnchecked = true;
  readonly #books: CheckBooks;
  #flags: number;
  #successes = 0;
  #failures = 0;

  /** `known` is what was found under another configuration of the cluster; null: nothing. */
  constructor(place: CheckedPlace, books: CheckBooks, known: CheckedHost | null) {
    this.address = place.address;
    this.endpoint = place.endpoint;
    this.#books = books;
    this.#flags = known?.flags ?? uncheckedFlags(books.ignoresUnchecked);
    this.isUnchecked = known?.isUnchecked ?? true;
    if (this.isHealthy) books.stats.healthy.inc();
    if (this.#has(HEALTH_FLAG.degradedActiveCheck)) books.stats.degraded.inc();
  }

  /** Flags of HEALTH_FLAG that checks set. */
  get flags(): number {
    return this.#flags;
  }

  get isHealthy(): boolean {
    return !this.#has(HEALTH_FLAG.failedActiveCheck);
  }

  /** A check passed. */
  pass(isDegraded: boolean): Transition {
    const { config, stats } = this.#books;
    this.#failures = 0;
    let transition: Transition = 'unchanged';
    if (!this.isHealthy) transition = this.#recover();
    if (transition !== 'changed' && config.alwaysLogsSuccesses) this.#tell({ kind: 'success' });
    if (this.#clearPending()) transition = 'changed';
    if (this.#setDegraded(isDegraded) && transition === 'unchanged') transition = 'changed';
    stats.success.inc();
    this.isUnchecked = false;
    if (INVARIANTS) this.checkInvariants();
    return transition;
  }

  /** A check failed, or the host said on its own that it does. */
  fail(failure: CheckFailure): Transition {
    const { config } = this.#books;
    const { type, status } = failure;
    if (failure.isImmediate) this.#flags |= HEALTH_FLAG.excludedByImmediateFailure;
    this.#successes = 0;
    let transition: Transition = 'unchanged';
    if (this.isHealthy) transition = this.#worsen(failure);
    const isTimeout = type === 'NETWORK_TIMEOUT' && !this.isHealthy;
    this.#set(HEALTH_FLAG.activeCheckTimeout, isTimeout);
    if (this.#clearPending()) transition = 'changed';
    const isFirstCheck = this.isUnchecked;
    if (isFirstCheck || config.alwaysLogsFailures) {
      this.#tell({ kind: 'failure', type, isFirstCheck, status });
    }
    this.#countFailure(type);
    this.isUnchecked = false;
    if (INVARIANTS) this.checkInvariants();
    return transition;
  }

  /** Gone by its cluster's word, but kept as long as it passes. */
  setPendingRemoval(isPending: boolean): void {
    this.#set(HEALTH_FLAG.pendingDynamicRemoval, isPending);
  }

  /** It is not checked any more: gauges forget it. */
  leave(): void {
    const { stats } = this.#books;
    if (this.isHealthy) stats.healthy.dec();
    if (this.#has(HEALTH_FLAG.degradedActiveCheck)) stats.degraded.dec();
  }

  checkInvariants(): void {
    const isTimeout = this.#has(HEALTH_FLAG.activeCheckTimeout);
    invariant(!(isTimeout && this.isHealthy), 'checked host: one that timed out is not healthy');
    invariant(!this.#has(HEALTH_FLAG.pendingActiveCheck), 'checked host: a result ends pending');
  }

  #recover(): Transition {
    const { config, stats } = this.#books;
    this.#successes += 1;
    // As Envoy: the first check of all needs no threshold, so that starting is quick.
    if (!this.isUnchecked && this.#successes !== config.healthyThreshold) return 'change-pending';
    this.#flags &= ~(
      HEALTH_FLAG.failedActiveCheck |
      HEALTH_FLAG.activeCheckTimeout |
      HEALTH_FLAG.excludedByImmediateFailure
    );
    stats.healthy.inc();
    this.#tell({ kind: 'add-healthy', isFirstCheck: this.isUnchecked });
    return 'changed';
  }

  #worsen({ type, isRetriable, status }: CheckFailure): Transition {
    const { config, stats } = this.#books;
    const isDefinite = !isOfNetwork(type) && !isRetriable;
    if (!isDefinite) this.#failures += 1;
    if (!isDefinite && this.#failures !== config.unhealthyThreshold) return 'change-pending';
    this.#flags |= HEALTH_FLAG.failedActiveCheck;
    stats.healthy.dec();
    this.#tell({ kind: 'eject-unhealthy', type, status });
    return 'changed';
  }

  #setDegraded(isDegraded: boolean): boolean {
    if (this.#has(HEALTH_FLAG.degradedActiveCheck) === isDegraded) return false;
    const { degraded } = this.#books.stats;
    if (isDegraded) degraded.inc();
    else degraded.dec();
    this.#set(HEALTH_FLAG.degradedActiveCheck, isDegraded);
    this.#tell({ kind: isDegraded ? 'degraded' : 'no-longer-degraded' });
    return true;
  }

  #countFailure(type: FailureType): void {
    const { stats } = this.#books;
    stats.failure.inc();
    if (isOfNetwork(type)) stats.networkFailure.inc();
    else if (type === 'PASSIVE') stats.passiveFailure.inc();
  }

  #clearPending(): boolean {
    const wasPending = this.#has(HEALTH_FLAG.pendingActiveCheck);
    this.#set(HEALTH_FLAG.pendingActiveCheck, false);
    return wasPending;
  }

  #has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  #set(flag: number, isSet: boolean): void {
    this.#flags = isSet ? this.#flags | flag : this.#flags & ~flag;
  }

  #tell(event: CheckEvent): void {
    this.#books.onEvent(this, event);
  }
}

function isOfNetwork(type: FailureType): boolean {
  return type === 'NETWORK' || type === 'NETWORK_TIMEOUT';
}

/** Flags of a host whose first check is still to come. */
export function uncheckedFlags(ignoresUnchecked: boolean): number {
  const { failedActiveCheck, pendingActiveCheck } = HEALTH_FLAG;
  return ignoresUnchecked ? failedActiveCheck | pendingActiveCheck : failedActiveCheck;
}
