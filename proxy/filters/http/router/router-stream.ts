// The router on one stream: sends the request to a host of the route's cluster, watches the time,
// and hands the response back through the filters.
//
// It owns everything that is done for the request: attempts, of which there may be several one after
// the other (and, hedged, at once), the content that it keeps to send it again, and copies for mirrors.
import { INVARIANTS, invariant } from '../../../base/invariants.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type LocalReply,
  type TerminalFilterCallbacks,
} from '../../http-filter.ts';
import {
  answerWithoutUpstream,
  clusterNotFoundReply,
  MAX_DURATION_IN_REQUEST,
  MAX_DURATION_REACHED,
  noHostReply,
  RESPONSE_TIMEOUT,
} from './direct-answers.ts';
import { type ForwardedRequest, prepareRequest, type UpstreamPlace } from './forwarded-request.ts';
import { judgeGrpcStatus, judgeHead } from './host-verdict.ts';
import { RequestBuffer } from './request-buffer.ts';
import { finishResponseHead } from './response-head.ts';
import type { RouterRuntime } from './router-runtime.ts';
import { Shadows } from './shadows.ts';
import { handshakeFailure, isTimedFromHead } from './tunnel-rules.ts';
import { failureDetails, failureFlag, failureReply } from './upstream-failure.ts';
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream-request.ts';

/** One per stream. */
export class RouterStream implements HttpFilter, UpstreamRequestOwner, TimerTarget {
  readonly info: StreamInfo;
  readonly #runtime: RouterRuntime;
  readonly #callbacks: TerminalFilterCallbacks;
  readonly #timer: Timer;
  /** null: there is no cluster that it is sent to. */
  #request: ForwardedRequest | null = null;
  #attempt: UpstreamRequest | null = null;
  /** Content that may be sent again; null: none is kept, or there was too much of it. */
  #retained: RequestBuffer | null = null;
  /** null: nothing is copied. */
  #shadows: Shadows | null = null;
  #requestCompleteMs = -1;
  #isRequestPaused = false;

  constructor(runtime: RouterRuntime, callbacks: TerminalFilterCallbacks) {
    this.info = callbacks.info;
    this.#runtime = runtime;
    this.#callbacks = callbacks;
    this.#timer = new Timer(this);
  }

  nowMs(): number {
    return this.#callbacks.nowMs();
  }

  get timers(): TimerWheel {
    return this.#callbacks.services.timers;
  }

  // The request.

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    this.#runtime.total.inc();
    const reply = answerWithoutUpstream(this.#runtime, this.#callbacks, head);
    if (reply === null) this.#forward(head, endStream);
    else this.#callbacks.sendLocalReply(reply);
    if (INVARIANTS) this.checkInvariants();
    return CONTINUE;
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    if (this.#retained !== null) this.#retain(data);
    this.#shadows?.sendData(data, endStream);
    this.#attempt?.sendData(data, endStream);
    if (endStream) this.#onRequestComplete();
    if (INVARIANTS) this.checkInvariants();
    return CONTINUE;
  }

  onRequestTrailers(trailers: HeaderList): FilterStatus {
    if (this.#retained !== null) this.#retained.trailers = trailers;
    this.#shadows?.sendTrailers(trailers);
    this.#attempt?.sendTrailers(trailers);
    this.#onRequestComplete();
    if (INVARIANTS) this.checkInvariants();
    return CONTINUE;
  }

  /** The client takes data again. */
  onResponseWritable(): void {
    this.#attempt?.resumeReading();
  }

  onStreamEnd(): void {
    this.timers.cancel(this.#timer);
    this.#attempt?.abort();
    this.#shadows?.abort();
    if (INVARIANTS) this.checkInvariants();
  }

  // The upstream.

  onUpstreamReady(): void {
    this.#request?.charges.start();
  }

  onUpstreamInformational(head: ResponseHead): void {
    this.#request?.charges.response(head.status);
    this.#callbacks.sendInformational(head);
  }

  onUpstreamHead(attempt: UpstreamRequest, head: ResponseHead, endStream: boolean): void {
    const request = this.#request;
    if (request === null) return;
    const nowMs = this.nowMs();
    this.info.firstUpstreamRxByteMs = nowMs;
    if (this.#failsHandshake(request, head.status) || this.#redirect(request, head)) return;
    if (attempt.isTunnel) this.timers.cancel(this.#timer);
    this.info.responseCodeDetails = 'via_upstream';
    this.#retained = null;
    request.charges.answeredBy(attempt.host, head);
    const exchange = { request: request.head, endStream };
    attempt.verdict = judgeHead(attempt.host.stats, head, exchange);
    request.charges.response(head.status);
    const isTimed = this.#requestCompleteMs >= 0 && !this.#runtime.config.suppressEnvoyHeaders;
    const serviceMs = isTimed ? nowMs - this.#requestCompleteMs : -1;
    finishResponseHead(this.#callbacks, head, { serviceMs, cookies: request.cookies });
    if (endStream) this.#onUpstreamComplete(nowMs);
    this.#callbacks.sendResponseHead(head, endStream);
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamData(data: Buffer, endStream: boolean): boolean {
    if (endStream) {
      this.#giveVerdict(null);
      this.#onUpstreamComplete(this.nowMs());
    }
    return this.#callbacks.sendResponseData(data, endStream);
  }

  onUpstreamTrailers(trailers: HeaderList): void {
    this.#giveVerdict(trailers);
    this.#onUpstreamComplete(this.nowMs());
    this.#callbacks.sendResponseTrailers(trailers);
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamReset(attempt: UpstreamRequest, reason: ResetReason, detail: string): void {
    this.timers.cancel(this.#timer);
    if (attempt.hasStarted) {
      this.#breakOff(failureFlag(reason), failureDetails(reason, detail, true));
      return;
    }
    this.#reply(failureReply(reason, detail, this.#runtime.config.suppressEnvoyHeaders));
  }

  onUpstreamMaxDuration(attempt: UpstreamRequest): void {
    this.timers.cancel(this.#timer);
    const reply = this.#requestCompleteMs >= 0 ? MAX_DURATION_REACHED : MAX_DURATION_IN_REQUEST;
    if (attempt.hasStarted) this.#breakOff('UMSDR', reply.details);
    else this.#callbacks.sendLocalReply(reply);
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamSlow(): void {
    if (this.#isRequestPaused) return;
    this.#isRequestPaused = true;
    this.#request?.cluster.stats.flowBackedUp.inc();
    this.#callbacks.pauseRequest();
  }

  onUpstreamWritable(): void {
    if (!this.#isRequestPaused) return;
    this.#isRequestPaused = false;
    this.#request?.cluster.stats.flowDrained.inc();
    this.#callbacks.resumeRequest();
  }

  /** The route's timeout, counted from the complete request. */
  onTimer(): void {
    const request = this.#request;
    const attempt = this.#attempt;
    if (request === null || attempt === null) return;
    request.cluster.stats.rqTimeout.inc();
    attempt.host.stats.rqTimeout += 1;
    request.charges.timeout();
    attempt.abort();
    if (!attempt.hasStarted) {
      this.#reply(RESPONSE_TIMEOUT);
      return;
    }
    this.#breakOff('UT', 'response_timeout');
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const attempt = this.#attempt;
    const request = this.#request;
    const isRunning = attempt !== null && attempt.state !== 'done';
    invariant(!this.#timer.armed || isRunning, 'router: the timeout watches an attempt');
    const hasStarted = this.#requestCompleteMs >= 0 || request?.head.asksForTunnel === true;
    const isTimed = hasStarted && request !== null && request.timeoutMs > 0;
    invariant(
      !this.#timer.armed || isTimed,
      'router: the timeout counts from the complete request',
    );
    invariant(attempt === null || request !== null, 'router: an attempt has its request');
    invariant(attempt !== null || !this.#isRequestPaused, 'router: only an upstream is slow');
  }

  #forward(head: RequestHead, endStream: boolean): void {
    const request = prepareRequest(this.#runtime, this.#callbacks, head);
    if (request === null) {
      this.#runtime.noCluster.inc();
      const action = this.#callbacks.route?.config.action;
      const status = action?.kind === 'forward' ? action.clusterNotFoundStatus : 503;
      this.#callbacks.sendLocalReply(clusterNotFoundReply(status));
      return;
    }
    this.#request = request;
    const place = request.findPlace();
    if (place === null) {
      this.#reply(noHostReply(request.overrideHost));
      return;
    }
    if (!endStream && request.isRetained) this.#retained = new RequestBuffer(true);
    const { mirrors } = request.route;
    if (mirrors.length > 0 && !head.asksForTunnel) {
      this.#shadows = new Shadows(this.#runtime, this.#callbacks);
      this.#shadows.start(mirrors, request, endStream);
    }
    this.#send(request, place, endStream);
  }

  /** One attempt. */
  #send(request: ForwardedRequest, place: UpstreamPlace, endStream: boolean): void {
    const { host, pool } = place;
    const { cluster, head } = request;
    this.info.upstreamHost = host;
    this.info.attemptCount += 1;
    request.address(host);
    const target = { cluster, host, head, pool, retained: this.#retained };
    const attempt = new UpstreamRequest(this, target, endStream);
    this.#attempt = attempt;
    if (endStream) this.#onRequestComplete();
    else if (isTimedFromHead(head)) this.#startTimeout(this.nowMs());
    attempt.start();
  }

  /** Keeps content for another attempt, unless it gets too much. */
  #retain(data: Buffer): void {
    const retained = this.#retained;
    if (retained === null) return;
    if (retained.bytes + data.length <= this.#callbacks.bufferLimitBytes) {
      retained.add(data);
      return;
    }
    retained.isRetained = false;
    this.#retained = null;
    this.#request?.abandonRetries();
  }

  #onRequestComplete(): void {
    const nowMs = this.nowMs();
    this.#requestCompleteMs = nowMs;
    if (!this.#timer.armed) this.#startTimeout(nowMs);
  }

  #startTimeout(nowMs: number): void {
    const attempt = this.#attempt;
    const timeoutMs = this.#request?.timeoutMs ?? 0;
    // As Envoy: a tunnel may last.
    const isAwaited = attempt !== null && attempt.state !== 'done' && !attempt.isTunnel;
    if (timeoutMs > 0 && isAwaited) this.timers.arm(this.#timer, nowMs, timeoutMs);
  }

  #onUpstreamComplete(nowMs: number): void {
    this.timers.cancel(this.#timer);
    this.info.lastUpstreamRxByteMs = nowMs;
    if (this.#requestCompleteMs >= 0) this.#request?.charges.time(nowMs - this.#requestCompleteMs);
  }

  /** The response began and will not be complete. */
  #breakOff(flag: ResponseFlag, details: string): void {
    if (this.#attempt?.verdict === 'awaits-grpc-status') {
      this.#giveVerdict(null);
      this.#runtime.resetAfterResponseStarted.inc();
    }
    this.info.addFlag(flag);
    this.#callbacks.resetStream('local-reset', details);
  }

  #giveVerdict(last: HeaderList | null): void {
    const attempt = this.#attempt;
    if (attempt === null || attempt.verdict === 'given') return;
    attempt.verdict = 'given';
    judgeGrpcStatus(attempt.host.stats, last);
  }

  /** A reply of our own counts as the cluster's response once a cluster is known. */
  #reply(reply: LocalReply): void {
    const host = this.#attempt?.host.stats;
    if (host !== undefined) host.rqError += 1;
    this.#request?.charges.response(reply.status);
    this.#callbacks.sendLocalReply(reply);
  }

  /** True when the upstream broke off a handshake, of which the client hears the status. */
  #failsHandshake({ head }: ForwardedRequest, status: number): boolean {
    const failure = handshakeFailure(head, status);
    if (failure === null) return false;
    this.#attempt?.abort();
    this.#callbacks.sendLocalReply(failure);
    return true;
  }

  /** True when the request goes on elsewhere, instead of a response to the client. */
  #redirect(request: ForwardedRequest, response: ResponseHead): boolean {
    if (!request.followsStatus(response.status)) return false;
    // Without all of the request at hand there is nothing to send.
    const isComplete = this.#requestCompleteMs >= 0 && !request.isAbandoned;
    const next = isComplete ? request.redirected(response) : null;
    const { stats } = request.cluster;
    (next === null ? stats.internalRedirectFailed : stats.internalRedirectSucceeded).inc();
    if (next === null) return false;
    const keepsContent = next.method === request.head.method;
    const retained = keepsContent ? this.#retained : null;
    this.#callbacks.restart(
      { head: next, chunks: retained?.chunks ?? [], trailers: retained?.trailers ?? null },
      response,
    );
    return true;
  }
}
