// A codec turns a connection's bytes into streams and back. It has no socket: bytes come in by
// calls, bytes go out through a sink, and it says when it wants the connection closed. Time comes in
// by a clock and a timer wheel, for those that need it.
import type { Random } from '../base/random.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { Protocol } from './message.ts';
import type { ProtocolError } from './protocol-error.ts';
import type {
  RequestReceiver,
  RequestSender,
  ResetReason,
  ResponseReceiver,
  ResponseSender,
} from './stream.ts';

/** Where a codec's output goes: a connection, or an array in a test. */
export interface ByteSink {
  /** Queues latin1 text. */
  writeText(text: string): void;
  /** Queues octets; they are copied or written before the call returns. */
  writeBytes(data: Buffer): void;
  /** False when more is queued than the high watermark: stop until the connection drains. */
  isWritable(): boolean;
  /** Octets that wait to leave. */
  readonly bufferedBytes: number;
  /** Stops and restarts the arrival of bytes. */
  pauseReading(): void;
  resumeReading(): void;
  /** Ends our side (FIN) behind what is queued; bytes go on arriving. For tunnels, once. */
  halfClose(): void;
}

/** Something to be done at the end of a turn of the event loop. */
export interface TurnTarget {
  flush(): void;
}

/** Time and chance for codecs that keep peers to time limits. */
export interface CodecServices {
  /** Monotonic ms of this loop turn. */
  nowMs(): number;
  readonly timers: TimerWheel;
  readonly random: Random;
  /** Calls `target.flush()` once when the events of this turn are over. */
  flushLater(target: TurnTarget): void;
}

/** What both kinds of codec understand from their connection. */
export interface Codec {
  /** null: what it carries is octets and nothing else. */
  readonly protocol: Protocol | null;
  /** Bytes arrived in `buffer[start, end)`, borrowed for the call. */
  onBytes(buffer: Buffer, start: number, end: number): void;
  /** The peer will send no more bytes. */
  onEnd(): void;
  /** The connection is gone: every open stream is reset with this reason. */
  onClose(detail: string): void;
  /** The sink drained: open streams that were told to stop may go on. */
  onDrain(): void;
  /** Number of open streams. */
  readonly activeStreams: number;
}

/** A server's codec. */
export interface ServerCodec extends Codec {
  /** Fields dropped because of an underscore in their name, over all requests. */
  readonly droppedHeadersWithUnderscores: number;
  /**
   * The end is near: HTTP/2 sends GOAWAY with the highest stream id, so that a client opens no more
   * streams here; HTTP/1 has no words for it. `drain` follows.
   */
  announceDrain(): void;
  /**
   * No further requests: HTTP/1 ends the connection behind the current response (at once when
   * idle), HTTP/2 sends GOAWAY with the last stream that it serves and ends behind the open ones.
   */
  drain(): void;
}

/** Owner of a server codec: the HTTP connection manager. */
export interface ServerCodecHandler {
  /** The first byte of a request arrived. The receiver gets everything of it. */
  onStream(sender: ResponseSender): RequestReceiver;
  /**
   * A stream is over, once for each: both messages are complete, or it was reset, or the response
   * is and the rest of the request is not wanted. Nothing more is told to its receiver.
   */
  onStreamClosed(): void;
  /**
   * The codec is done with the connection: close it behind what is queued. Once, last, and never
   * after `onClose`.
   */
  onConnectionDone(reason: CodecDone): void;
}

/**
 * Why a codec wants its connection closed. After `reset` the peer must not take the last message
 * for complete: TCP says RST.
 */
export type CodecDone =
  | { readonly kind: 'message-end' }
  | { readonly kind: 'peer-closed' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'protocol-error'; readonly error: ProtocolError };

/** A client's codec. */
export interface ClientCodec extends Codec {
  /** Streams that may be opened now: 0 or 1 for HTTP/1; for HTTP/2 as the peer's SETTINGS say. */
  readonly availableStreams: number;
  /**
   * Streams that the peer lets be open at once: 1 for HTTP/1; for HTTP/2 SETTINGS say it, and -1
   * stands until they came. Streams opened before may have been too many.
   */
  readonly peerStreamLimit: number;
  /**
   * The peer said that it takes no further streams (HTTP/2: GOAWAY; HTTP/1: the connection ends
   * behind the response): none will ever be available again.
   */
  readonly isGoingAway: boolean;
  /** Opens a stream; only when one is available. */
  openStream(receiver: ResponseReceiver): RequestSender;
}

/** Owner of a client codec: a pool's connection. */
export interface ClientCodecHandler {
  /**
   * A stream is over, once for each: another may be opened if `availableStreams` says so. `reason`
   * is null when its response is complete, and otherwise what its receiver heard or we reset it
   * with.
   */
  onStreamClosed(reason: ResetReason | null): void;
  /**
   * `availableStreams` or `peerStreamLimit` changed for another reason: SETTINGS (the first ones
   * always), or GOAWAY, after which none is available. Told before the streams that GOAWAY refuses
   * are reset.
   */
  onCapacityChanged(): void;
  /** No further stream may be opened, and the connection is to be closed now. Once, last. */
  onConnectionDone(reason: CodecDone): void;
}
