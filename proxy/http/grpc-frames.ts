// Finds the messages in the content of a gRPC request or response, in whatever pieces it comes: each
// is an octet of flags, four of length, and as many of message (gRPC over HTTP/2,
// Length-Prefixed-Message).

const PREFIX_BYTES = 5;

/** Follows one direction of a stream; looks at prefixes only and keeps no content. */
export class GrpcFrameScanner {
  /** Frames that began so far, the last one perhaps not complete. */
  begun = 0;
  /** Octets of the current prefix that were seen; 0: between two frames. */
  #prefixSeen = 0;
  #length = 0;
  /** Octets of the current message still to come. */
  #remaining = 0;

  /** Takes in content; gives the number of frames that began in it. */
  count(data: Buffer): number {
    const before = this.begun;
    let at = 0;
    while (at !== -1 && at < data.length) at = this.nextEnd(data, at);
    return this.begun - before;
  }

  /**
   * Takes in content from offset `from` up to the end of the current frame: the offset behind it, or
   * -1 when all content was taken in and the frame goes on.
   */
  nextEnd(data: Buffer, from: number): number {
    let at = from;
    while (at < data.length && this.#prefixSeen < PREFIX_BYTES) {
      this.#prefixOctet(data[at] as number);
      at += 1;
    }
    if (this.#prefixSeen < PREFIX_BYTES) return -1;
    const taken = Math.min(this.#remaining, data.length - at);
    this.#remaining -= taken;
    if (this.#remaining > 0) return -1;
    this.#prefixSeen = 0;
    return at + taken;
  }

  #prefixOctet(octet: number): void {
    if (this.#prefixSeen === 0) {
      this.begun += 1;
      this.#length = 0;
    } else {
      this.#length = this.#length * 256 + octet;
    }
    this.#prefixSeen += 1;
    if (this.#prefixSeen === PREFIX_BYTES) this.#remaining = this.#length;
  }
}
