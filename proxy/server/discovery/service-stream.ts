// A stream to a service that is to stay open: how it ended is said, and it is begun anew.
import type { Logger } from '../../base/log.ts';
import type { ReconnectBackOff } from '../../xds/reconnect-back-off.ts';
import type { StreamSink, StreamStatus, XdsServer, XdsStream } from '../../xds/xds-server.ts';

/** What a stream works with. */
export interface ServiceStreamParts {
  /** Closed with the stream. */
  readonly server: XdsServer;
  /** `/package.Service/Method` */
  readonly method: string;
  /** What the log calls it. */
  readonly title: string;
  readonly backOff: ReconnectBackOff;
  readonly log: Logger;
}

/** Who speaks on it. */
export interface ServiceStreamUser {
  /** The server is reached; what is sent before is lost. */
  onOpen(): void;
  onMessage(octets: Uint8Array): void;
  /** It is over, and will be begun anew. */
  onEnd(): void;
  /** It is begun anew now. */
  onRetry(): void;
}

/** See the file's head. */
export class ServiceStream implements StreamSink {
  readonly #parts: ServiceStreamParts;
  readonly #user: ServiceStreamUser;
  #stream: XdsStream | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(parts: ServiceStreamParts, user: ServiceStreamUser) {
    this.#parts = parts;
    this.#user = user;
  }

  /** `stop` was called. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  start(): void {
    const { server, method } = this.#parts;
    if (!this.#isStopped) this.#stream = server.openStream(method, this);
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stream?.cancel();
    this.#stream = null;
    this.#parts.server.close();
  }

  /** It is open, or is being opened; what is sent without is lost. */
  get isThere(): boolean {
    return this.#stream !== null;
  }

  send(octets: Uint8Array): void {
    this.#stream?.send(octets);
  }

  /** Instead of what was planned before: one thing is waited for, which may be the next stream. */
  plan(delayMs: number, action: () => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delayMs).unref();
  }

  onOpen(): void {
    this.#user.onOpen();
  }

  onMessage(octets: Uint8Array): void {
    this.#parts.backOff.reset();
    this.#user.onMessage(octets);
  }

  onDrain(): void {}

  onEnd({ code, message }: StreamStatus): void {
    const { backOff, log, server, title } = this.#parts;
    this.#stream = null;
    if (this.#isStopped) return;
    log.log('warning', `${title} gRPC stream to ${server.name} closed: ${code}, ${message}`);
    this.#user.onEnd();
    this.plan(backOff.nextMs(), () => {
      this.#user.onRetry();
      this.start();
    });
  }
}
