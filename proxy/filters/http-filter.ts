// The HTTP filter chain's surface. A filter sees a request's events in the order of configuration
// and the response's in reverse; it lets each pass, holds it back, or answers itself.
import type { Message } from '@bufbuild/protobuf';
import type { CellUser } from '../base/cells/shared-cells.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { FormatContext } from '../formatter/formatter.ts';
import type { HeaderList } from '../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import type { ResetReason } from '../http/stream.ts';
import type { FilterDefinition } from '../model/extension.ts';
import type { BodyFormatConfig } from '../model/local-reply.ts';
import type { Route, RouteLookup } from '../routing/route-table.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { ClusterManager, OverrideHost } from '../upstream/cluster-manager.ts';

/** Go on to the next filter. */
export const CONTINUE = 0;
/**
 * Hold this event back. Later content still comes to this filter, which decides anew; what it stops
 * is buffered behind it, up to the stream's limit (413 or 500 beyond), until it answers CONTINUE or
 * calls `continueRequest` or `continueResponse`.
 */
export const STOP = 1;
/** The same, and nothing more comes to this filter either until it calls to continue. */
export const STOP_ALL = 2;
/**
 * This content (or these trailers) go no further: the filter has sent on what is to take their
 * place, if anything, with `injectRequestData` or `injectResponseData`. No answer to a head.
 */
export const DROP = 3;
/**
 * As STOP_ALL, for a filter that only needs time, whatever comes: what it holds does not count
 * against the stream's limit. It has to hold the sender (`flow.holdRequest` or `flow.holdResponse`).
 */
export const WAIT = 4;
/** What a filter answers to an event. */
export type FilterStatus =
  | typeof CONTINUE
  | typeof STOP
  | typeof STOP_ALL
  | typeof DROP
  | typeof WAIT;

/** A reply that the proxy makes itself. */
export interface LocalReply {
  readonly status: number;
  /** '' for an empty body. */
  readonly body: string;
  /** Prints the body, before anything is known of the response; absent: `body` is it. */
  readonly bodyFormat?: BodyFormatConfig;
  /** Response code details with `_` for blanks. */
  readonly details: string;
  readonly flag: ResponseFlag | null;
  /** Changes the head before it is sent; null: nothing to change. */
  readonly headers: HeaderList | null;
  /** The head is sent as it is: neither route nor local_reply_config sees it. Absent: they do. */
  readonly isFinal?: boolean;
  /** What a gRPC client is told; absent: what gRPC makes of the status. */
  readonly grpcStatus?: number;
}

/** How a filter holds back whoever sends content to it, and says where a request belongs. */
export interface FilterFlow {
  /** The host that the request belongs to; set in front of the router, null: any. */
  overrideHost: OverrideHost | null;
  /** Ends the message behind `filter` with trailers, where it had none of its own. */
  injectRequestTrailers(filter: HttpFilter, trailers: HeaderList): void;
  injectResponseTrailers(filter: HttpFilter, trailers: HeaderList): void;
  /**
   * `filter` has enough of the client's content for now, or takes it again. What is on its way still
   * comes. Asking twice is harmless.
   */
  holdRequest(filter: HttpFilter): void;
  takeRequest(filter: HttpFilter): void;
  /** The same of the response's content. */
  holdResponse(filter: HttpFilter): void;
  takeResponse(filter: HttpFilter): void;
}

/** What a filter may ask of, and do to, its stream. One object a stream. */
export interface HttpFilterCallbacks extends FormatContext {
  /** null only when the request's head was never complete. */
  readonly request: RequestHead | null;
  /** The matched route; null when none matched. Found before the first filter: see `rematchRoute`. */
  readonly route: Route | null;
  readonly services: HttpFilterServices;
  /** 0 to 2^32 - 1: the same for every choice by chance on this stream. */
  readonly streamRandom: number;
  /** The whole request was received. */
  readonly isRequestComplete: boolean;
  /** Monotonic ms of this loop turn. */
  nowMs(): number;
  /** Resumes what `filter` held back on the way in. */
  continueRequest(filter: HttpFilter): void;
  /** Resumes what `filter` held back on the way out. */
  continueResponse(filter: HttpFilter): void;
  /**
   * Sends content on to whoever is behind `filter`; `filter` itself holds nothing back then. `data`
   * is borrowed. With `endStream` nothing follows: trailers that still come must be dropped. It may
   * go in front of trailers that `filter` holds back. False: one of those behind is slow; better
   * send nothing more until `onRequestWritable` or `onResponseWritable`.
   */
  injectRequestData(filter: HttpFilter, data: Buffer, endStream: boolean): boolean;
  injectResponseData(filter: HttpFilter, data: Buffer, endStream: boolean): boolean;
  /** Back-pressure, and what few filters need. */
  readonly flow: FilterFlow;
  /**
   * For a filter that changed the request's head, metadata or filter state: matches it again, as it
   * is now. Filters behind it get their configuration on the new route; those of the chain stay. May
   * answer the request. Without effect once it is answered.
   */
  rematchRoute(): void;
  /** How many octets of each message filters may hold from now on (413 or 500 beyond). */
  setBufferLimit(bytes: number): void;
  /** Answers; request filters behind are not called, response filters are. */
  sendLocalReply(reply: LocalReply): void;
  /** Ends the exchange without a (further) response. */
  resetStream(reason: ResetReason, details: string): void;
}

/** What the hops of one client's request did so far. */
export interface RedirectHistory {
  count: number;
  /** Of routes that ask not to be sent the same way twice: the routes taken from them. */
  readonly taken: Map<string, Set<string>>;
}

/** A request that takes the place of the client's. */
export interface RestartedRequest {
  readonly head: RequestHead;
  readonly chunks: readonly Buffer[];
  readonly trailers: HeaderList | null;
}

/** Additional surface for the chain's last filter, which produces the response. */
export interface TerminalFilterCallbacks extends HttpFilterCallbacks {
  /** The response's head, set before its fields are formatted: they may read each other. */
  response: ResponseHead | null;
  /** How much of the request may be kept. */
  readonly bufferLimitBytes: number;
  /** null: the request was not redirected yet. */
  redirects: RedirectHistory | null;
  /** The route that a request like this would take. */
  lookUpRoute(head: RequestHead): RouteLookup;
  /**
   * Ends this exchange without a response to the client and begins anew with another request, which
   * goes through new filters. `response` is what the log of this one shows. Only when the whole
   * request was received.
   */
  restart(request: RestartedRequest, response: ResponseHead): void;
  sendInformational(head: ResponseHead): void;
  sendResponseHead(head: ResponseHead, endStream: boolean): void;
  /** False: the client is slow; stop until `onResponseWritable`. `data` is borrowed. */
  sendResponseData(data: Buffer, endStream: boolean): boolean;
  sendResponseTrailers(trailers: HeaderList): void;
  /** Holds the client back while the upstream is slow, and lets it go on. */
  pauseRequest(): void;
  resumeRequest(): void;
}

/** One filter on one stream. Hooks that a filter lacks are never called for it. */
export interface HttpFilter {
  onRequestHead?(head: RequestHead, endStream: boolean): FilterStatus;
  /** `data` is borrowed. */
  onRequestData?(data: Buffer, endStream: boolean): FilterStatus;
  onRequestTrailers?(trailers: HeaderList): FilterStatus;
  onResponseHead?(head: ResponseHead, endStream: boolean): FilterStatus;
  onResponseData?(data: Buffer, endStream: boolean): FilterStatus;
  onResponseTrailers?(trailers: HeaderList): FilterStatus;
  /** The client, and filters on the way to it, take data again. */
  onResponseWritable?(): void;
  /** Not for terminal filters: the upstream, and filters on the way to it, take data again. */
  onRequestWritable?(): void;
  /** Once, when the stream is over for any reason: free timers and upstream work. */
  onStreamEnd?(): void;
}

/** What filters of a worker share. */
export interface HttpFilterServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: TimerWheel;
  readonly clusters: ClusterManager;
  /** What all workers count together. */
  readonly cells: CellUser;
  readonly log: Logger;
  /** The address that this host is known by. */
  readonly localIp: string;
  /** `http.<stat_prefix>.` */
  readonly scope: StatsScope;
  /** The node's cluster, as the bootstrap has it. */
  readonly serviceCluster: string;
  /** `/healthcheck/fail` was called. */
  isHealthCheckFailed(): boolean;
  /** The root scope, for filters whose statistics have a prefix of their own. */
  readonly root: StatsScope;
}

/** Makes a filter for each stream; built once per connection manager. */
export interface HttpFilterFactory {
  create(callbacks: HttpFilterCallbacks): HttpFilter;
  /** Brings those gauges up to date that are not kept as things happen. */
  refreshGauges?(): void;
}

/** An HTTP filter as an extension: everything about it in one file, plus a line in the registry. */
export interface HttpFilterDefinition<M extends Message = Message, C = unknown>
  extends FilterDefinition<M, C> {
  /**
   * `name`: what the chain calls the filter. null: with this configuration it does nothing, and
   * streams do without it.
   */
  factory(config: C, services: HttpFilterServices, name: string): HttpFilterFactory | null;
  /**
   * The filter's configuration on a route: `own` with what `perRoute` compiled of the levels, the
   * most specific first, at least one. null: it does nothing there. Goes with `perRoute`.
   */
  onRoute?(own: C, levels: readonly never[]): C | null;
}
