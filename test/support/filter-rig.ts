// One HTTP filter between a client and an upstream that are arrays of text: what goes in on one side,
// what comes out on the other.
import { FilterPath, type PathHooks, type PathSink } from '../../proxy/filters/filter-path.ts';
import {
  CONTINUE,
  type HttpFilter,
  type HttpFilterCallbacks,
  type LocalReply,
} from '../../proxy/filters/http-filter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { type RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import type { StreamInfo } from '../../proxy/http/stream-info.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import type { Cluster, ClusterManager } from '../../proxy/upstream/cluster-manager.ts';
import { ClusterStats } from '../../proxy/upstream/cluster-stats.ts';
import { exchange, fieldLines, matchedRoute, routeTo, tableOf } from './route-fixtures.ts';

const LIMIT_BYTES = 1024 * 1024;
/** The only cluster there is. */
const CLUSTER = 'c';

const REQUEST_HOOKS: PathHooks<RequestHead> = {
  head: (filter, head, end) => filter.onRequestHead?.(head, end) ?? CONTINUE,
  data: (filter, data, end) => filter.onRequestData?.(data, end) ?? CONTINUE,
  trailers: (filter, trailers) => filter.onRequestTrailers?.(trailers) ?? CONTINUE,
  writable: (filter) => filter.onRequestWritable?.(),
};
const RESPONSE_HOOKS: PathHooks<ResponseHead> = {
  head: (filter, head, end) => filter.onResponseHead?.(head, end) ?? CONTINUE,
  data: (filter, data, end) => filter.onResponseData?.(data, end) ?? CONTINUE,
  trailers: (filter, trailers) => filter.onResponseTrailers?.(trailers) ?? CONTINUE,
  writable: (filter) => filter.onResponseWritable?.(),
};

/** A message as it came out behind the filter. */
class Received<H extends RequestHead | ResponseHead> implements PathSink<H> {
  start: H | null = null;
  content = '';
  trailerLines: readonly string[] = [];
  isComplete = false;
  isCut = false;

  head(head: H, endStream: boolean): void {
    this.start = head;
    this.isComplete = endStream;
  }

  data(data: Buffer, endStream: boolean): boolean {
    if (this.isComplete || this.start === null) throw new Error('content outside of a message');
    this.content += data.toString('latin1');
    this.isComplete = endStream;
    return true;
  }

  trailers(trailers: HeaderList): void {
    if (this.isComplete) throw new Error('trailers behind the end');
    this.trailerLines = fieldLines(trailers);
    this.isComplete = true;
  }

  overflow(): void {
    this.isCut = true;
  }

  isDead(): boolean {
    return this.isCut;
  }

  get fields(): readonly string[] {
    return this.start === null ? [] : fieldLines(this.start.headers);
  }
}

/** See the file's head. */
export class FilterRig {
  readonly upstream = new Received<RequestHead>();
  readonly client = new Received<ResponseHead>();
  /** Details of the filter's own answers. */
  readonly replies: string[] = [];
  /** What the filter asked for. */
  readonly bufferLimits: number[] = [];
  rematches = 0;
  /** The exchange: what filters leave for others. */
  readonly info: StreamInfo;
  readonly #stats = new StatsStore(null);
  readonly #request: FilterPath<RequestHead>;
  readonly #response: FilterPath<ResponseHead>;

  constructor(create: (callbacks: HttpFilterCallbacks) => HttpFilter, head: RequestHead) {
    const stats = new ClusterStats(this.#stats.scope('cluster').scope(CLUSTER));
    const clusters: ClusterManager = {
      get: (name) => (name === CLUSTER ? ({ stats } as unknown as Cluster) : null),
    };
    const route = matchedRoute(tableOf(routeTo(CLUSTER, { prefix: '/' })), head);
    const context = exchange(head);
    this.info = context.info;
    const callbacks = {
      ...context,
      ...{ route, services: { clusters }, streamRandom: 0, nowMs: () => 0 },
      continueRequest: (filter: HttpFilter) => this.#request.release(filter),
      continueResponse: (filter: HttpFilter) => this.#response.release(filter),
      injectRequestData: (filter: HttpFilter, data: Buffer, end: boolean) =>
        this.#request.inject(filter, data, end),
      injectResponseData: (filter: HttpFilter, data: Buffer, end: boolean) =>
        this.#response.inject(filter, data, end),
      sendLocalReply: (reply: LocalReply) => this.#reply(reply),
      setBufferLimit: (bytes: number) => this.bufferLimits.push(bytes),
      rematchRoute: () => {
        this.rematches += 1;
      },
    } as unknown as HttpFilterCallbacks;
    const filter = create(callbacks);
    this.#request = new FilterPath([filter], REQUEST_HOOKS, this.upstream, LIMIT_BYTES);
    this.#response = new FilterPath([filter], RESPONSE_HOOKS, this.client, LIMIT_BYTES);
    this.#request.head(head, false);
  }

  /** Counters of the cluster that changed, without their common beginning. */
  counters(): Readonly<Record<string, number>> {
    const prefix = `cluster.${CLUSTER}.`;
    const all = Object.entries(this.#stats.snapshot().counters);
    return Object.fromEntries(
      all
        .filter(([, value]) => value > 0)
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  }

  /** What a histogram of the cluster holds; null: there is none. */
  histogram(name: string): { readonly count: number; readonly sum: number } | null {
    const found = this.#stats.snapshot().histograms[`cluster.${CLUSTER}.${name}`];
    return found === undefined ? null : { count: found.count, sum: found.sum };
  }

  /** The client's content in these pieces (latin1); the last one ends the request. */
  send(pieces: readonly string[]): void {
    pieces.forEach((piece, index) => {
      // As the stream: request filters hear nothing behind an answer.
      if (this.replies.length > 0) return;
      this.#request.data(borrowed(piece), index === pieces.length - 1);
    });
  }

  /** The client's trailers. */
  endRequest(trailers: HeaderList): void {
    this.#request.trailers(trailers);
  }

  /** The upstream's answer; null trailers: it ends with its content. */
  answer(head: ResponseHead, pieces: readonly string[], trailers: HeaderList | null): void {
    const endsWithData = trailers === null;
    this.#response.head(head, endsWithData && pieces.length === 0);
    pieces.forEach((piece, index) => {
      this.#response.data(borrowed(piece), endsWithData && index === pieces.length - 1);
    });
    if (trailers !== null) this.#response.trailers(trailers);
  }

  #reply(reply: LocalReply): void {
    this.replies.push(reply.details);
    this.upstream.isCut = true;
    const headers = HeaderList.of('content-type', 'text/plain');
    this.#response.head(new ResponseHead(reply.status, headers), false);
    this.#response.data(Buffer.from(reply.body), true);
  }
}

/** Whoever keeps it without copying it will see. */
function borrowed(octets: string): Buffer {
  const buffer = Buffer.from(octets, 'latin1');
  queueMicrotask(() => buffer.fill(0x55));
  return buffer;
}
