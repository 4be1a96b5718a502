// One exchange: the pump between codec and filters. One class, one method per event; everything
// that happens to a request happens here, whatever the codec.
import { INVARIANTS } from '../../../base/invariants.ts';
import type { AccessLogType, FormatContext } from '../../../formatter/formatter.ts';
import { hasGrpcType } from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ProtocolError } from '../../../http/protocol-error.ts';
import type { RequestReceiver, ResetReason, ResponseSender } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { Route, RouteLookup } from '../../../routing/route-table.ts';
import type {
  HttpFilter,
  HttpFilterServices,
  LocalReply,
  RedirectHistory,
  RestartedRequest,
  TerminalFilterCallbacks,
} from '../../http-filter.ts';
import type { AdmittedTunnel } from './admitted-tunnel.ts';
import { ClientResponse } from './client-response.ts';
import type { HcmRuntime } from './hcm-runtime.ts';
import { answerLocally, protocolErrorReply } from './local-reply.ts';
import type { Refusal } from './refusal.ts';
import { admitRequest, continueIfAsked } from './request-admission.ts';
import type { RoutesInUse } from './routes-in-use.ts';
import { StreamFilters } from './stream-filters.ts';
import { checkStream } from './stream-invariants.ts';
import {
  infoOf,
  type OwnedStream,
  type Predecessor,
  replayRequest,
  type StreamOwner,
} from './stream-owner.ts';
import { noteReset } from './stream-reset.ts';
import { routeRequest } from './stream-route.ts';
import {
  quietDueMs,
  quietTimeout,
  type StreamTimeout,
  StreamTimers,
  timeoutReply,
} from './stream-timers.ts';

/** See RequestReceiver for what the codec tells it, TerminalFilterCallbacks for what filters ask. */
export class ActiveStream
  implements RequestReceiver, TerminalFilterCallbacks, FormatContext, OwnedStream
{
  readonly info: StreamInfo;
  readonly runtime: HcmRuntime;
  readonly routes: RoutesInUse;
  readonly services: HttpFilterServices;
  readonly flow: StreamFilters;
  logType: AccessLogType = 'NotSet';
  localReplyBody = '';
  request: RequestHead | null = null;
  response: ResponseHead | null = null;
  responseTrailers: HeaderList | null = null;
  route: Route | null = null;
  /** 0 to 2^32 - 1: the same for every choice by chance on this stream. */
  streamRandom = 0;
  lastActiveMs: number;
  /** 0: off. */
  idleTimeoutMs: number;
  /** The whole request was received. */
  isRequestComplete = false;
  tunnel: AdmittedTunnel | null = null;
  /** The exchange is over and logged. */
  isOver = false;
  /** Over, or answered by the proxy itself: request filters hear nothing more. */
  isAnswered = false;
  listIndex = 0;
  redirects: RedirectHistory | null;
  /** What filters may hold of either message. */
  bufferLimitBytes: number;
  readonly client: ClientResponse;
  readonly #connection: StreamOwner;
  readonly #sender: ResponseSender;
  #timers: StreamTimers | null;
  /** null: nobody wanted to know yet. */
  #isGrpc: boolean | null = null;

  /** `before`: the exchange whose place it takes. */
  constructor(connection: StreamOwner, sender: ResponseSender, before: Predecessor | null) {
    const runtime = connection.runtime;
    const nowMs = connection.nowMs();
    this.runtime = runtime;
    this.routes = runtime.routes.acquire();
    this.services = runtime.filterServices;
    this.info = infoOf(connection, before);
    this.redirects = before?.redirects ?? null;
    this.lastActiveMs = nowMs;
    this.idleTimeoutMs = runtime.config.streamIdleTimeoutMs;
    this.#connection = connection;
    this.#sender = sender;
    this.bufferLimitBytes = runtime.listener.bufferLimitBytes;
    this.client = new ClientResponse(this, sender);
    this.info.downstreamMeter = sender;
    this.flow = new StreamFilters(this, sender);
    this.#timers = runtime.hasStreamTimers ? new StreamTimers(this, nowMs) : null;
  }

  get terminal(): HttpFilter | null {
    return this.flow.terminal;
  }

  get wallMs(): number {
    return this.runtime.services.clock.wallMs();
  }

  nowMs(): number {
    return this.#connection.nowMs();
  }

  // The codec's events.

  onRequestHead(head: RequestHead, endStream: boolean): void {
    this.request = head;
    this.info.protocol = head.protocol;
    if (endStream) this.#completeRequest();
    continueIfAsked(this.runtime, head, this.#sender);
    const refusal = admitRequest(this, head);
    // Envoy: what filters do to responses they do to refusals, too.
    this.flow.make();
    if (refusal === null) this.flow.requestHead(head, endStream);
    else this.#refuse(refusal);
    if (INVARIANTS) this.checkInvariants();
  }

  onData(data: Buffer, endStream: boolean): void {
    this.info.bytesReceived += data.length;
    this.lastActiveMs = this.nowMs();
    if (endStream) this.#completeRequest();
    if (this.isAnswered) return;
    this.flow.requestData(data, endStream);
    if (INVARIANTS) this.checkInvariants();
  }

  onTrailers(trailers: HeaderList): void {
    this.#completeRequest();
    if (this.isAnswered) return;
    this.flow.requestTrailers(trailers);
    if (INVARIANTS) this.checkInvariants();
  }

  onReset(reason: ResetReason, detail: string): void {
    if (this.isOver) return;
    // Of what was all said only the client's part was missing, as HTTP/1.1 could not even tell.
    if (this.info.lastResponseByteMs >= 0) {
      this.onClosed();
      return;
    }
    this.runtime.stats.rqRxReset.inc();
    noteReset(this.info, reason, detail);
    this.#finish();
  }

  onProtocolError(error: ProtocolError): void {
    if (this.isOver) return;
    this.info.connectionTerminationDetails = `codec_error:${error.reason.replaceAll(' ', '_')}`;
    this.#sender.closeAfterResponse();
    this.sendLocalReply(protocolErrorReply(error));
  }

  onClosed(): void {
    this.runtime.stats.countEnd(this.info);
    this.#finish();
  }

  onWritable(): void {
    this.flow.onResponseWritable();
  }

  // Timers.

  quietDeadlineMs(): number {
    return quietDueMs(this);
  }

  onQuietDeadline(): void {
    this.onTimeout(quietTimeout(this, this.nowMs()));
  }

  /** One of the stream's time limits is over. */
  onTimeout(which: StreamTimeout): void {
    if (!this.isRequestComplete) this.#sender.closeAfterResponse();
    this.sendLocalReply(timeoutReply(which, this.runtime.stats, this.isRequestComplete));
  }

  /** The connection ends behind this exchange. */
  closeAfterResponse(): void {
    this.#sender.closeAfterResponse();
  }

  /** A matched route replaces the connection manager's stream_idle_timeout. */
  setIdleTimeout(timeoutMs: number): void {
    this.idleTimeoutMs = timeoutMs;
    this.#connection.onIdleTimeoutChanged(this);
  }

  /** A matched route bounds the stream, counted from its start; null: nothing does. */
  setDuration(limitMs: number | null): void {
    this.#timers ??= new StreamTimers(this, this.nowMs());
    this.#timers.setDuration(limitMs, this.nowMs());
  }

  // What filters ask.

  rematchRoute(): void {
    if (this.request === null || this.isAnswered) return;
    const refusal = routeRequest(this, this.request);
    if (refusal === null) this.flow.replan();
    else this.#refuse(refusal);
  }

  setBufferLimit(bytes: number): void {
    this.bufferLimitBytes = bytes;
    this.flow.setBufferLimit(bytes);
  }

  continueRequest(filter: HttpFilter): void {
    this.flow.continueRequest(filter);
  }

  continueResponse(filter: HttpFilter): void {
    this.flow.continueResponse(filter);
  }

  injectRequestData(filter: HttpFilter, data: Buffer, endStream: boolean): boolean {
    return this.flow.injectRequestData(filter, data, endStream);
  }

  injectResponseData(filter: HttpFilter, data: Buffer, endStream: boolean): boolean {
    return this.flow.injectResponseData(filter, data, endStream);
  }

  isGrpc(): boolean {
    if (this.request !== null) this.#isGrpc ??= hasGrpcType(this.request.headers);
    return this.#isGrpc === true;
  }

  sendLocalReply(reply: LocalReply): void {
    if (!this.isOver) answerLocally(this, reply);
  }

  resetStream(reason: ResetReason, details: string): void {
    if (this.isOver) return;
    this.info.responseCodeDetails = details;
    this.runtime.stats.countOwnReset();
    this.#sender.reset(reason);
    this.#finish();
  }

  // What the terminal filter asks and produces.

  lookUpRoute(head: RequestHead): RouteLookup {
    return this.routes.table.match(head, this);
  }

  restart(request: RestartedRequest, response: ResponseHead): void {
    this.response = response;
    this.info.responseCode = response.status;
    this.info.responseCodeDetails = 'internal_redirect';
    this.#finish();
    const next = this.#connection.succeed(this, this.#sender);
    this.#sender.handOver(next);
    replayRequest(request, next);
  }

  sendInformational(head: ResponseHead): void {
    const { config, stats } = this.runtime;
    if (!config.proxy100Continue || this.isOver) return;
    stats.countResponse(head.status);
    this.#sender.sendInformational(head);
  }

  sendResponseHead(head: ResponseHead, endStream: boolean): void {
    this.lastActiveMs = this.nowMs();
    this.response = head;
    this.flow.responseHead(head, endStream);
    if (INVARIANTS) this.checkInvariants();
  }

  sendResponseData(data: Buffer, endStream: boolean): boolean {
    this.lastActiveMs = this.nowMs();
    return this.flow.responseData(data, endStream);
  }

  sendResponseTrailers(trailers: HeaderList): void {
    this.flow.responseTrailers(trailers);
    if (INVARIANTS) this.checkInvariants();
  }

  pauseRequest(): void {
    this.flow.holdRequest(null);
  }

  resumeRequest(): void {
    this.flow.takeRequest(null);
  }

  // How the response goes to the client.

  onResponseBegin(): boolean {
    return this.#connection.onResponseBegin();
  }

  onTunnelOpen(): void {
    this.#timers?.endRequestTimeout();
  }

  /** What is left is the codec's: the client may be slow to take it. */
  onResponseComplete(): void {
    this.info.lastResponseByteMs = this.nowMs();
    this.#timers?.cancelAll();
    this.tunnel?.onSideEnded(this);
  }

  checkInvariants(): void {
    checkStream(this, this.#timers?.isArmed === true);
  }

  #refuse(refusal: Refusal): void {
    if (refusal.closesConnection) this.closeAfterResponse();
    this.sendLocalReply(refusal.reply);
  }

  #completeRequest(): void {
    this.isRequestComplete = true;
    this.info.lastRequestByteMs = this.nowMs();
    this.#timers?.endRequestTimeout();
    this.tunnel?.onSideEnded(this);
  }

  #finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.isAnswered = true;
    this.info.endMs = this.nowMs();
    this.tunnel?.end();
    this.#timers?.cancelAll();
    this.flow.end();
    this.routes.release();
    this.logType = 'DownstreamEnd';
    this.runtime.log(this);
    this.#connection.onStreamOver(this);
    if (INVARIANTS) this.checkInvariants();
  }
}
