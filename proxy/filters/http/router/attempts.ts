// What is done for one forwarded request until it is answered: attempts one after the other and,
// hedged, at once; the content that is kept to send it again; the route's timeout; and the response
// of the one attempt that the client gets.
import { INVARIANTS, invariant } from '../../../base/invariants.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { ResponseHead } from '../../../http/message.ts';
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { LocalReply, TerminalFilterCallbacks } from '../../http-filter.ts';
import type { Attempt, UpstreamRequestOwner } from './attempt.ts';
import {
  MAX_DURATION_IN_REQUEST,
  MAX_DURATION_REACHED,
  NO_HEALTHY_UPSTREAM,
  RESPONSE_TIMEOUT,
  RETAINED_TOO_MUCH,
  TRY_TIMEOUTS,
} from './direct-answers.ts';
import type { ForwardedRequest } from './forwarded-request.ts';
import { judgeEnd, judgeHead, tellMonitor, tellMonitorOfReset } from './host-verdict.ts';
import { RequestBuffer } from './request-buffer.ts';
import { finishResponseHead } from './response-head.ts';
import { Retries, type RetriesOwner } from './retries.ts';
import { handshakeFailure, isTimedFromHead } from './tunnel-rules.ts';
import { failureDetails, failureFlag, failureReply } from './upstream-failure.ts';
import type { UpstreamPlace } from './upstream-place.ts';
import { UpstreamRequest } from './upstream-request.ts';

/** See the file's head. */
export class Attempts implements UpstreamRequestOwner, RetriesOwner, TimerTarget {
  readonly info: StreamInfo;
  readonly #callbacks: TerminalFilterCallbacks;
  readonly #request: ForwardedRequest;
  readonly #timer: Timer;
  /** The latest, until one of them answers; then that one. */
  #attempt: UpstreamRequest | null = null;
  /** null: there will be no other attempt. */
  #retries: Retries | null;
  /** Content that may be sent again; null: none is kept, or there was too much of it. */
  #retained: RequestBuffer | null;
  #requestCompleteMs = -1;

  constructor(callbacks: TerminalFilterCallbacks, request: ForwardedRequest, endStream: boolean) {
    this.info = callbacks.info;
    this.#callbacks = callbacks;
    this.#request = request;
    this.#timer = new Timer(this);
    const rules = request.retryRules;
    this.#retries = rules === null ? null : new Retries({ owner: this, callbacks, request }, rules);
    request.tried = this.#retries?.tried ?? null;
    this.#retained = !endStream && request.isRetained ? new RequestBuffer(true) : null;
  }

  nowMs(): number {
    return this.#callbacks.nowMs();
  }

  get timers(): TimerWheel {
    return this.#callbacks.services.timers;
  }

  /** The first attempt. */
  start(place: UpstreamPlace, endStream: boolean): void {
    this.info.attemptCount = 1;
    if (endStream) this.#requestCompleteMs = this.nowMs();
    this.#sendTo(place, endStream);
    if (INVARIANTS) this.checkInvariants();
  }

  sendData(data: Buffer, endStream: boolean): void {
    if (this.#retained !== null) this.#retain(this.#retained, data);
    this.#attempt?.sendData(data, endStream);
    if (endStream) this.#onRequestComplete();
    if (INVARIANTS) this.checkInvariants();
  }

  sendTrailers(trailers: HeaderList): void {
    if (this.#retained !== null) this.#retained.trailers = trailers;
    this.#attempt?.sendTrailers(trailers);
    this.#onRequestComplete();
    if (INVARIANTS) this.checkInvariants();
  }

  /** The client takes data again. */
  resumeReading(): void {
    this.#attempt?.resumeReading();
  }

  /** The exchange is over. */
  end(): void {
    this.timers.cancel(this.#timer);
    this.#attempt?.abort();
    this.#retained = null;
    this.#settle();
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamReady(attempt: Attempt): void {
    this.#request.charges.start();
    this.#retries?.tried.addConnection(attempt.connectionId);
  }

  /** As Envoy: a response has begun, and no other attempt takes its place. */
  onUpstreamInformational(head: ResponseHead): void {
    this.#request.charges.response(head.status);
    this.#settle(false);
    this.#callbacks.sendInformational(head);
  }

  onUpstreamHead(attempt: Attempt, head: ResponseHead, endStream: boolean): void {
    const request = this.#request;
    const nowMs = this.nowMs();
    this.info.firstUpstreamRxByteMs = nowMs;
    tellMonitor(attempt, head, request.head);
    const failure = handshakeFailure(request.head, head.status);
    if (failure !== null) {
      attempt.abort();
      this.#reply(failure);
      return;
    }
    if (this.#retries?.takesResponse(attempt, head) === true) {
      request.release();
      return;
    }
    if (request.mayRedirect) {
      const kept = { retained: this.#retained, isComplete: this.#isComplete };
      if (request.followsRedirect(head, kept)) return;
    }
    this.#choose(attempt);
    this.info.responseCodeDetails = 'via_upstream';
    request.charges.answeredBy(attempt.host, head);
    judgeHead(attempt, head, { request: request.head, endStream });
    request.charges.response(head.status);
    const serviceMs = this.#isComplete ? nowMs - this.#requestCompleteMs : -1;
    finishResponseHead(this.#callbacks, head, request.additions(serviceMs));
    if (endStream) this.#onUpstreamComplete(nowMs);
    this.#callbacks.sendResponseHead(head, endStream);
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamData(data: Buffer, endStream: boolean): boolean {
    if (endStream) {
      judgeEnd(this.#attempt, null);
      this.#onUpstreamComplete(this.nowMs());
    }
    return this.#callbacks.sendResponseData(data, endStream);
  }

  onUpstreamTrailers(trailers: HeaderList): void {
    judgeEnd(this.#attempt, trailers);
    this.#onUpstreamComplete(this.nowMs());
    this.#callbacks.sendResponseTrailers(trailers);
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamReset(attempt: Attempt, reason: ResetReason, detail: string): void {
    tellMonitorOfReset(attempt.host, reason);
    if (attempt.hasStarted) {
      this.#breakOff(failureFlag(reason), failureDetails(reason, detail, true));
      return;
    }
    if (this.#takesFailure(attempt, reason, false)) return;
    const isRetry = this.info.attemptCount > 1;
    const { suppresses } = this.#request;
    const reply = failureReply(reason, { detail, isRetry, suppresses });
    this.#request.countFailure(attempt, reply.status);
    // Another one may still be answered.
    if (this.#retries?.isAwaiting !== true) this.#reply(reply);
  }

  onUpstreamMaxDuration(attempt: Attempt): void {
    const reply = this.#isComplete ? MAX_DURATION_REACHED : MAX_DURATION_IN_REQUEST;
    if (attempt.hasStarted) this.#breakOff('UMSDR', reply.details);
    else if (!this.#takesFailure(attempt, 'local-reset', false)) this.#reply(reply);
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamTryTimeout(attempt: Attempt, limit: 'try' | 'idle'): void {
    if (limit === 'try' && attempt.hasStarted) return;
    const { timeouts } = this.#request;
    attempt.noteTimeout();
    if (timeouts.hedges && !attempt.hasStarted) {
      this.#retries?.hedge(attempt);
      return;
    }
    this.#request.countTryTimeout(attempt, limit);
    attempt.abort();
    if (attempt.hasStarted) this.#breakOff('UT', TRY_TIMEOUTS[limit].details);
    else if (!this.#takesFailure(attempt, 'local-reset', true)) {
      const reply = this.#request.timedOut(TRY_TIMEOUTS[limit]);
      this.#request.countFailure(attempt, reply.status);
      this.#reply(reply);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamSlow(): void {
    this.#request.hold();
  }

  onUpstreamWritable(): void {
    this.#request.release();
  }

  /** The cluster is looked up anew: it may be another one by now, or gone. */
  onRetryDue(isForTimeout: boolean): void {
    const request = this.#request;
    this.info.attemptCount += 1;
    const place = request.findAgain();
    if (place === null) {
      request.charges.response(NO_HEALTHY_UPSTREAM.status);
      this.#reply(NO_HEALTHY_UPSTREAM);
      return;
    }
    const elapsedMs = this.#isComplete ? this.nowMs() - this.#requestCompleteMs : 0;
    request.prepareRetry({ attempt: this.info.attemptCount, elapsedMs, isForTimeout });
    this.#sendTo(place, this.#isComplete);
    if (INVARIANTS) this.checkInvariants();
  }

  /** The route's timeout, counted from the complete request. */
  onTimer(): void {
    const request = this.#request;
    const latest = this.#attempt;
    if (this.#retries === null && latest?.hasStarted === true) {
      request.countTimeout(latest);
      latest.abort();
      this.#breakOff('UT', 'response_timeout');
      return;
    }
    const reply = request.timedOut(RESPONSE_TIMEOUT);
    const late = this.#retries?.flying ?? (latest === null ? [] : [latest]);
    for (const attempt of late) {
      request.countTimeout(attempt);
      this.#request.countFailure(attempt, reply.status);
      attempt.abort();
    }
    this.#reply(reply);
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const isAwaited = this.#isAwaited();
    invariant(!this.#timer.armed || isAwaited, 'attempts: the timeout watches one of them');
    const { head, timeouts } = this.#request;
    const isTimed = timeouts.globalMs > 0 && (this.#isComplete || head.asksForTunnel);
    invariant(!this.#timer.armed || isTimed, 'attempts: it counts from the complete request');
    const isKept = this.#retained !== null;
    const mayRepeat = this.#retries !== null || this.#attempt?.hasStarted !== true;
    invariant(!isKept || mayRepeat, 'attempts: who is answered keeps nothing');
  }

  get #isComplete(): boolean {
    return this.#requestCompleteMs >= 0;
  }

  #sendTo({ host, pool }: UpstreamPlace, endStream: boolean): void {
    const { cluster, head, timeouts } = this.#request;
    this.info.upstreamHost = host;
    this.info.upstreamRemoteAddress = null;
    this.info.upstreamTls = null;
    this.#request.address(host);
    const { perTryMs: tryMs, perTryIdleMs: tryIdleMs } = timeouts;
    const retained = this.#retained;
    // One literal: a spread costs more than the rest of this method.
    const target = { cluster, host, head, pool, retained, tryMs, tryIdleMs };
    const attempt = new UpstreamRequest(this, target, endStream);
    this.#attempt = attempt;
    this.#retries?.add(attempt);
    if (this.#isComplete || isTimedFromHead(head)) this.#startTimeout();
    attempt.start();
  }

  /** Keeps content for another attempt, unless it gets too much. */
  #retain(retained: RequestBuffer, data: Buffer): void {
    if (retained.take(data, this.#request.retainedLimitBytes)) return;
    this.#retained = null;
    this.#request.abandon();
    const isNowhere = this.#retries?.flying.length === 0;
    this.#settle(false);
    if (isNowhere) this.#reply(RETAINED_TOO_MUCH);
  }

  #onRequestComplete(): void {
    this.#requestCompleteMs = this.nowMs();
    this.#startTimeout();
  }

  #startTimeout(): void {
    const { globalMs } = this.#request.timeouts;
    // As Envoy: a tunnel may last.
    if (globalMs === 0 || this.#timer.armed || this.#attempt?.isTunnel === true) return;
    if (this.#isAwaited()) this.timers.arm(this.#timer, this.nowMs(), globalMs);
  }

  #isAwaited(): boolean {
    const isRunning = this.#attempt !== null && this.#attempt.state !== 'done';
    return isRunning || this.#retries?.isAwaiting === true;
  }

  /** The client gets this one's response. */
  #choose(attempt: Attempt): void {
    if (attempt !== this.#attempt) {
      // Hedged: attempts are made here only.
      this.#attempt = attempt as UpstreamRequest;
      attempt.noteAnswer();
    }
    this.#retained = null;
    this.#settle();
    if (attempt.isTunnel) this.timers.cancel(this.#timer);
  }

  /** There will be no other attempt; `abortsAll`: nor are those in flight waited for. */
  #settle(abortsAll = true): void {
    this.#retries?.stop();
    if (abortsAll) for (const attempt of this.#retries?.flying ?? []) attempt.abort();
    this.#retries = null;
  }

  /** True when another attempt follows one that failed. */
  #takesFailure(attempt: Attempt, reason: ResetReason, isForTimeout: boolean): boolean {
    if (this.#retries?.takesFailure(attempt, reason, isForTimeout) !== true) return false;
    this.#request.release();
    return true;
  }

  #onUpstreamComplete(nowMs: number): void {
    this.timers.cancel(this.#timer);
    this.info.lastUpstreamRxByteMs = nowMs;
    if (this.#isComplete) this.#request.charges.time(nowMs - this.#requestCompleteMs);
  }

  /** The response began and will not be complete. */
  #breakOff(flag: ResponseFlag, details: string): void {
    this.timers.cancel(this.#timer);
    this.#request.countBreak(this.#attempt);
    this.info.addFlag(flag);
    this.#callbacks.resetStream('local-reset', details);
  }

  /** Instead of a response. */
  #reply(reply: LocalReply): void {
    this.timers.cancel(this.#timer);
    this.#settle();
    this.#callbacks.sendLocalReply(this.#request.completed(reply));
  }
}
