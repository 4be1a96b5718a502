// An upstream that knows how many requests are in flight at it, and the most there ever were. It
// answers after a moment, or holds every request until it is told to answer.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEPT } from './kept-connections.ts';

const MOST_DELAY_MS = 4;

/** See the file's head. */
export class CountingUpstream {
  /** In flight now. */
  readonly active = new Set<ServerResponse>();
  /** The most that were in flight at once since `resetMost`. */
  most = 0;
  isHolding = false;
  readonly #server = createServer(KEPT, (_, response) => this.#onRequest(response));

  /** Binds; resolves with the port. */
  async listen(address = '127.0.0.1'): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, address, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers what it holds, and from now on at once. */
  answerAll(): void {
    this.isHolding = false;
    for (const response of [...this.active]) this.#answer(response);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #onRequest(response: ServerResponse): void {
    this.active.add(response);
    response.once('close', () => this.active.delete(response));
    // Behind the ends of connections that this turn of the loop still has to tell of.
    setImmediate(() => {
      this.most = Math.max(this.most, this.#wanted());
    });
    if (this.isHolding) return;
    setTimeout(() => {
      if (!this.isHolding) this.#answer(response);
    }, Math.random() * MOST_DELAY_MS);
  }

  /** In flight, but for those whose client is gone: their `close` comes some turns of the loop later. */
  #wanted(): number {
    return [...this.active].filter(
      ({ socket }) => socket !== null && !socket.destroyed && !socket.readableEnded,
    ).length;
  }

  #answer(response: ServerResponse): void {
    // Not in flight any more by the time the proxy can know.
    this.active.delete(response);
    response.end('up');
  }
}
