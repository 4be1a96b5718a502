// The copy of one request for a mirror's cluster. Nobody waits for it: what its upstream does not take
// is kept up to a limit, beyond which the copy is given up, and its response is read and dropped.
import { INVARIANTS, invariant } from '../../../base/invariants.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { Hash64 } from '../../../base/xx-hash.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResetReason } from '../../../http/stream.ts';
import { StreamInfo } from '../../../http/stream-info.ts';
import type { RequestHash } from '../../../routing/hash-policy.ts';
import type { Counter } from '../../../stats/metrics.ts';
import type { Cluster, LoadBalancerContext } from '../../../upstream/cluster-manager.ts';
import { namesOf, type RequestNames } from '../../../upstream/transport/request-names.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import type { Attempt, UpstreamRequestOwner } from './attempt.ts';
import { NO_HEALTHY_UPSTREAM, RESPONSE_TIMEOUT } from './direct-answers.ts';
import { judgeEnd, judgeHead, tellMonitor, tellMonitorOfReset } from './host-verdict.ts';
import { RequestBuffer } from './request-buffer.ts';
import { RequestCharges } from './request-charges.ts';
import { failureStatus } from './upstream-failure.ts';
import { UpstreamRequest } from './upstream-request.ts';

/** What all copies of one request have in common. */
export interface ShadowSetup {
  readonly services: HttpFilterServices;
  /** Of the request that is copied. */
  readonly info: StreamInfo;
  /** From the end of the request; 0: for ever. */
  readonly timeoutMs: number;
  /** How much content waits for a slow mirror. */
  readonly limitBytes: number;
  /** Counts copies that were given up for that. */
  readonly abandoned: Counter;
  /** Responses are counted by status. */
  readonly dynamicStats: boolean;
}

/** See the file's head. It outlives the exchange whose request it copies. */
export class ShadowStream implements UpstreamRequestOwner, LoadBalancerContext, TimerTarget {
  readonly info: StreamInfo;
  readonly names: RequestNames | null;
  readonly #setup: ShadowSetup;
  readonly #cluster: Cluster;
  readonly #head: RequestHead;
  readonly #charges: RequestCharges;
  readonly #timer: Timer;
  #attempt: UpstreamRequest | null = null;
  /** Content that the upstream does not take yet. */
  #waiting: RequestBuffer | null = null;
  #isSlow = false;
  #requestCompleteMs = -1;

  constructor(setup: ShadowSetup, cluster: Cluster, head: RequestHead) {
    const { clock } = setup.services;
    this.info = new StreamInfo(setup.info.downstream, clock.nowMs(), clock.wallMs());
    this.#setup = setup;
    this.#cluster = cluster;
    this.#head = head;
    this.#charges = new RequestCharges(head, setup.dynamicStats ? cluster.stats : null, null);
    this.#timer = new Timer(this);
    this.names = namesOf(cluster.config.http.requestNames, head);
  }

  get timers(): TimerWheel {
    return this.#setup.services.timers;
  }

  nowMs(): number {
    return this.#setup.services.clock.nowMs();
  }

  get request(): RequestHead {
    return this.#head;
  }

  /** Of the mirror's cluster: a copy has no route. */
  hash(): Hash64 | null {
    const policies = this.#cluster.policies?.hashPolicies ?? null;
    const hash: RequestHash = { high: 0, low: 0, setCookies: null };
    return policies?.hash(this.#head, this.info, hash) === true ? hash : null;
  }

  /** Sends it on its way. */
  start(endStream: boolean): void {
    const cluster = this.#cluster;
    const head = this.#head;
    const host = cluster.pickHost(this);
    if (host === null) cluster.stats.cxNoneHealthy.inc();
    const pool = host === null ? null : cluster.httpPool(host, head.protocol, this);
    if (host === null || pool === null) {
      this.#charges.response(NO_HEALTHY_UPSTREAM.status);
      return;
    }
    const target = { cluster, host, head, pool, retained: null, tryMs: 0, tryIdleMs: 0 };
    this.#attempt = new UpstreamRequest(this, target, endStream);
    if (endStream) this.#onComplete();
    this.#attempt.start();
  }

  /** Content of the request; `data` is borrowed. */
  sendData(data: Buffer, endStream: boolean): void {
    if (!this.#isRunning()) return;
    if (endStream) this.#onComplete();
    if (this.#waiting === null && !this.#isSlow) this.#attempt?.sendData(data, endStream);
    else this.#keeping().add(data);
    this.#checkLimit();
    if (INVARIANTS) this.checkInvariants();
  }

  sendTrailers(trailers: HeaderList): void {
    if (!this.#isRunning()) return;
    this.#onComplete();
    if (this.#waiting === null && !this.#isSlow) this.#attempt?.sendTrailers(trailers);
    else this.#keeping().trailers = trailers;
    if (INVARIANTS) this.checkInvariants();
  }

  /** The request that it copies will not be complete. */
  abort(): void {
    this.timers.cancel(this.#timer);
    this.#waiting = null;
    this.#attempt?.abort();
  }

  onUpstreamReady(): void {
    // Only a request of a client is counted by virtual cluster.
  }

  onUpstreamInformational(head: ResponseHead): void {
    this.#charges.response(head.status);
  }

  onUpstreamHead(attempt: Attempt, head: ResponseHead, endStream: boolean): void {
    const { host } = attempt;
    this.#charges.answeredBy(host, head);
    this.#charges.response(head.status);
    tellMonitor(attempt, head, this.#head);
    judgeHead(attempt, head, { request: this.#head, endStream });
    if (endStream) this.#onResponseEnd(null);
  }

  onUpstreamData(_data: Buffer, endStream: boolean): boolean {
    if (endStream) this.#onResponseEnd(null);
    return true;
  }

  onUpstreamTrailers(trailers: HeaderList): void {
    this.#onResponseEnd(trailers);
  }

  onUpstreamReset(attempt: Attempt, reason: ResetReason): void {
    tellMonitorOfReset(attempt.host, reason);
    this.#fail(attempt, attempt.hasStarted ? null : failureStatus(reason));
  }

  onUpstreamTryTimeout(): void {
    // A copy is tried once, and has the route's timeout.
  }

  onUpstreamMaxDuration(attempt: Attempt): void {
    this.#fail(attempt, null);
  }

  onUpstreamSlow(): void {
    this.#isSlow = true;
  }

  /** What waited goes out until the upstream is slow again. */
  onUpstreamWritable(): void {
    this.#isSlow = false;
    const waiting = this.#waiting;
    const attempt = this.#attempt;
    if (waiting === null || attempt === null) return;
    const { chunks, trailers } = waiting;
    const isComplete = this.#requestCompleteMs >= 0 && trailers === null;
    while (chunks.length > 0 && !this.#isSlow && this.#isRunning()) {
      const chunk = chunks.shift() as Buffer;
      waiting.bytes -= chunk.length;
      attempt.sendData(chunk, isComplete && chunks.length === 0);
    }
    if (chunks.length > 0) return;
    this.#waiting = null;
    if (trailers !== null) attempt.sendTrailers(trailers);
  }

  /** The route's timeout, counted from the complete request. */
  onTimer(): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    this.#cluster.stats.rqTimeout.inc();
    attempt.host.stats.rqTimeout += 1;
    attempt.noteTimeout();
    const { hasStarted } = attempt;
    attempt.abort();
    this.#fail(attempt, hasStarted ? null : RESPONSE_TIMEOUT.status);
  }

  checkInvariants(): void {
    const isRunning = this.#isRunning();
    invariant(!this.#timer.armed || isRunning, 'shadow: the timeout watches an attempt');
    invariant(this.#waiting === null || isRunning, 'shadow: what is over keeps nothing');
    const bytes = this.#waiting?.bytes ?? 0;
    invariant(bytes <= this.#setup.limitBytes, 'shadow: what it keeps is bounded');
  }

  #isRunning(): boolean {
    return this.#attempt !== null && this.#attempt.state !== 'done';
  }

  #onComplete(): void {
    const nowMs = this.nowMs();
    this.#requestCompleteMs = nowMs;
    const { timeoutMs } = this.#setup;
    if (timeoutMs > 0) this.timers.arm(this.#timer, nowMs, timeoutMs);
  }

  #keeping(): RequestBuffer {
    this.#waiting ??= new RequestBuffer(false);
    return this.#waiting;
  }

  #checkLimit(): void {
    if (this.#waiting === null || this.#waiting.bytes <= this.#setup.limitBytes) return;
    this.#setup.abandoned.inc();
    this.abort();
  }

  #onResponseEnd(last: HeaderList | null): void {
    this.timers.cancel(this.#timer);
    this.#waiting = null;
    judgeEnd(this.#attempt, last);
    if (this.#requestCompleteMs >= 0) this.#charges.time(this.nowMs() - this.#requestCompleteMs);
  }

  /** `status`: what a client would have been told; null: the response had begun. */
  #fail(attempt: Attempt, status: number | null): void {
    this.timers.cancel(this.#timer);
    this.#waiting = null;
    judgeEnd(attempt, null);
    if (status === null) return;
    attempt.host.stats.rqError += 1;
    this.#charges.response(status);
  }
}
