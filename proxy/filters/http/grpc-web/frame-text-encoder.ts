// Encodes gRPC frames as base64, each frame with its own padding, in whatever pieces they come. No
// frame is held: what waits is the one or two octets that make no whole group of characters yet.
import { GrpcFrameScanner } from '../../../http/grpc-frames.ts';

const GROUP_BYTES = 3;

/** One response. */
export class FrameTextEncoder {
  readonly #frames = new GrpcFrameScanner();
  readonly #rest = Buffer.alloc(GROUP_BYTES - 1);
  #restLength = 0;

  /** The text of this piece; '' when it makes no whole group. */
  encode(data: Buffer): string {
    let text = '';
    let at = 0;
    while (at < data.length) {
      const end = this.#frames.nextEnd(data, at);
      const piece = data.subarray(at, end === -1 ? data.length : end);
      text += this.#encodePiece(piece, end !== -1);
      at += piece.length;
    }
    return text;
  }

  /** The text of what is left of a frame that is not complete. */
  finish(): string {
    return this.#encodePiece(this.#rest.subarray(0, 0), true);
  }

  #encodePiece(piece: Buffer, endsFrame: boolean): string {
    const octets =
      this.#restLength === 0
        ? piece
        : Buffer.concat([this.#rest.subarray(0, this.#restLength), piece]);
    const length = endsFrame ? octets.length : octets.length - (octets.length % GROUP_BYTES);
    const text = octets.toString('base64', 0, length);
    this.#restLength = octets.copy(this.#rest, 0, length);
    return text;
  }
}
