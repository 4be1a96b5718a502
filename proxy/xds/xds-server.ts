// The seam between the protocol and what carries its octets.

/** How a stream ended: a gRPC status. */
export interface StreamStatus {
  readonly code: number;
  readonly message: string;
}

/** What a stream tells; nothing inside `openStream`, nothing after `onEnd`. */
export interface StreamSink {
  /** The server is reached: requests may be sent. */
  onOpen(): void;
  onMessage(octets: Uint8Array): void;
  /** After `send` answered false: there is room again. */
  onDrain(): void;
  /** It could not be opened, or it is over. */
  onEnd(status: StreamStatus): void;
}

/** An open stream, or one that is being opened. */
export interface XdsStream {
  /** One message, as a whole. False: it was taken, but the next one should wait for `onDrain`. */
  send(octets: Uint8Array): boolean;
  /** Ends it; its sink is told nothing more. */
  cancel(): void;
}

/** A management server. */
export interface XdsServer {
  /** For diagnostics: the cluster's name, or the target. */
  readonly name: string;
  /** `method` is `/package.Service/Method`. */
  openStream(method: string, sink: StreamSink): XdsStream;
  close(): void;
}
