// A client's HTTP/2 connection without the socket: requests out, as many at a time as the server
// takes, responses in.
import { INVARIANTS } from '../../base/invariants.ts';
import type { ClientCodec, ClientCodecHandler, CodecDone } from '../codec.ts';
import { HEADER_ID } from '../header-names.ts';
import { isRelayedInformational, MAX_INFORMATIONAL } from '../informational.ts';
import { type RequestHead, ResponseHead } from '../message.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { RequestSender, ResetReason, ResponseReceiver, StreamReceiver } from '../stream.ts';
import { addAccept, websocketKey } from '../websocket.ts';
import { H2_ERROR, H2_MESSAGE_ERROR } from './errors.ts';
import { H2_CODE, MAX_31_BITS } from './frame-types.ts';
import { takeTrailers } from './incoming-trailers.ts';
import type { H2Io } from './io.ts';
import { rejectMessage } from './message-error.ts';
import type { H2Options } from './options.ts';
import { outgoingLength } from './outgoing-length.ts';
import { H2Session } from './session.ts';
import type { BlockFacts, SessionRole } from './session-role.ts';
import type { H2Stream } from './stream.ts';

/** HTTP/2 towards an upstream. */
export class H2ClientCodec implements ClientCodec, SessionRole {
  readonly protocol = 'HTTP/2';
  readonly isClient = true;
  readonly #handler: ClientCodecHandler;
  readonly #session: H2Session;
  readonly #maxStreams: number;
  #nextStreamId = 1;
  #hasSettings = false;
  #isGoingAway = false;

  constructor(options: H2Options, io: H2Io, handler: ClientCodecHandler) {
    this.#handler = handler;
    this.#maxStreams = options.protocol.maxConcurrentStreams;
    this.#session = new H2Session({ options, io, role: this, flushTimeoutMs: 0 });
  }

  get activeStreams(): number {
    return this.#session.streams.size + this.#session.unsent.size;
  }

  get availableStreams(): number {
    if (this.isGoingAway) return 0;
    const limit = this.peerStreamLimit;
    const most = limit < 0 ? this.#maxStreams : Math.min(limit, this.#maxStreams);
    return Math.max(0, most - this.activeStreams);
  }

  get peerStreamLimit(): number {
    if (!this.#hasSettings) return -1;
    const said = this.#session.peerSettings.maxConcurrentStreams;
    return said < 0 ? MAX_31_BITS : said;
  }

  get isGoingAway(): boolean {
    return this.#isGoingAway || this.#session.isDone || this.#nextStreamId > MAX_31_BITS;
  }

  openStream(receiver: ResponseReceiver): RequestSender {
    this.#session.begin();
    const stream = this.#session.createStream(receiver);
    this.#session.unsent.add(stream);
    return stream;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#session.onBytes(buffer, start, end);
  }

  onEnd(): void {
    if (this.#session.isDone) return;
    this.#session.onGone('upstream closed the connection');
    this.#handler.onConnectionDone({ kind: 'peer-closed' });
  }

  onClose(detail: string): void {
    this.#session.onGone(detail);
  }

  onDrain(): void {
    this.#session.onDrain();
  }

  isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextStreamId;
  }

  judgeLate(): ProtocolError | null {
    // Whatever a server says on a stream of ours that is over, it may have said before it knew.
    return null;
  }

  onBlockStart(): ProtocolError | null {
    return null;
  }

  onNewBlock(facts: BlockFacts): ProtocolError | null {
    if (this.isIdle(facts.streamId)) return H2_ERROR.idleStream;
    this.#session.io.counters.headersCbNoStream.inc();
    return null;
  }

  onBlock(stream: H2Stream, endStream: boolean): ProtocolError | null {
    const session = this.#session;
    if (stream.isHeadReceived) return takeTrailers(session, stream, endStream);
    const head = session.decoder.takeResponse();
    if (!(head instanceof ResponseHead)) return rejectMessage(session, stream, head);
    return head.status < 200
      ? this.#inform(stream, head, endStream)
      : this.#begin(stream, head, endStream);
  }

  settle(stream: H2Stream): void {
    if (!stream.isEndDelivered || (stream.isTunnel && !stream.isLocalClosed)) return;
    // As Envoy 1.40: the request that its answer did not wait for is given up.
    if (stream.isLocalClosed) {
      this.#session.complete(stream);
      return;
    }
    this.#session.sendReset(stream, H2_CODE.internalError);
    this.#session.abandon(stream);
  }

  onRemoteReset(): ProtocolError | null {
    return null;
  }

  onErrorReset(): ProtocolError | null {
    return null;
  }

  onBrokenMessage(stream: H2Stream): void {
    this.#session.end(stream, 'local-reset', 'content-length mismatch');
  }

  onStreamOver(reason: ResetReason | null, _receiver: StreamReceiver | null): void {
    this.#handler.onStreamClosed(reason);
    this.#endIfGone();
  }

  onGoaway(lastStreamId: number): void {
    const session = this.#session;
    if (!this.#isGoingAway) {
      this.#isGoingAway = true;
      this.#handler.onCapacityChanged();
    }
    for (const stream of [...session.streams.values(), ...session.unsent]) {
      // RFC 9113 §6.8: not processed in any way, so safe to be sent anew.
      const isRefused = stream.id === 0 || stream.id > lastStreamId;
      if (isRefused) session.end(stream, 'remote-refused', 'http2.goaway');
    }
    this.#endIfGone();
  }

  onSettings(): void {
    this.#hasSettings = true;
    if (!this.isGoingAway) this.#handler.onCapacityChanged();
  }

  onDone(reason: CodecDone): void {
    this.#handler.onConnectionDone(reason);
  }

  writeResponseHead(): void {
    // A client sends no responses.
  }

  writeRequestHead(stream: H2Stream, head: RequestHead, endStream: boolean): void {
    const session = this.#session;
    const { encoder, writer } = session;
    session.unsent.delete(stream);
    session.openStream(stream, this.#nextStreamId);
    this.#nextStreamId += 2;
    stream.isHeadRequest = head.method === 'HEAD';
    stream.asksForTunnel = head.asksForTunnel;
    stream.upgrade = head.upgrade;
    stream.websocketKey = websocketKey(head);
    const meaning = stream.asksForTunnel ? 'none' : 'own';
    stream.lengthToSend = outgoingLength(head.headers, meaning, endStream);
    encoder.encodeRequest(head);
    const octets = writer.headers(stream.id, encoder, endStream);
    stream.wireBytesSent += octets;
    stream.headerBytesSent += octets;
    if (INVARIANTS) session.checkInvariants();
  }

  #inform(stream: H2Stream, head: ResponseHead, endStream: boolean): ProtocolError | null {
    if (endStream) return rejectMessage(this.#session, stream, H2_MESSAGE_ERROR.informational);
    stream.informationalCount += 1;
    if (stream.informationalCount > MAX_INFORMATIONAL) {
      return rejectMessage(this.#session, stream, H2_MESSAGE_ERROR.tooManyInformational);
    }
    const { status } = head;
    if (isRelayedInformational(status))
      (stream.receiver as ResponseReceiver | null)?.onInformational(head);
    return null;
  }

  #begin(stream: H2Stream, head: ResponseHead, endStream: boolean): ProtocolError | null {
    const session = this.#session;
    const { contentLength } = session.decoder;
    const { status } = head;
    stream.isHeadReceived = true;
    if (stream.asksForTunnel) agreeToTunnel(stream, head);
    const isContentless = stream.isHeadRequest || status === 204 || status === 304;
    if (isContentless) stream.lengthToCome = 0;
    else if (!stream.isTunnel) stream.lengthToCome = contentLength;
    if (endStream && stream.lengthToCome > 0) {
      return rejectMessage(session, stream, H2_MESSAGE_ERROR.noContent);
    }
    if (endStream) stream.closeRemote();
    stream.isEndDelivered = endStream;
    (stream.receiver as ResponseReceiver | null)?.onResponseHead(head, endStream);
    if (endStream) session.onEndDelivered(stream);
    return null;
  }

  #endIfGone(): void {
    if (!this.#isGoingAway || this.activeStreams > 0) return;
    this.#session.finish({ kind: 'message-end' });
  }
}

/** RFC 8441 §5: the 200 that agrees to an upgrade is what HTTP/1.1 calls 101. */
function agreeToTunnel(stream: H2Stream, head: ResponseHead): void {
  const { status } = head;
  stream.isTunnel = stream.upgrade === '' ? status < 300 : status === 200;
  if (!stream.isTunnel || stream.upgrade === '') return;
  head.status = 101;
  head.headers.setKnown(HEADER_ID.connection, 'upgrade');
  head.headers.setKnown(HEADER_ID.upgrade, stream.upgrade);
  if (stream.websocketKey !== '') addAccept(head.headers, stream.websocketKey);
}
