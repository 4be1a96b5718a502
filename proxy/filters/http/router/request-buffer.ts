// The content of a request as far as it is kept: until there is a connection for it, or, retained,
// until nobody will want it again.
import type { HeaderList } from '../../../http/header-list.ts';

/** What is at hand of a request that may be sent elsewhere. */
export interface KeptRequest {
  readonly retained: RequestBuffer | null;
  readonly isComplete: boolean;
}

/** Kept beyond this, the client is held back; one more read may still come (64 KiB). */
const PAUSE_BYTES = 64 * 1024;

/** Chunks in order, copied out of the read buffer. */
export class RequestBuffer {
  /** It keeps what was sent, so that it can be sent again. */
  isRetained: boolean;
  bytes = 0;
  trailers: HeaderList | null = null;
  readonly chunks: Buffer[] = [];

  constructor(isRetained: boolean) {
    this.isRetained = isRetained;
  }

  /** There is nothing in it. */
  get isEmpty(): boolean {
    return this.chunks.length === 0 && this.trailers === null;
  }

  /** True: hold the client back, unless somebody takes some of it. */
  get isFull(): boolean {
    return this.bytes >= PAUSE_BYTES;
  }

  /** Keeps a copy, but no more than `limitBytes` in all. False: it is not retained any longer. */
  take(data: Buffer, limitBytes: number): boolean {
    this.isRetained = this.bytes + data.length <= limitBytes;
    if (this.isRetained) this.add(data);
    return this.isRetained;
  }

  /** Keeps a copy. */
  add(data: Buffer): void {
    if (data.length === 0 && this.chunks.length > 0) return;
    this.chunks.push(Buffer.from(data));
    this.bytes += data.length;
  }
}
