// Asks the primary for listening sockets.
import type { SocketAddress } from '../base/address.ts';
import type { ListenHandle, SocketSource } from '../net/socket-source.ts';
import type { FromWorker, LinkEnd, ToWorker } from './link.ts';

type Taken = Awaited<ReturnType<SocketSource['take']>>;

/** The worker's side of the socket keeper. */
export class WorkerSockets implements SocketSource {
  readonly #link: LinkEnd<FromWorker, ToWorker>;
  readonly #waiting = new Map<number, (taken: Taken) => void>();
  #lastId = 0;

  constructor(link: LinkEnd<FromWorker, ToWorker>) {
    this.#link = link;
  }

  take(owner: string, address: SocketAddress): Promise<Taken> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { ip, port } = address;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#link.send({ kind: 'want-socket', id, owner, ip, port });
    });
  }

  /** The primary's answer. */
  onSocket(id: number, error: string, handle: ListenHandle | null): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(error === '' ? { handle } : { error });
  }
}
