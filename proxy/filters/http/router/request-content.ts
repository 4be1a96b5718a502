// A request's content on its way to one upstream: kept back until there is a connection, and that of
// a tunnel until the upstream agrees: octets of another protocol must never be taken for HTTP.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestSender } from '../../../http/stream.ts';
import { PendingBody } from './pending-body.ts';

/**
 * - `open`: on to the upstream as soon as there is one. `awaiting`: nowhere before the upstream
 *   agrees to the tunnel.
 * - `shut`: nowhere at all, because it did not.
 */
type Gate = 'open' | 'awaiting' | 'shut';

/** One per attempt. */
export class RequestContent {
  /** Some of it was sent, and is no longer at hand. */
  hasSent = false;
  #gate: Gate;
  #pending: PendingBody | null = null;

  /** `asksForTunnel`: it is not sent before `decide`. */
  constructor(asksForTunnel: boolean) {
    this.#gate = asksForTunnel ? 'awaiting' : 'open';
  }

  /** It waits for the upstream to agree. */
  get isAwaiting(): boolean {
    return this.#gate === 'awaiting';
  }

  /** Some of it waits. */
  get isKeptBack(): boolean {
    return this.#pending !== null;
  }

  /** False: hold the client back. `sender` is null as long as there is no connection. */
  send(sender: RequestSender | null, data: Buffer, endStream: boolean): boolean {
    if (this.#gate === 'shut') return true;
    if (sender === null || this.#gate !== 'open') return this.#pendingBody().add(data);
    this.hasSent = true;
    return sender.sendData(data, endStream);
  }

  sendTrailers(sender: RequestSender | null, trailers: HeaderList): void {
    if (this.#gate === 'shut') return;
    if (sender === null || this.#gate !== 'open') {
      this.#pendingBody().setTrailers(trailers);
      return;
    }
    this.hasSent = true;
    sender.sendTrailers(trailers);
  }

  /** The upstream gave its answer to the request for a tunnel. */
  decide(isTunnel: boolean): void {
    this.#gate = isTunnel ? 'open' : 'shut';
    if (!isTunnel) this.#pending = null;
  }

  /** What may leave does; `endStream`: it is all. False: the upstream is slow. */
  release(sender: RequestSender, endStream: boolean): boolean {
    const pending = this.#pending;
    if (pending === null || this.#gate !== 'open') return true;
    this.#pending = null;
    this.hasSent = true;
    return pending.sendTo(sender, endStream);
  }

  #pendingBody(): PendingBody {
    this.#pending ??= new PendingBody();
    return this.#pending;
  }
}
