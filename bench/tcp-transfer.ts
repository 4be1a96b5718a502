// A client of baselines/tcp-server: asks for octets on one connection and counts them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const READ_BYTES = 256 * 1024;
const DEADLINE_MS = 60_000;

/** One connection through a proxy. */
export class Transfer {
  readonly #socket: Socket;
  #left = 0;
  #resolve: (() => void) | null = null;

  private constructor(port: number) {
    const callback = (length: number): boolean => {
      this.#left -= length;
      if (this.#left === 0) this.#resolve?.();
      return true;
    };
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
  }

  /** Resolves when it is connected. */
  static async open(port: number): Promise<Transfer> {
    const transfer = new Transfer(port);
    await once(transfer.#socket, 'connect');
    return transfer;
  }

  /** Asks for `count` octets; resolves with the last of them. */
  async fetch(count: number): Promise<void> {
    const request = Buffer.alloc(8);
    request.writeBigUInt64BE(BigInt(count));
    this.#left = count;
    const arrived = new Promise<void>((resolve, reject) => {
      const tooLong = setTimeout(() => reject(new Error(`${this.#left} missing`)), DEADLINE_MS);
      this.#resolve = () => {
        clearTimeout(tooLong);
        resolve();
      };
    });
    this.#socket.write(request);
    await arrived;
  }

  close(): void {
    this.#socket.destroy();
  }
}
