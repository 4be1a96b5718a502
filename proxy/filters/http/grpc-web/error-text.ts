// The body of a response that is not gRPC (an error page, mostly), kept to become its grpc-message.

/** No more than this of a body becomes a field, as in Envoy. */
const MAX_BYTES = 16_384;

/** The beginning of a body. */
export class ErrorText {
  readonly #pieces: Buffer[] = [];
  #length = 0;

  /** Keeps a copy of what there is room for. */
  add(data: Buffer): void {
    const room = MAX_BYTES - this.#length;
    if (room === 0 || data.length === 0) return;
    const piece = Buffer.from(data.subarray(0, room));
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
