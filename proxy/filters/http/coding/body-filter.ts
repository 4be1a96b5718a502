// A filter that leaves a message alone or has all of its content and trailers pass through one body:
// which of the two it is, the head decides.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import { CONTINUE, type FilterStatus, type HttpFilter } from '../../http-filter.ts';

/** What a message passes through behind its head. */
export interface MessageBody {
  /** `data` is borrowed. */
  onData(data: Buffer, endStream: boolean): FilterStatus;
  onTrailers(trailers: HeaderList): FilterStatus;
  /** Whoever gets what it sends takes data again. */
  onWritable(): void;
  /** The stream is over. */
  close(): void;
}

/** What makes one such filter different from another; one per stream. May change the heads. */
export interface BodyChoice {
  /** null: the request is left alone. `filter` is whose body it is. */
  ofRequest(filter: HttpFilter, head: RequestHead, endStream: boolean): MessageBody | null;
  /** null: the response is left alone. */
  ofResponse(filter: HttpFilter, head: ResponseHead, endStream: boolean): MessageBody | null;
}

/** One per stream. */
export class BodyFilter implements HttpFilter {
  readonly #choice: BodyChoice;
  #request: MessageBody | null = null;
  #response: MessageBody | null = null;

  constructor(choice: BodyChoice) {
    this.#choice = choice;
  }

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    this.#request = this.#choice.ofRequest(this, head, endStream);
    return CONTINUE;
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    return this.#request === null ? CONTINUE : this.#request.onData(data, endStream);
  }

  onRequestTrailers(trailers: HeaderList): FilterStatus {
    return this.#request === null ? CONTINUE : this.#request.onTrailers(trailers);
  }

  onRequestWritable(): void {
    this.#request?.onWritable();
  }

  onResponseHead(head: ResponseHead, endStream: boolean): FilterStatus {
    this.#response = this.#choice.ofResponse(this, head, endStream);
    return CONTINUE;
  }

  onResponseData(data: Buffer, endStream: boolean): FilterStatus {
    return this.#response === null ? CONTINUE : this.#response.onData(data, endStream);
  }

  onResponseTrailers(trailers: HeaderList): FilterStatus {
    return this.#response === null ? CONTINUE : this.#response.onTrailers(trailers);
  }

  onResponseWritable(): void {
    this.#response?.onWritable();
  }

  onStreamEnd(): void {
    this.#request?.close();
    this.#response?.close();
  }
}
