// The router on one stream: a state between the downstream filters and one upstream stream. It is
// itself the pool's waiter, the upstream's receiver and the target of its timer.
import { Timer, type TimerTarget } from '../../../base/timer-wheel.ts';
import type { FormatContext } from '../../../formatter/formatter.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { RequestSender, ResetReason } from '../../../http/stream.ts';
import type { ForwardActionConfig } from '../../../model/route.ts';
import { chooseCluster } from '../../../routing/choose-cluster.ts';
import { finalizeRequestHead, finalizeResponseHead } from '../../../routing/finalize-head.ts';
import type { Cluster, LoadBalancerContext } from '../../../upstream/cluster-manager.ts';
import type {
  ConnectionPool,
  StreamWaiter,
  UpstreamConnectionInfo,
} from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type TerminalFilterCallbacks,
} from '../../http-filter.ts';
import { answerWithoutUpstream, clusterNotFoundReply, NO_HEALTHY_UPSTREAM } from './direct-answers.ts';
import { PendingBody } from './pending-body.ts';
import type { RouterRuntime } from './router-runtime.ts';
import { failureDetails, failureFlag, failureReply } from './upstream-failure.ts';

/**
 * - `idle`: no upstream is wanted (not yet, or the answer came from the route itself).
 * - `waiting`: queued in a pool. `sending`: on a connection, no response head yet.
 * - `responding`: the response began. `done`: nothing more to do upstream.
 */
type RouterState = 'idle' | 'waiting' | 'sending' | 'responding' | 'done';

const UPSTREAM_TIMEOUT_BODY = 'upstream request timeout';

/** One per stream; see HttpFilter and StreamWaiter for who calls what. */
export class RouterStream implements HttpFilter, StreamWaiter, TimerTarget {
  readonly #runtime: RouterRuntime;
  readonly #callbacks: TerminalFilterCallbacks;
  readonly #timer: Timer;
  #state: RouterState = 'idle';
  #head: RequestHead | null = null;
  #requestEnded = false;
  #pending: PendingBody | null = null;
  #cluster: Cluster | null = null;
  #host: Host | null = null;
  #pool: ConnectionPool | null = null;
  #sender: RequestSender | null = null;
  #timeoutMs = 0;
  #requestCompleteMs = -1;
  #isUpstreamPaused = false;
  #isDownstreamPaused = false;

  constructor(runtime: RouterRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks as TerminalFilterCallbacks;
    this.#timer = new Timer(this);
  }

  // The request.

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    this.#runtime.total.inc();
    this.#head = head;
    this.#requestEnded = endStream;
    const reply = answerWithoutUpstream(this.#runtime, this.#callbacks, head);
    if (reply !== null) {
      this.#state = 'done';
      this.#callbacks.sendLocalReply(reply);
      return CONTINUE;
    }
    this.#forward(head, this.#callbacks.route?.config.action as ForwardActionConfig);
    return CONTINUE;
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    this.#requestEnded = endStream;
    if (this.#sender !== null) {
      const isWritable = this.#sender.sendData(data, endStream);
      if (!isWritable && !endStream) this.#pauseDownstream();
    } else if (this.#state === 'waiting') {
      this.#hold(data);
    }
    if (endStream) this.#onRequestComplete();
    return CONTINUE;
  }

  onRequestTrailers(trailers: HeaderList): FilterStatus {
    this.#requestEnded = true;
    if (this.#sender !== null) this.#sender.sendTrailers(trailers);
    else if (this.#state === 'waiting') this.#pendingBody().setTrailers(trailers);
    this.#onRequestComplete();
    return CONTINUE;
  }

  onStreamEnd(): void {
    this.#callbacks.services.timers.cancel(this.#timer);
    if (this.#state === 'waiting') {
      this.#pool?.cancel(this);
    } else if (this.#sender !== null && this.#state !== 'done') {
      this.#cluster?.stats.rqTxReset.inc();
      this.#sender.reset('local-reset');
    }
    this.#sender = null;
    this.#state = 'done';
  }

  // The pool.

  onPoolReady(sender: RequestSender, connection: UpstreamConnectionInfo): void {
    const info = this.#callbacks.info;
    this.#sender = sender;
    this.#state = 'sending';
    info.upstreamConnectionId = connection.id;
    info.upstreamLocalAddress = connection.localAddress;
    info.upstreamProtocol = connection.protocol;
    info.firstUpstreamTxByteMs = this.#callbacks.nowMs();
    const pending = this.#pending;
    this.#pending = null;
    const hasMore = pending !== null || !this.#requestEnded;
    sender.sendRequestHead(this.#head as RequestHead, !hasMore);
    pending?.sendTo(sender, this.#requestEnded);
    this.#resumeDownstream();
  }

  onPoolFailure(reason: ResetReason, detail: string): void {
    this.#callbacks.info.upstreamTransportFailureReason = detail;
    this.#fail(reason, detail);
  }

  // The upstream's response.

  onInformational(head: ResponseHead): void {
    this.#cluster?.stats.status(head.status).codeClass.inc();
    this.#callbacks.informational(head);
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    const { info } = this.#callbacks;
    const nowMs = this.#callbacks.nowMs();
    this.#state = 'responding';
    info.firstUpstreamRxByteMs = nowMs;
    info.responseCodeDetails = 'via_upstream';
    this.#chargeResponse(head.status, nowMs);
    this.#finalizeResponse(head, nowMs);
    if (endStream) this.#completeUpstream();
    this.#callbacks.responseHead(head, endStream);
  }

  onData(data: Buffer, endStream: boolean): void {
    if (endStream) this.#completeUpstream();
    const isWritable = this.#callbacks.responseData(data, endStream);
    if (isWritable || endStream || this.#sender === null || this.#isUpstreamPaused) return;
    this.#isUpstreamPaused = true;
    this.#cluster?.stats.flowPaused.inc();
    this.#sender.pauseReading();
  }

  onTrailers(trailers: HeaderList): void {
    this.#completeUpstream();
    this.#callbacks.responseTrailers(trailers);
  }

  onReset(reason: ResetReason, detail: string): void {
    this.#cluster?.stats.rqRxReset.inc();
    this.#fail(reason, detail);
  }

  onWritable(): void {
    this.#resumeDownstream();
  }

  /** The client takes data again. */
  onResponseWritable(): void {
    if (!this.#isUpstreamPaused) return;
    this.#isUpstreamPaused = false;
    this.#cluster?.stats.flowResumed.inc();
    this.#sender?.resumeReading();
  }

  /** The route's timeout: counted from the complete request. */
  onTimer(): void {
    const { info } = this.#callbacks;
    this.#cluster?.stats.rqTimeout.inc();
    if (this.#host !== null) this.#host.stats.rqTimeout += 1;
    const started = this.#state === 'responding';
    if (!started) this.#chargeStatus(504);
    this.#abandonUpstream();
    if (started) {
      info.addFlag('UT');
      this.#callbacks.resetStream('local-reset', 'response_timeout');
      return;
    }
    this.#callbacks.sendLocalReply({
      status: 504,
      body: UPSTREAM_TIMEOUT_BODY,
      details: 'response_timeout',
      flag: 'UT',
      headers: null,
    });
  }

  #forward(head: RequestHead, action: ForwardActionConfig): void {
    const { info, services } = this.#callbacks;
    const name = chooseCluster(action.cluster, head, this.#callbacks.streamRandom);
    const cluster = services.clusters.get(name);
    if (cluster === null) {
      this.#state = 'done';
      this.#runtime.noCluster.inc();
      this.#callbacks.sendLocalReply(clusterNotFoundReply(action));
      return;
    }
    this.#cluster = cluster;
    info.clusterName = name;
    this.#timeoutMs = this.#routeTimeout(head, action);
    this.#finalizeRequest(head, action);
    const host = cluster.pickHost(this.#callbacks as LoadBalancerContext);
    if (host === null) {
      this.#state = 'done';
      cluster.stats.cxNoneHealthy.inc();
      this.#chargeStatus(503);
      this.#callbacks.sendLocalReply(NO_HEALTHY_UPSTREAM);
      return;
    }
    this.#host = host;
    info.upstreamHost = host;
    info.attemptCount = 1;
    if (action.autoHostRewrite && host.hostname !== '') head.authority = host.hostname;
    if (this.#requestEnded) this.#onRequestComplete();
    this.#state = 'waiting';
    this.#pool = cluster.httpPool(host);
    this.#pool.acquire(this);
  }

  #routeTimeout(head: RequestHead, action: ForwardActionConfig): number {
    const headers = head.headers;
    if (this.#runtime.config.respectExpectedRequestTimeout) {
      const expected = timeoutFrom(headers, HEADER_ID['x-envoy-expected-rq-timeout-ms']);
      if (expected !== null) return expected;
    }
    const given = timeoutFrom(headers, HEADER_ID['x-envoy-upstream-rq-timeout-ms']);
    headers.removeKnown(HEADER_ID['x-envoy-upstream-rq-timeout-ms']);
    return given ?? action.timeoutMs;
  }

  #finalizeRequest(head: RequestHead, action: ForwardActionConfig): void {
    const { route } = this.#callbacks;
    const suppressEnvoyHeaders = this.#runtime.config.suppressEnvoyHeaders;
    if (route === null) return;
    const expectedId = HEADER_ID['x-envoy-expected-rq-timeout-ms'];
    if (this.#timeoutMs > 0 && !suppressEnvoyHeaders) {
      head.headers.setKnown(expectedId, String(this.#timeoutMs));
    } else {
      head.headers.removeKnown(expectedId);
    }
    if (route.virtualHost.includeRequestAttemptCount) {
      head.headers.setKnown(HEADER_ID['x-envoy-attempt-count'], '1');
    }
    const context = this.#callbacks as unknown as FormatContext;
    finalizeRequestHead(route, head, context, { suppressEnvoyHeaders });
    if (action.autoHostRewrite) this.#callbacks.info.attemptCount = 1;
  }

  #finalizeResponse(head: ResponseHead, nowMs: number): void {
    const { route } = this.#callbacks;
    const serviceTimeId = HEADER_ID['x-envoy-upstream-service-time'];
    if (this.#runtime.config.suppressEnvoyHeaders) {
      head.headers.removeKnown(serviceTimeId);
      head.headers.removeKnown(HEADER_ID['x-envoy-overloaded']);
    } else if (this.#requestCompleteMs >= 0) {
      head.headers.setKnown(serviceTimeId, String(Math.floor(nowMs - this.#requestCompleteMs)));
    }
    if (route === null) return;
    if (route.virtualHost.includeAttemptCountInResponse) {
      head.headers.setKnown(HEADER_ID['x-envoy-attempt-count'], '1');
    }
    finalizeResponseHead(route, head, this.#callbacks as unknown as FormatContext);
  }

  #onRequestComplete(): void {
    const { info, services } = this.#callbacks;
    const nowMs = this.#callbacks.nowMs();
    this.#requestCompleteMs = nowMs;
    info.lastUpstreamTxByteMs = nowMs;
    if (this.#timeoutMs > 0 && this.#state !== 'done') {
      services.timers.arm(this.#timer, nowMs, this.#timeoutMs);
    }
  }

  /** The response is complete; what is left of the request has nowhere to go. */
  #completeUpstream(): void {
    const { info, services } = this.#callbacks;
    const nowMs = this.#callbacks.nowMs();
    services.timers.cancel(this.#timer);
    info.lastUpstreamRxByteMs = nowMs;
    this.#state = 'done';
    this.#sender = null;
    const sentMs = this.#requestCompleteMs >= 0 ? this.#requestCompleteMs : info.startMs;
    this.#cluster?.stats.rqTime.record(nowMs - sentMs);
  }

  #fail(reason: ResetReason, detail: string): void {
    const { info, services } = this.#callbacks;
    const started = this.#state === 'responding';
    services.timers.cancel(this.#timer);
    this.#state = 'done';
    this.#sender = null;
    this.#pending = null;
    if (this.#host !== null) this.#host.stats.rqError += 1;
    if (started) {
      info.addFlag(failureFlag(reason));
      this.#callbacks.resetStream('local-reset', failureDetails(reason, detail, true));
      return;
    }
    const reply = failureReply(reason, detail, this.#runtime.config.suppressEnvoyHeaders);
    this.#chargeStatus(reply.status);
    this.#callbacks.sendLocalReply(reply);
  }

  #abandonUpstream(): void {
    if (this.#state === 'waiting') this.#pool?.cancel(this);
    else this.#sender?.reset('local-reset');
    this.#cluster?.stats.rqTxReset.inc();
    this.#sender = null;
    this.#state = 'done';
  }

  #chargeResponse(status: number, _nowMs: number): void {
    this.#chargeStatus(status);
    if (this.#host === null) return;
    if (status >= 500) this.#host.stats.rqError += 1;
    else this.#host.stats.rqSuccess += 1;
  }

  /** Replies of our own count too, once a cluster is known. */
  #chargeStatus(status: number): void {
    const stats = this.#cluster?.stats;
    if (stats === undefined || !this.#runtime.config.dynamicStats) return;
    const counters = stats.status(status);
    stats.rqCompleted.inc();
    counters.code.inc();
    counters.codeClass.inc();
    counters.externalCompleted.inc();
    counters.externalCode.inc();
    counters.externalClass.inc();
  }

  #hold(data: Buffer): void {
    if (!this.#pendingBody().add(data)) this.#pauseDownstream();
  }

  #pendingBody(): PendingBody {
    this.#pending ??= new PendingBody();
    return this.#pending;
  }

  #pauseDownstream(): void {
    if (this.#isDownstreamPaused) return;
    this.#isDownstreamPaused = true;
    this.#cluster?.stats.flowBackedUp.inc();
    this.#callbacks.pauseRequest();
  }

  #resumeDownstream(): void {
    if (!this.#isDownstreamPaused) return;
    this.#isDownstreamPaused = false;
    this.#cluster?.stats.flowDrained.inc();
    this.#callbacks.resumeRequest();
  }
}

/** A timeout field in whole ms; null when it is absent or not a number. */
function timeoutFrom(headers: HeaderList, id: number): number | null {
  const text = headers.mayHave(id) ? headers.get(id) : null;
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
