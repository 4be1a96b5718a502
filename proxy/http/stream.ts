// The HTTP stream: one exchange, the same for every codec, downstream and upstream. A receiver is
// told what the peer sent, in wire order; a sender writes to the peer and says whether to go on.
// Filters, the router and the pools know only this.
//
// Tunnels: the head of an upgrade or of CONNECT never ends its stream. A response head of 101 (to
// CONNECT: 2xx) agrees, and content of both sides is octets of the other protocol from then on; each
// side ends on its own. After any other final response the request's content is of no use.
import type { HeaderList } from './header-list.ts';
import type { RequestHead, ResponseHead } from './message.ts';
import type { ProtocolError } from './protocol-error.ts';

/**
 * Why a stream ended before both messages were complete.
 * - `local-reset`: we gave it up.
 * - `remote-reset`, `remote-refused`: the peer reset it (HTTP/2 RST_STREAM, REFUSED_STREAM).
 * - `remote-connect-error`: a server could not connect where CONNECT asked it to (CONNECT_ERROR).
 * - `connection-termination`: the peer closed the connection.
 * - `connection-failure`: it never came to be; `connection-timeout`: not within connect_timeout.
 * - `protocol-error`: the peer broke the protocol, or a server says that we did.
 * - `overflow`: a limit of ours refused it.
 */
export type ResetReason =
  | 'local-reset'
  | 'remote-reset'
  | 'remote-refused'
  | 'remote-connect-error'
  | 'connection-termination'
  | 'connection-failure'
  | 'connection-timeout'
  | 'protocol-error'
  | 'overflow';

/** What every owner of a stream's receiving side is told. */
export interface StreamReceiver {
  /** Content. `data` is borrowed: it may be overwritten as soon as the call returns. */
  onData(data: Buffer, endStream: boolean): void;
  /** Trailers; they end the stream. */
  onTrailers(trailers: HeaderList): void;
  /**
   * The stream is gone; nothing follows. `detail` says more, for logs; with `protocol-error` it is
   * the response code details.
   */
  onReset(reason: ResetReason, detail: string): void;
  /** The sender that answered false takes data again. */
  onWritable(): void;
}

/** A server's view of a request. */
export interface RequestReceiver extends StreamReceiver {
  onRequestHead(head: RequestHead, endStream: boolean): void;
  /**
   * The request is not HTTP. Nothing more of it arrives; if no response was begun, one may be
   * sent, and the codec ends the connection behind it when the error's scope says so.
   */
  onProtocolError(error: ProtocolError): void;
  /**
   * The response is written and nothing of the request is awaited: the last call, and the codec
   * begins with no other request before it returns. Not behind `onReset`.
   */
  onClosed(): void;
}

/** A client's view of a response. */
export interface ResponseReceiver extends StreamReceiver {
  /** A 1xx other than 101; any number of them precede the response's head. */
  onInformational(head: ResponseHead): void;
  onResponseHead(head: ResponseHead, endStream: boolean): void;
}

/**
 * Octets of one exchange on one connection so far: what we sent, and what of the other message was
 * taken in. They stay readable when the stream is over.
 */
export interface ByteMeter {
  /** All of them, heads and framing included. */
  readonly wireBytesSent: number;
  readonly wireBytesReceived: number;
  /**
   * Field lines as they were sent. Of what was received, names and values and three octets a line,
   * as Envoy counts them.
   */
  readonly headerBytesSent: number;
  readonly headerBytesReceived: number;
}

/** Writes one message and controls the other direction. */
export interface StreamSender extends ByteMeter {
  /**
   * Sends content; copied or written before the call returns. False: the peer is slow, stop until
   * `onWritable`. (Data given all the same is queued; the caller answers for the bound.)
   */
  sendData(data: Buffer, endStream: boolean): boolean;
  /** Ends the message with trailers; dropped where the peer cannot take them. */
  sendTrailers(trailers: HeaderList): void;
  /** Gives the stream up in both directions. The receiver is not told. */
  reset(reason: ResetReason): void;
  /** Stops `onData` soon (what is already being parsed still comes), so that the peer is held back. */
  pauseReading(): void;
  resumeReading(): void;
}

/** A server's answer. */
export interface ResponseSender extends StreamSender {
  /** A 1xx other than 101. */
  sendInformational(head: ResponseHead): void;
  /**
   * The head. The codec adds the framing fields itself; with `endStream` nothing follows.
   * `closeAfter` ends the connection behind the message (HTTP/1: `connection: close`).
   */
  sendResponseHead(head: ResponseHead, endStream: boolean): void;
  /** What is still told of the exchange goes to `receiver` from now on. */
  handOver(receiver: RequestReceiver): void;
  /** HTTP/1: the connection ends behind this response; HTTP/2: no effect on other streams. */
  closeAfterResponse(): void;
}

/** A client's request. */
export interface RequestSender extends StreamSender {
  sendRequestHead(head: RequestHead, endStream: boolean): void;
}
