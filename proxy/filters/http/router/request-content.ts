// A request's content on its way to one upstream: kept back until there is a connection, and that of
// a tunnel until the upstream agrees: octets of another protocol must never be taken for HTTP.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestSender } from '../../../http/stream.ts';
import { RequestBuffer } from './request-buffer.ts';

/**
 * - `open`: on to the upstream as soon as there is one. `awaiting`: nowhere before the upstream
 *   agrees to the tunnel.
 * - `shut`: nowhere at all, because it did not.
 */
type Gate = 'open' | 'awaiting' | 'shut';

/** One per attempt. */
export class RequestContent {
  #gate: Gate;
  /** What is kept: by the stream for all attempts, or by this one alone. */
  #buffer: RequestBuffer | null;
  /** The first chunk of the buffer that was not sent. */
  #next = 0;
  #isKeptBack: boolean;
  #hasSent = false;

  /**
   * `asksForTunnel`: it is not sent before `decide`. `retained` is what the stream keeps of the
   * content, to which it adds before it tells this; null: it keeps nothing.
   */
  constructor(asksForTunnel: boolean, retained: RequestBuffer | null) {
    this.#gate = asksForTunnel ? 'awaiting' : 'open';
    this.#buffer = retained;
    this.#isKeptBack = retained !== null && !retained.isEmpty;
  }

  /** It waits for the upstream to agree. */
  get isAwaiting(): boolean {
    return this.#gate === 'awaiting';
  }

  /** Some of it waits. */
  get isKeptBack(): boolean {
    return this.#isKeptBack;
  }

  /** All of it is still at hand. */
  get isRepeatable(): boolean {
    return !this.#hasSent || this.#buffer?.isRetained === true;
  }

  /** False: hold the client back. `sender` is null as long as there is no connection. */
  send(sender: RequestSender | null, data: Buffer, endStream: boolean): boolean {
    if (this.#gate === 'shut') return true;
    if (sender === null || this.#gate !== 'open') {
      const buffer = this.#keeping();
      if (!buffer.isRetained) buffer.add(data);
      return !buffer.isFull;
    }
    this.#hasSent = true;
    const buffer = this.#buffer;
    if (buffer?.isRetained === true) this.#next = buffer.chunks.length;
    else this.#buffer = null;
    return sender.sendData(data, endStream);
  }

  sendTrailers(sender: RequestSender | null, trailers: HeaderList): void {
    if (this.#gate === 'shut') return;
    if (sender === null || this.#gate !== 'open') {
      this.#keeping().trailers = trailers;
      return;
    }
    this.#hasSent = true;
    sender.sendTrailers(trailers);
  }

  /** The upstream gave its answer to the request for a tunnel. */
  decide(isTunnel: boolean): void {
    this.#gate = isTunnel ? 'open' : 'shut';
    if (!isTunnel) this.#isKeptBack = false;
  }

  /** What may leave does; `endStream`: it is all. False: the upstream is slow. */
  release(sender: RequestSender, endStream: boolean): boolean {
    const buffer = this.#buffer;
    if (!this.#isKeptBack || this.#gate !== 'open' || buffer === null) return true;
    this.#isKeptBack = false;
    this.#hasSent = true;
    const { chunks, trailers } = buffer;
    const last = chunks.length - 1;
    let isWritable = true;
    for (let index = this.#next; index <= last; index += 1) {
      const isEnd = endStream && trailers === null && index === last;
      isWritable = sender.sendData(chunks[index] as Buffer, isEnd);
    }
    if (trailers !== null) sender.sendTrailers(trailers);
    this.#next = chunks.length;
    if (!buffer.isRetained) this.#buffer = null;
    return isWritable;
  }

  /** It goes to another connection, all of it. Only while it `isRepeatable`. */
  rewind(): void {
    this.#next = 0;
    this.#hasSent = false;
    this.#isKeptBack = this.#buffer !== null && !this.#buffer.isEmpty;
  }

  #keeping(): RequestBuffer {
    this.#buffer ??= new RequestBuffer(false);
    this.#isKeptBack = true;
    return this.#buffer;
  }
}
