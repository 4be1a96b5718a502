// Role-based access control of one connection, once its client sends something: who only listens is
// not denied, as in Envoy.
import type { Clock } from '../../../base/clock.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import {
  ADMIT,
  type ConnectionGate,
  type DataStatus,
  DENY,
  type GuardedConnection,
  HOLD,
  PASS,
} from '../../network-filter.ts';
import { applyEffect, type Rbac } from '../../rbac/rbac-effect.ts';
import type { RbacSubject } from '../../rbac/rbac-subject.ts';

/** Envoy's word for it. */
const CLOSE_REASON = 'rbac_deny_close';

/** What the connections of a filter chain share. */
export interface RbacGateRuntime {
  readonly shadow: Rbac | null;
  readonly enforced: Rbac | null;
  /** CONTINUOUS: whatever comes is decided on anew. */
  readonly isContinuous: boolean;
  /** delay_deny: how long who is denied is kept waiting; 0: not at all. */
  readonly delayMs: number;
  readonly clock: Clock;
  readonly timers: TimerWheel;
}

/** See the file's head. */
export class RbacGate implements ConnectionGate, TimerTarget {
  readonly #runtime: RbacGateRuntime;
  /** Who waits for its end. */
  #denied: GuardedConnection | null = null;
  #timer: Timer | null = null;

  constructor(runtime: RbacGateRuntime) {
    this.#runtime = runtime;
  }

  onConnection(): typeof ADMIT {
    return ADMIT;
  }

  onData(guarded: GuardedConnection): DataStatus {
    const { shadow, enforced, isContinuous } = this.#runtime;
    const { account } = guarded;
    const subject = subjectOf(account);
    if (shadow !== null) applyEffect(shadow, shadow.engine.decide(subject), account);
    const isAllowed = enforced === null || this.#isAllowed(enforced, subject);
    if (isAllowed) return isContinuous ? PASS : ADMIT;
    return this.#deny(guarded);
  }

  onClose(): void {
    this.#denied = null;
    if (this.#timer !== null) this.#runtime.timers.cancel(this.#timer);
  }

  onTimer(): void {
    this.#denied?.end();
  }

  #isAllowed(rbac: Rbac, subject: RbacSubject): boolean {
    const effect = rbac.engine.decide(subject);
    const { info } = subject;
    applyEffect(rbac, effect, info);
    if (!effect.isAllowed) info.connectionTerminationDetails = effect.details;
    return effect.isAllowed;
  }

  #deny(guarded: GuardedConnection): DataStatus {
    const { clock, timers, delayMs } = this.#runtime;
    const { account } = guarded;
    account.downstreamLocalCloseReason = CLOSE_REASON;
    // A session's connection to its upstream ends for the same reason.
    if (account.upstreamCloseType !== null) account.upstreamLocalCloseReason = CLOSE_REASON;
    if (delayMs === 0) return DENY;
    this.#denied = guarded;
    this.#timer = new Timer(this);
    timers.arm(this.#timer, clock.nowMs(), delayMs);
    return HOLD;
  }
}

function subjectOf(info: StreamInfo): RbacSubject {
  return { head: null, info, path: null, routeMetadata: null };
}
