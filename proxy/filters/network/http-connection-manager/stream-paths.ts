// How the two directions of a stream walk through its filters.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import { FilterPath, type PathHooks, type PathSink } from '../../filter-path.ts';
import { CONTINUE, type HttpFilter, type LocalReply } from '../../http-filter.ts';
import type { HcmRuntime } from './hcm-runtime.ts';

const REQUEST_HOOKS: PathHooks<RequestHead> = {
  head: (filter, head, endStream) => filter.onRequestHead?.(head, endStream) ?? CONTINUE,
  data: (filter, data, endStream) => filter.onRequestData?.(data, endStream) ?? CONTINUE,
  trailers: (filter, trailers) => filter.onRequestTrailers?.(trailers) ?? CONTINUE,
  writable: (filter) => filter.onRequestWritable?.(),
};

const RESPONSE_HOOKS: PathHooks<ResponseHead> = {
  head: (filter, head, endStream) => filter.onResponseHead?.(head, endStream) ?? CONTINUE,
  data: (filter, data, endStream) => filter.onResponseData?.(data, endStream) ?? CONTINUE,
  trailers: (filter, trailers) => filter.onResponseTrailers?.(trailers) ?? CONTINUE,
  writable: (filter) => filter.onResponseWritable?.(),
};

/** A stream as the ends of its paths see it. */
export interface StreamEnds {
  readonly runtime: HcmRuntime;
  readonly terminal: HttpFilter | null;
  readonly isAnswered: boolean;
  /** What filters may hold of either message. */
  readonly bufferLimitBytes: number;
  /** Where the response goes behind the filters. */
  readonly client: PathSink<ResponseHead>;
  sendLocalReply(reply: LocalReply): void;
}

/** Towards the terminal filter, in the order of configuration. */
export function requestPath(
  stream: StreamEnds,
  filters: readonly HttpFilter[],
): FilterPath<RequestHead> {
  const sink = new RequestSink(stream);
  return new FilterPath(filters, REQUEST_HOOKS, sink, stream.bufferLimitBytes);
}

/** Towards the client, in reverse; null when no filter looks at responses. */
export function responsePath(
  stream: StreamEnds,
  filters: readonly HttpFilter[],
): FilterPath<ResponseHead> | null {
  const interested = filters.filter(looksAtResponses).reverse();
  if (interested.length === 0) return null;
  return new FilterPath(interested, RESPONSE_HOOKS, stream.client, stream.bufferLimitBytes);
}

function looksAtResponses(filter: HttpFilter): boolean {
  return (
    filter.onResponseHead !== undefined ||
    filter.onResponseData !== undefined ||
    filter.onResponseTrailers !== undefined
  );
}

class RequestSink implements PathSink<RequestHead> {
  readonly #stream: StreamEnds;

  constructor(stream: StreamEnds) {
    this.#stream = stream;
  }

  head(head: RequestHead, endStream: boolean): void {
    this.#stream.terminal?.onRequestHead?.(head, endStream);
  }

  data(data: Buffer, endStream: boolean): boolean {
    this.#stream.terminal?.onRequestData?.(data, endStream);
    return true;
  }

  trailers(trailers: HeaderList): void {
    this.#stream.terminal?.onRequestTrailers?.(trailers);
  }

  overflow(): void {
    this.#stream.runtime.stats.rqTooLarge.inc();
    this.#stream.sendLocalReply({
      status: 413,
      body: 'Payload Too Large',
      details: 'request_payload_too_large',
      flag: null,
      headers: null,
    });
  }

  isDead(): boolean {
    return this.#stream.isAnswered;
  }
}
