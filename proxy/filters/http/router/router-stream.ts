// The router on one stream: settles what the request needs, sends copies to mirrors, and leaves the
// rest to the request's attempts.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead } from '../../../http/message.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type TerminalFilterCallbacks,
} from '../../http-filter.ts';
import { Attempts } from './attempts.ts';
import { answerWithoutUpstream, noHostReply } from './direct-answers.ts';
import { dropReply } from './drop-overload.ts';
import { ForwardedRequest, prepareRequest } from './forwarded-request.ts';
import type { RouterRuntime } from './router-runtime.ts';
import { Shadows } from './shadows.ts';

/** One per stream. */
export class RouterStream implements HttpFilter {
  readonly #runtime: RouterRuntime;
  readonly #callbacks: TerminalFilterCallbacks;
  /** null: there is no upstream that it is sent to. */
  #attempts: Attempts | null = null;
  /** null: nothing is copied. */
  #shadows: Shadows | null = null;

  constructor(runtime: RouterRuntime, callbacks: TerminalFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    this.#runtime.total.inc();
    const reply = answerWithoutUpstream(this.#runtime, this.#callbacks, head);
    if (reply === null) this.#forward(head, endStream);
    else this.#callbacks.sendLocalReply(reply);
    return CONTINUE;
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    this.#shadows?.sendData(data, endStream);
    this.#attempts?.sendData(data, endStream);
    return CONTINUE;
  }

  onRequestTrailers(trailers: HeaderList): FilterStatus {
    this.#shadows?.sendTrailers(trailers);
    this.#attempts?.sendTrailers(trailers);
    return CONTINUE;
  }

  /** The client takes data again. */
  onResponseWritable(): void {
    this.#attempts?.resumeReading();
  }

  onStreamEnd(): void {
    this.#attempts?.end();
    this.#shadows?.abort();
  }

  #forward(head: RequestHead, endStream: boolean): void {
    const callbacks = this.#callbacks;
    const request = prepareRequest(this.#runtime, callbacks, head);
    if (!(request instanceof ForwardedRequest)) {
      callbacks.sendLocalReply(request);
      return;
    }
    const { random } = callbacks.services;
    const dropped = dropReply(request.cluster, random, request.suppresses);
    if (dropped !== null) {
      request.charges.response(dropped.status);
      callbacks.sendLocalReply(dropped);
      return;
    }
    // As Envoy, one that finds no host was an attempt, too.
    callbacks.info.attemptCount = 1;
    const place = request.findPlace();
    if (place === null) {
      const nowhere = noHostReply(request.overrideHost);
      request.charges.response(nowhere.status);
      callbacks.sendLocalReply(request.completed(nowhere));
      return;
    }
    const { mirrors } = request;
    if (mirrors.length > 0 && !head.asksForTunnel) {
      this.#shadows = new Shadows(this.#runtime, callbacks);
      this.#shadows.start(mirrors, request, endStream);
    }
    this.#attempts = new Attempts(callbacks, request, endStream);
    this.#attempts.start(place, endStream);
  }
}
