// A server's HTTP/2 connection without the socket: requests in, many at a time, responses out.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { CodecDone, ServerCodec, ServerCodecHandler } from '../codec.ts';
import { RequestHead, type ResponseHead } from '../message.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { RequestReceiver, ResetReason, StreamReceiver } from '../stream.ts';
import { H2_ERROR, H2_MESSAGE_ERROR } from './errors.ts';
import { H2_CODE, MAX_31_BITS } from './frame-types.ts';
import { takeTrailers } from './incoming-trailers.ts';
import type { H2Io } from './io.ts';
import { rejectMessage } from './message-error.ts';
import type { H2ServerOptions } from './options.ts';
import { type LengthMeaning, outgoingLength } from './outgoing-length.ts';
import { ResetGuard } from './reset-guard.ts';
import { H2Session } from './session.ts';
import type { BlockFacts, SessionRole } from './session-role.ts';
import type { H2Stream } from './stream.ts';

/** HTTP/2 for a listener. */
export class H2ServerCodec implements ServerCodec, SessionRole {
  readonly protocol = 'HTTP/2';
  readonly isClient = false;
  readonly #handler: ServerCodecHandler;
  readonly #session: H2Session;
  readonly #resetGuard: ResetGuard;
  readonly #maxStreams: number;
  /** The highest stream id that the client used. */
  #lastStreamId = 0;
  /** Ids that the client passed over last: they can never be used (RFC 9113 §5.1.1). */
  #skippedFrom = 0;
  #skippedTo = 0;
  /** After the final GOAWAY streams above `lastPeerStreamId` are ignored. */
  #isDraining = false;

  constructor(options: H2ServerOptions, io: H2Io, handler: ServerCodecHandler) {
    this.#handler = handler;
    this.#maxStreams = options.protocol.maxConcurrentStreams;
    this.#resetGuard = new ResetGuard(options.protocol, io.services.nowMs());
    const flushTimeoutMs = options.streamFlushTimeoutMs;
    this.#session = new H2Session({ options, io, role: this, flushTimeoutMs });
  }

  get activeStreams(): number {
    return this.#session.streams.size;
  }

  /** Fields dropped because of an underscore in their name, over all requests. */
  get droppedHeadersWithUnderscores(): number {
    return this.#session.decoder.droppedHeadersWithUnderscores;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#session.onBytes(buffer, start, end);
    if (INVARIANTS) this.checkInvariants();
  }

  onEnd(): void {
    // As Envoy: a client that closes its half is gone; nobody waits for its answers.
    if (this.#session.isDone) return;
    this.#session.onGone('client closed the connection');
    this.#handler.onConnectionDone({ kind: 'peer-closed' });
  }

  onClose(detail: string): void {
    this.#session.onGone(detail);
  }

  onDrain(): void {
    this.#session.onDrain();
  }

  announceDrain(): void {
    if (this.#session.isDone || this.#isDraining) return;
    // RFC 9113 §6.8: what is on its way is served yet.
    this.#session.goaway(MAX_31_BITS, H2_CODE.noError, '');
  }

  drain(): void {
    if (this.#session.isDone || this.#isDraining) return;
    this.#isDraining = true;
    // As Envoy: neither the announcement nor what an error says is counted.
    this.#session.io.counters.goawaySent.inc();
    this.#session.goaway(this.#session.lastPeerStreamId, H2_CODE.noError, '');
    this.#endIfDrained();
    if (INVARIANTS) this.checkInvariants();
  }

  isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.#lastStreamId;
  }

  judgeLate(streamId: number): ProtocolError | null {
    const isRefused = this.#isDraining && streamId > this.#session.lastPeerStreamId;
    return isRefused || this.#session.resets.has(streamId) ? null : H2_ERROR.closedStream;
  }

  /** A head that takes its time has a stream already: its time limits run. */
  onBlockStart(streamId: number): ProtocolError | null {
    if (streamId % 2 === 0) return H2_ERROR.streamId;
    return streamId > this.#lastStreamId ? this.#admit(streamId) : null;
  }

  onNewBlock({ streamId, endStream, wireBytes }: BlockFacts): ProtocolError | null {
    if (streamId % 2 === 0) return H2_ERROR.streamId;
    if (streamId <= this.#lastStreamId) return this.#lateBlock(streamId);
    const error = this.#admit(streamId);
    const stream = this.#session.streams.get(streamId);
    if (error !== null || stream === undefined) return error;
    stream.wireBytesReceived = wireBytes;
    stream.headerBytesReceived = wireBytes;
    return this.#takeHead(stream, endStream);
  }

  onBlock(stream: H2Stream, endStream: boolean): ProtocolError | null {
    return stream.isHeadReceived
      ? takeTrailers(this.#session, stream, endStream)
      : this.#takeHead(stream, endStream);
  }

  /** RFC 9113 §8.1: with the response complete, nobody waits for the rest of a request. */
  settle(stream: H2Stream): void {
    if (!stream.isLocalClosed || (stream.isTunnel && !stream.isEndDelivered)) return;
    if (!stream.isRemoteClosed) this.#session.sendReset(stream, H2_CODE.noError);
    this.#session.complete(stream);
  }

  onRemoteReset(stream: H2Stream): ProtocolError | null {
    if (stream.isHeadSent) return null;
    const nowMs = this.#session.io.services.nowMs();
    const isFine = this.#resetGuard.onUnansweredReset(nowMs - stream.openedMs, nowMs);
    return isFine ? null : H2_ERROR.prematureResets;
  }

  onErrorReset(): ProtocolError | null {
    const isFine = this.#resetGuard.takeToken(this.#session.io.services.nowMs());
    return isFine ? null : H2_ERROR.prematureResets;
  }

  onBrokenMessage(stream: H2Stream): void {
    this.#session.complete(stream);
  }

  onStreamOver(reason: ResetReason | null, receiver: StreamReceiver | null): void {
    this.#resetGuard.onStreamClosed();
    this.#handler.onStreamClosed();
    // A server's receivers are those of `onStream`.
    if (reason === null) (receiver as RequestReceiver | null)?.onClosed();
    this.#endIfDrained();
  }

  onGoaway(): void {
    // A client that opens no further streams is served on.
  }

  onSettings(): void {
    // Nothing of them concerns requests.
  }

  onDone(reason: CodecDone): void {
    this.#handler.onConnectionDone(reason);
  }

  writeResponseHead(stream: H2Stream, head: ResponseHead, endStream: boolean): void {
    const { encoder, writer } = this.#session;
    const { status } = head;
    if (status < 200 && status !== 101) {
      outgoingLength(head.headers, 'none', false);
    } else {
      const isAgreed = stream.upgrade === '' ? status < 300 : status === 101;
      stream.isTunnel = stream.asksForTunnel && isAgreed;
      stream.isContentless = stream.isHeadRequest || status === 204 || status === 304;
      stream.lengthToSend = outgoingLength(head.headers, lengthMeaning(stream, status), endStream);
    }
    encoder.encodeResponse(head);
    const octets = writer.headers(stream.id, encoder, endStream);
    stream.wireBytesSent += octets;
    stream.headerBytesSent += octets;
  }

  writeRequestHead(): void {
    // A server sends no requests.
  }

  checkInvariants(): void {
    this.#session.checkInvariants();
    const isOver = this.#isDraining && this.activeStreams === 0;
    invariant(!isOver || this.#session.isDone, 'h2 server codec: it ends behind the last stream');
  }

  #lateBlock(streamId: number): ProtocolError | null {
    if (streamId >= this.#skippedFrom && streamId < this.#skippedTo) return H2_ERROR.streamId;
    this.#session.io.counters.headersCbNoStream.inc();
    return this.judgeLate(streamId);
  }

  #noteId(streamId: number): void {
    if (streamId > this.#lastStreamId + 2) {
      this.#skippedFrom = this.#lastStreamId + 1;
      this.#skippedTo = streamId;
    }
    this.#lastStreamId = streamId;
  }

  /** Opens a new stream, if it is not one too many and somebody looks at it. */
  #admit(streamId: number): ProtocolError | null {
    const session = this.#session;
    this.#noteId(streamId);
    if (this.#isDraining) {
      session.io.counters.headersCbNoStream.inc();
      return null;
    }
    session.lastPeerStreamId = streamId;
    if (session.streams.size >= this.#maxStreams) return this.#refuse(streamId);
    const stream = session.createStream(null);
    session.openStream(stream, streamId);
    const receiver = this.#handler.onStream(stream);
    // Whoever is asked may give it up at once.
    if (stream.owner !== null) stream.receiver = receiver;
    return null;
  }

  /** A stream too many; a client that never learns has its heads decoded for nothing. */
  #refuse(streamId: number): ProtocolError | null {
    this.#session.io.counters.streamRefusedErrors.inc();
    this.#session.refuse(streamId, H2_CODE.refusedStream);
    return this.onErrorReset();
  }

  #takeHead(stream: H2Stream, endStream: boolean): ProtocolError | null {
    const session = this.#session;
    const head = session.decoder.takeRequest();
    if (!(head instanceof RequestHead)) return rejectMessage(session, stream, head);
    const { contentLength } = session.decoder;
    stream.isHeadReceived = true;
    stream.isHeadRequest = head.method === 'HEAD';
    stream.asksForTunnel = head.asksForTunnel;
    stream.upgrade = head.upgrade;
    stream.lengthToCome = stream.asksForTunnel ? -1 : contentLength;
    if (endStream && contentLength > 0) {
      return rejectMessage(session, stream, H2_MESSAGE_ERROR.noContent);
    }
    if (endStream) stream.closeRemote();
    stream.isEndDelivered = endStream;
    // A server's receivers are those of `onStream`.
    (stream.receiver as RequestReceiver | null)?.onRequestHead(head, endStream);
    return null;
  }

  #endIfDrained(): void {
    if (!this.#isDraining || this.activeStreams > 0) return;
    this.#session.finish({ kind: 'message-end' });
  }
}

function lengthMeaning(stream: H2Stream, status: number): LengthMeaning {
  if (status === 204 || stream.isTunnel) return 'none';
  return stream.isHeadRequest || status === 304 ? 'other' : 'own';
}
