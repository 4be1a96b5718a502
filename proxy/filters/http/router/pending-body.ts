// Content of a request that waits for its upstream connection.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestSender } from '../../../http/stream.ts';

/** Beyond this the client is held back; one more read may still come (64 KiB). */
const PAUSE_BYTES = 64 * 1024;

/** Chunks in order, copied out of the read buffer. */
export class PendingBody {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #trailers: HeaderList | null = null;

  /** Keeps a copy; false: hold the client back. */
  add(data: Buffer): boolean {
    this.#chunks.push(Buffer.from(data));
    this.#bytes += data.length;
    return this.#bytes < PAUSE_BYTES;
  }

  setTrailers(trailers: HeaderList): void {
    this.#trailers = trailers;
  }

  /** Sends everything; `endStream` when the request is complete. False: the upstream is slow. */
  sendTo(sender: RequestSender, endStream: boolean): boolean {
    const endsWithData = endStream && this.#trailers === null;
    const last = this.#chunks.length - 1;
    let isWritable = true;
    for (let index = 0; index <= last; index += 1) {
      isWritable = sender.sendData(this.#chunks[index] as Buffer, endsWithData && index === last);
    }
    if (this.#trailers !== null) sender.sendTrailers(this.#trailers);
    return isWritable;
  }
}
