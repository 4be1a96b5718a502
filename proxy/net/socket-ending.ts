// How our side of a socket ends: the FIN (or close_notify) behind all output, and of a connection
// that closes the wait until that has left, or until the peer has ended, too.
import type { Socket } from 'node:net';
import { DelayedClose } from './delayed-close.ts';
import type { EventLoop } from './event-loop.ts';
import type { SocketOutput } from './socket-output.ts';

/** Time for the peer to close after our last byte (Envoy: delayed_close_timeout). */
export const DEFAULT_DELAYED_CLOSE_MS = 1000;

/** The connection as it is when its end may leave. */
export interface EndingConnection {
  readonly isSecure: boolean;
  readonly hasPeerEnded: boolean;
  readonly delayedCloseMs: number;
  /** Nothing is waited for any more; `isLate`: the peer's end was, and did not come. */
  finishClose(isLate: boolean): void;
}

/** One connection's. */
export class SocketEnding {
  /** The end leaves behind the output. */
  isWanted = false;
  readonly #loop: EventLoop;
  readonly #output: SocketOutput;
  readonly #connection: EndingConnection;
  #waitsForPeer = false;
  #delayedClose: DelayedClose | null = null;

  constructor(loop: EventLoop, output: SocketOutput, connection: EndingConnection) {
    this.#loop = loop;
    this.#output = output;
    this.#connection = connection;
  }

  get isTimed(): boolean {
    return this.#delayedClose?.isWaiting === true;
  }

  /** The connection closes. */
  close(waitsForPeer: boolean): void {
    this.isWanted = true;
    this.#waitsForPeer = waitsForPeer;
  }

  cancel(): void {
    this.#delayedClose?.cancel();
  }

  /** Behind a flush. */
  send(socket: Socket, isClosing: boolean): void {
    const { isSecure, hasPeerEnded } = this.#connection;
    // The close_notify would overtake what TLS has not handed on yet.
    if (isSecure && this.#output.pendingBytes > 0) {
      if (isClosing) this.#watch();
      return;
    }
    this.isWanted = false;
    socket.end();
    if (!isClosing) return;
    if (!this.#waitsForPeer || hasPeerEnded) {
      // Everything left, or the close follows as soon as it is out (or the peer stops taking it).
      if (this.#output.pendingBytes === 0 && !isSecure) {
        this.#connection.finishClose(false);
        return;
      }
      socket.once('finish', () => this.#connection.finishClose(false));
    }
    this.#watch();
  }

  #watch(): void {
    if (this.#delayedClose !== null) return;
    const { delayedCloseMs } = this.#connection;
    const delayMs = delayedCloseMs > 0 ? delayedCloseMs : DEFAULT_DELAYED_CLOSE_MS;
    const wait = { output: this.#output, delayMs };
    this.#delayedClose = new DelayedClose(this.#loop, wait, () =>
      this.#connection.finishClose(this.#waitsForPeer),
    );
  }
}
