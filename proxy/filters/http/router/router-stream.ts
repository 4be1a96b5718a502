// The router on one stream: sends the request to a host of the route's cluster, watches the time,
// and hands the response back through the filters.
import { INVARIANTS, invariant } from '../../../base/invariants.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { ForwardActionConfig } from '../../../model/route.ts';
import { chooseCluster } from '../../../routing/choose-cluster.ts';
import { finalizeRequestHead } from '../../../routing/finalize-head.ts';
import { rewriteAuthority } from '../../../routing/host-rewriter.ts';
import type { RequestTally } from '../../../routing/virtual-host-stats.ts';
import type { Cluster } from '../../../upstream/cluster-manager.ts';
import type { ClusterStats } from '../../../upstream/cluster-stats.ts';
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
  NO_HEALTHY_UPSTREAM,
  RESPONSE_TIMEOUT,
} from './direct-answers.ts';
import { judgeGrpcStatus, judgeHead, type Verdict } from './host-verdict.ts';
import {
  type ChargedRequest,
  chargeResponse,
  chargeStart,
  chargeTime,
  chargeTimeout,
  isFromCanary,
} from './request-charges.ts';
import { finishResponseHead } from './response-head.ts';
import { announceTimeout, takeTimeout } from './route-timeout.ts';
import type { RouterRuntime } from './router-runtime.ts';
import { handshakeFailure, isTimedFromHead, poolFor } from './tunnel-rules.ts';
import { failureDetails, failureFlag, failureReply } from './upstream-failure.ts';
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream-request.ts';

/** One per stream. */
export class RouterStream implements HttpFilter, UpstreamRequestOwner, TimerTarget, ChargedRequest {
  readonly info: StreamInfo;
  tally: RequestTally | null = null;
  isCanary = false;
  readonly #runtime: RouterRuntime;
  readonly #callbacks: TerminalFilterCallbacks;
  readonly #timer: Timer;
  #cluster: Cluster | null = null;
  /** What its responses count in; null: without dynamic_stats, or before it is known. */
  #charged: ClusterStats | null = null;
  #upstream: UpstreamRequest | null = null;
  #timeoutMs = 0;
  #requestCompleteMs = -1;
  #isRequestPaused = false;
  #verdict: Verdict = 'given';

  constructor(runtime: RouterRuntime, callbacks: TerminalFilterCallbacks) {
    this.info = callbacks.info;
    this.#runtime = runtime;
    this.#callbacks = callbacks;
    this.#timer = new Timer(this);
  }

  /** As the client's request now stands. */
  get head(): RequestHead | null {
    return this.#callbacks.request;
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
    if (reply !== null) {
      this.#callbacks.sendLocalReply(reply);
      return CONTINUE;
    }
    const action = this.#callbacks.route?.config.action as ForwardActionConfig;
    const failure = this.#forward(head, action, endStream);
    if (failure !== null) this.#reply(failure);
    if (INVARIANTS) this.checkInvariants();
    return CONTINUE;
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    this.#upstream?.sendData(data, endStream);
    if (endStream) this.#onRequestComplete();
    if (INVARIANTS) this.checkInvariants();
    return CONTINUE;
  }

  onRequestTrailers(trailers: HeaderList): FilterStatus {
    this.#upstream?.sendTrailers(trailers);
    this.#onRequestComplete();
    if (INVARIANTS) this.checkInvariants();
    return CONTINUE;
  }

  /** The client takes data again. */
  onResponseWritable(): void {
    this.#upstream?.resumeReading();
  }

  onStreamEnd(): void {
    this.timers.cancel(this.#timer);
    this.#upstream?.abort();
    if (INVARIANTS) this.checkInvariants();
  }

  // The upstream.

  onUpstreamReady(): void {
    if (this.tally !== null) chargeStart(this.tally);
  }

  onUpstreamInformational(head: ResponseHead): void {
    chargeResponse(this, this.#charged, head.status);
    this.#callbacks.sendInformational(head);
  }

  onUpstreamHead(head: ResponseHead, endStream: boolean): void {
    const nowMs = this.nowMs();
    this.info.firstUpstreamRxByteMs = nowMs;
    if (this.#failsHandshake(head.status)) return;
    if (this.#upstream?.isTunnel === true) this.timers.cancel(this.#timer);
    this.info.responseCodeDetails = 'via_upstream';
    this.isCanary = isFromCanary(head, this.#upstream?.host ?? null);
    this.#judge(head, endStream);
    chargeResponse(this, this.#charged, head.status);
    const isTimed = this.#requestCompleteMs >= 0 && !this.#runtime.config.suppressEnvoyHeaders;
    finishResponseHead(this.#callbacks, head, isTimed ? nowMs - this.#requestCompleteMs : -1);
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

  onUpstreamReset(reason: ResetReason, detail: string, started: boolean): void {
    this.timers.cancel(this.#timer);
    if (started) {
      this.#breakOff(failureFlag(reason), failureDetails(reason, detail, true));
      return;
    }
    this.#reply(failureReply(reason, detail, this.#runtime.config.suppressEnvoyHeaders));
  }

  onUpstreamMaxDuration(started: boolean): void {
    this.timers.cancel(this.#timer);
    const reply = this.#requestCompleteMs >= 0 ? MAX_DURATION_REACHED : MAX_DURATION_IN_REQUEST;
    if (started) this.#breakOff('UMSDR', reply.details);
    else this.#callbacks.sendLocalReply(reply);
    if (INVARIANTS) this.checkInvariants();
  }

  onUpstreamSlow(): void {
    if (this.#isRequestPaused) return;
    this.#isRequestPaused = true;
    this.#cluster?.stats.flowBackedUp.inc();
    this.#callbacks.pauseRequest();
  }

  onUpstreamWritable(): void {
    if (!this.#isRequestPaused) return;
    this.#isRequestPaused = false;
    this.#cluster?.stats.flowDrained.inc();
    this.#callbacks.resumeRequest();
  }

  /** The route's timeout, counted from the complete request. */
  onTimer(): void {
    const upstream = this.#upstream;
    if (upstream === null) return;
    this.#cluster?.stats.rqTimeout.inc();
    upstream.host.stats.rqTimeout += 1;
    if (this.tally !== null) chargeTimeout(this.tally);
    const started = upstream.state === 'responding';
    upstream.abort();
    if (!started) {
      this.#reply(RESPONSE_TIMEOUT);
      return;
    }
    this.#breakOff('UT', 'response_timeout');
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const upstream = this.#upstream;
    const isRunning = upstream !== null && upstream.state !== 'done';
    invariant(!this.#timer.armed || isRunning, 'router: the timeout watches an attempt');
    const hasStarted = this.#requestCompleteMs >= 0 || this.head?.asksForTunnel === true;
    const isTimed = hasStarted && this.#timeoutMs > 0;
    invariant(
      !this.#timer.armed || isTimed,
      'router: the timeout counts from the complete request',
    );
    invariant(upstream === null || this.#cluster !== null, 'router: an attempt has its cluster');
    invariant(upstream !== null || !this.#isRequestPaused, 'router: only an upstream is slow');
  }

  /** Starts the attempt; gives the reply when there is no cluster or no host. */
  #forward(head: RequestHead, action: ForwardActionConfig, endStream: boolean): LocalReply | null {
    const { services, streamRandom } = this.#callbacks;
    const name = chooseCluster(action.cluster, head, streamRandom);
    const cluster = services.clusters.get(name);
    if (cluster === null) {
      this.#runtime.noCluster.inc();
      return clusterNotFoundReply(action.clusterNotFoundStatus);
    }
    this.#cluster = cluster;
    if (this.#runtime.config.dynamicStats) this.#charged = cluster.stats;
    this.info.clusterName = name;
    this.info.clusterMetadata = cluster.config.metadata;
    this.#openTally(head);
    this.#timeoutMs = takeTimeout(head, action, this.#runtime.config);
    this.#finalizeRequest(head, action);
    const host = cluster.pickHost(this.#callbacks);
    if (host === null) {
      cluster.stats.cxNoneHealthy.inc();
      return NO_HEALTHY_UPSTREAM;
    }
    this.info.upstreamHost = host;
    this.info.attemptCount = 1;
    if (action.autoHostRewrite && host.hostname !== '') {
      rewriteAuthority(head, host.hostname, {
        keepsOriginal: !this.#runtime.config.suppressEnvoyHeaders,
        appendsForwardedHost: action.appendXForwardedHost,
      });
    }
    const pool = poolFor(cluster, host, { action, head });
    if (pool === null) return NO_HEALTHY_UPSTREAM;
    const upstream = new UpstreamRequest(this, { cluster, host, head, pool }, endStream);
    this.#upstream = upstream;
    if (endStream) this.#onRequestComplete();
    else if (isTimedFromHead(head)) this.#startTimeout(this.nowMs());
    upstream.start();
    return null;
  }

  /** Before the head is changed: conditions are on what the client sent. */
  #openTally(head: RequestHead): void {
    const stats = this.#callbacks.route?.stats ?? null;
    if (stats === null) return;
    this.tally = stats.tally(head);
    this.info.virtualClusterName = this.tally.virtualClusterName;
  }

  #finalizeRequest(head: RequestHead, action: ForwardActionConfig): void {
    const { route } = this.#callbacks;
    if (route === null) return;
    const headers = head.headers;
    const { suppressEnvoyHeaders } = this.#runtime.config;
    announceTimeout(head, this.#timeoutMs, { suppress: suppressEnvoyHeaders, action });
    if (route.virtualHost.includeRequestAttemptCount) {
      headers.setKnown(HEADER_ID['x-envoy-attempt-count'], '1');
    }
    finalizeRequestHead(route, head, this.#callbacks, { suppressEnvoyHeaders });
  }

  #onRequestComplete(): void {
    const nowMs = this.nowMs();
    this.#requestCompleteMs = nowMs;
    if (!this.#timer.armed) this.#startTimeout(nowMs);
  }

  #startTimeout(nowMs: number): void {
    const upstream = this.#upstream;
    // As Envoy: a tunnel may last.
    const isAwaited = upstream !== null && upstream.state !== 'done' && !upstream.isTunnel;
    if (this.#timeoutMs > 0 && isAwaited) {
      this.timers.arm(this.#timer, nowMs, this.#timeoutMs);
    }
  }

  #onUpstreamComplete(nowMs: number): void {
    this.timers.cancel(this.#timer);
    this.info.lastUpstreamRxByteMs = nowMs;
    if (this.#requestCompleteMs >= 0)
      chargeTime(this, this.#charged, nowMs - this.#requestCompleteMs);
  }

  /** The response began and will not be complete. */
  #breakOff(flag: ResponseFlag, details: string): void {
    if (this.#verdict === 'awaits-grpc-status') {
      this.#giveVerdict(null);
      this.#runtime.resetAfterResponseStarted.inc();
    }
    this.info.addFlag(flag);
    this.#callbacks.resetStream('local-reset', details);
  }

  #judge(head: ResponseHead, endStream: boolean): void {
    const host = this.#upstream?.host.stats;
    if (host !== undefined)
      this.#verdict = judgeHead(host, head, { request: this.head, endStream });
  }

  #giveVerdict(last: HeaderList | null): void {
    if (this.#verdict === 'given' || this.#upstream === null) return;
    this.#verdict = 'given';
    judgeGrpcStatus(this.#upstream.host.stats, last);
  }

  /** A reply of our own counts as the cluster's response once a cluster is known. */
  #reply(reply: LocalReply): void {
    const host = this.#upstream?.host.stats;
    if (host !== undefined) host.rqError += 1;
    chargeResponse(this, this.#charged, reply.status);
    this.#callbacks.sendLocalReply(reply);
  }

  /** True when the upstream broke off a handshake, of which the client hears the status. */
  #failsHandshake(status: number): boolean {
    const failure = handshakeFailure(this.head, status);
    if (failure === null) return false;
    this.#upstream?.abort();
    this.#callbacks.sendLocalReply(failure);
    return true;
  }
}
