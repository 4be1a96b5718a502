// What a server's and a client's HTTP/2 session do differently.
import type { CodecDone } from '../codec.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { ResetReason, StreamReceiver } from '../stream.ts';
import type { H2Stream } from './stream.ts';

/** A field block that was decoded, as it was on the wire. */
export interface BlockFacts {
  readonly streamId: number;
  readonly endStream: boolean;
  /** Octets of its frames. */
  readonly wireBytes: number;
}

/** One side of a connection; the session calls it. Errors that it returns are the connection's. */
export interface SessionRole {
  readonly isClient: boolean;
  /** True for a stream that was never begun (RFC 9113 §5.1). */
  isIdle(streamId: number): boolean;
  /** Content or a block came for a stream that is over; null: ignore it. */
  judgeLate(streamId: number): ProtocolError | null;
  /** The first frame of a block that goes on; the block follows, or the connection ends. */
  onBlockStart(streamId: number): ProtocolError | null;
  /** A block on a stream that is not open; it is decoded. */
  onNewBlock(facts: BlockFacts): ProtocolError | null;
  /** A block on an open stream; it is decoded and counted. */
  onBlock(stream: H2Stream, endStream: boolean): ProtocolError | null;
  /** One half of a stream came to its end: the stream may be over. */
  settle(stream: H2Stream): void;
  /** The peer reset this stream, which is over. */
  onRemoteReset(stream: H2Stream): ProtocolError | null;
  /** We reset a stream because of what the peer did. */
  onErrorReset(): ProtocolError | null;
  /** Content of ours contradicts our head; the stream is reset on the wire. */
  onBrokenMessage(stream: H2Stream): void;
  /**
   * A stream is over and detached. `reason` is null when it is complete, otherwise that of the reset
   * that `receiver` was told of, or 'local-reset' if it was given up here, which nobody is told.
   */
  onStreamOver(reason: ResetReason | null, receiver: StreamReceiver | null): void;
  /** GOAWAY came. */
  onGoaway(lastStreamId: number): void;
  /** The peer's SETTINGS were applied. */
  onSettings(): void;
  /** Writes a head. */
  writeResponseHead(stream: H2Stream, head: ResponseHead, endStream: boolean): void;
  writeRequestHead(stream: H2Stream, head: RequestHead, endStream: boolean): void;
  /** The connection is to be closed. */
  onDone(reason: CodecDone): void;
}
