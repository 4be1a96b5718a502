// A client's HTTP/1.1 connection without the socket: one request out, its response in. A
// connection about which there is any doubt is never used again.
import { Edges, INVARIANTS, invariant } from '../../base/invariants.ts';
import type { Random } from '../../base/random.ts';
import type { ByteSink, ClientCodec, ClientCodecHandler, CodecDone } from '../codec.ts';
import { isRelayedInformational, MAX_INFORMATIONAL } from '../informational.ts';
import type { ResponseHead } from '../message.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { RequestSender, ResetReason, ResponseReceiver } from '../stream.ts';
import { opensTunnel } from '../tunnel.ts';
import { BodyDecoder } from './body-decoder.ts';
import { type ClientStreamOwner, H1ClientStream } from './client-stream.ts';
import { H1_ERROR } from './errors.ts';
import { isIdleNotice } from './idle-notice.ts';
import { MessageWriter } from './message-writer.ts';
import type { H1ClientOptions } from './options.ts';
import { ReadGate } from './read-gate.ts';
import { ResponseDecoder } from './response-decoder.ts';
import { createTrailerReader } from './trailers.ts';

const NO_BYTES = Buffer.alloc(0);

/**
 * - `idle`: a stream may be opened.
 * - `head`, `body`: waiting for, or inside, a response.
 * - `done`: the handler was told to close the connection, or it is closed.
 */
type State = 'idle' | 'head' | 'body' | 'done';

const EDGES = new Edges<State>('client codec', {
  idle: ['head', 'done'],
  head: ['body', 'done'],
  body: ['idle', 'done'],
  done: [],
});

/** HTTP/1.1 towards an upstream. */
export class H1ClientCodec implements ClientCodec, ClientStreamOwner {
  readonly protocol = 'HTTP/1.1';
  readonly peerStreamLimit = 1;
  readonly writer: MessageWriter;
  readonly isProperCase: boolean;
  readonly enableTrailers: boolean;
  readonly random: Random | null;
  readonly #sink: ByteSink;
  readonly #gate: ReadGate;
  readonly #handler: ClientCodecHandler;
  readonly #decoder: ResponseDecoder;
  readonly #body: BodyDecoder;
  #state: State = 'idle';
  #stream: H1ClientStream | null = null;
  #informational = 0;
  /** The upstream closes behind this response. */
  #isLast = false;

  constructor(options: H1ClientOptions, sink: ByteSink, handler: ClientCodecHandler) {
    this.#sink = sink;
    this.#gate = new ReadGate(sink);
    this.#handler = handler;
    this.isProperCase = options.headerKeyFormat === 'proper-case';
    this.enableTrailers = options.enableTrailers;
    this.random = options.random;
    this.writer = new MessageWriter(sink);
    this.#decoder = new ResponseDecoder(options);
    this.#body = new BodyDecoder(createTrailerReader(options, 'allow'));
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  get availableStreams(): number {
    return this.#state === 'idle' ? 1 : 0;
  }

  get isGoingAway(): boolean {
    return this.#isLast;
  }

  openStream(receiver: ResponseReceiver): RequestSender {
    const stream = new H1ClientStream(this, receiver);
    this.#stream = stream;
    this.#enter('head');
    this.#informational = 0;
    this.#isLast = false;
    this.#decoder.reset();
    this.writer.reset();
    if (INVARIANTS) this.checkInvariants();
    return stream;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#state === 'idle' && start < end) this.#onIdleBytes(buffer, start, end);
    let at = start;
    while (at < end && this.#stream !== null) {
      at = this.#state === 'head' ? this.#head(buffer, at, end) : this.#content(buffer, at, end);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  onEnd(): void {
    const stream = this.#stream;
    if (stream === null) this.#finish({ kind: 'peer-closed' });
    else if (this.#state === 'body') this.#endInBody(stream);
    else if (this.#informational > 0) this.#fail(H1_ERROR.onlyInformational);
    else if (this.#decoder.reader.length > 0) this.#fail(H1_ERROR.truncated);
    else this.#lose('connection-termination', 'upstream closed the connection', PEER_CLOSED);
    if (INVARIANTS) this.checkInvariants();
  }

  onClose(detail: string): void {
    const stream = this.#stream;
    if (stream === null) {
      this.#enter('done');
      return;
    }
    const receiver = stream.receiver;
    // As Envoy: a response that is cut is broken HTTP, one that never began is a lost connection.
    const reason = this.#isCut() ? 'protocol-error' : 'connection-termination';
    this.#enter('done');
    this.#detach(stream);
    receiver?.onReset(reason, detail);
    this.#handler.onStreamClosed(reason);
    if (INVARIANTS) this.checkInvariants();
  }

  onDrain(): void {
    const stream = this.#stream;
    if (stream === null || !stream.isBlocked) return;
    stream.isBlocked = false;
    stream.receiver?.onWritable();
  }

  isWritable(): boolean {
    return this.#sink.isWritable();
  }

  onPauseChange(): void {
    this.#updateReading();
    if (INVARIANTS) this.checkInvariants();
  }

  onRequestEnd(stream: H1ClientStream): void {
    // A request that contradicts its own content-length must not be answered.
    if (!this.writer.isIntact) this.#lose('local-reset', 'content-length mismatch', RESET);
    else if (stream.isTunnel) this.#endTunnelRequest(stream);
    if (INVARIANTS) this.checkInvariants();
  }

  onStreamReset(stream: H1ClientStream): void {
    this.#detach(stream);
    this.#enter('done');
    this.#handler.onStreamClosed('local-reset');
    this.#handler.onConnectionDone(RESET);
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const state = this.#state;
    const stream = this.#stream;
    const isOpen = state === 'head' || state === 'body';
    invariant((stream !== null) === isOpen, 'client codec: a stream is open inside an exchange');
    invariant(stream === null || stream.owner === this, 'client codec: an open stream is attached');
    if (state === 'done') return;
    invariant(
      this.#gate.isOpen === this.#shouldRead(),
      'client codec: only a paused stream is not read',
    );
  }

  #enter(next: State): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
  }

  #onIdleBytes(buffer: Buffer, start: number, end: number): void {
    const isNotice = isIdleNotice(buffer, start, end);
    this.#finish(isNotice ? PEER_CLOSED : { kind: 'protocol-error', error: H1_ERROR.premature });
  }

  #head(buffer: Buffer, from: number, end: number): number {
    const decoder = this.#decoder;
    const stream = this.#stream;
    if (stream?.isHeadSent !== true) {
      this.#fail(H1_ERROR.premature);
      return end;
    }
    const at = decoder.read(buffer, from, end);
    stream.wireBytesReceived += (decoder.error === null ? at : end) - from;
    if (decoder.reader.isComplete) this.#begin(at < end);
    else if (decoder.error !== null) this.#fail(decoder.error);
    return at;
  }

  #begin(isSurplus: boolean): void {
    const stream = this.#stream;
    if (stream === null) return;
    const decoder = this.#decoder;
    const head = decoder.take(stream.isHeadRequest);
    stream.headerBytesReceived += decoder.reader.fieldOctets;
    if (head === null) {
      this.#fail(decoder.error ?? H1_ERROR.statusLine);
    } else if (opensTunnel(stream.tunnelKind, head)) {
      this.#openTunnel(stream, head);
    } else if (head.status < 200) {
      this.#inform(stream, head);
    } else {
      if (decoder.framing.isLast) this.#isLast = true;
      this.#body.start(decoder.body, decoder.framing.contentLength);
      const isComplete = this.#body.isComplete;
      this.#enter('body');
      stream.receiver?.onResponseHead(head, isComplete);
      if (isComplete && this.#stream === stream) this.#complete(stream, isSurplus);
    }
  }

  #openTunnel(stream: H1ClientStream, head: ResponseHead): void {
    if (!stream.agree(head)) {
      this.#fail(H1_ERROR.websocketAccept);
      return;
    }
    this.#isLast = true;
    this.writer.start('until-close', 0);
    this.#body.start('until-close', 0);
    this.#enter('body');
    stream.receiver?.onResponseHead(head, false);
  }

  /** Our side of a tunnel ended; the server's may go on. */
  #endTunnelRequest(stream: H1ClientStream): void {
    if (stream.isResponseComplete) this.#complete(stream, false);
    else this.#sink.halfClose();
  }

  #inform(stream: H1ClientStream, head: ResponseHead): void {
    this.#informational += 1;
    if (head.status === 101) {
      this.#fail(H1_ERROR.switchingProtocols);
      return;
    }
    if (this.#informational > MAX_INFORMATIONAL) {
      this.#fail(H1_ERROR.tooManyInformational);
      return;
    }
    this.#decoder.reset();
    const { status } = head;
    if (isRelayedInformational(status)) stream.receiver?.onInformational(head);
  }

  #content(buffer: Buffer, from: number, end: number): number {
    const body = this.#body;
    const stream = this.#stream;
    const at = body.decode(buffer, from, end);
    if (stream === null) return at;
    stream.wireBytesReceived += (body.error === null ? at : end) - from;
    const isComplete = body.isComplete;
    const trailers = isComplete && this.enableTrailers ? body.takeTrailers() : null;
    const endsWithData = isComplete && trailers === null;
    if (body.dataEnd > body.dataStart || endsWithData) {
      stream.receiver?.onData(buffer.subarray(body.dataStart, body.dataEnd), endsWithData);
    }
    if (trailers !== null) {
      stream.headerBytesReceived += body.trailerOctets;
      stream.receiver?.onTrailers(trailers);
    }
    if (this.#stream !== stream) return end;
    if (body.error !== null) this.#fail(body.error);
    else if (isComplete) this.#complete(stream, at < end);
    return at;
  }

  /** The response is complete; `isSurplus`: bytes follow it that belong to nobody. */
  #complete(stream: H1ClientStream, isSurplus: boolean): void {
    const { isRequestComplete } = stream;
    const isWanted = isRequestComplete && !this.#isLast;
    const isReusable = isWanted && !isSurplus;
    this.#detach(stream);
    this.#enter(isReusable ? 'idle' : 'done');
    this.#updateReading();
    this.#handler.onStreamClosed(null);
    if (isReusable) return;
    // On a connection that ends in any case nobody looks at what follows.
    const atEnd = isWanted ? SURPLUS : MESSAGE_END;
    // The rest of the request never comes.
    this.#handler.onConnectionDone(isRequestComplete ? atEnd : RESET);
  }

  /** Part of the response is there, and by its own framing not all of it. */
  #isCut(): boolean {
    if (this.#state === 'body') return !this.#body.endsWithConnection;
    return this.#decoder.reader.length > 0;
  }

  #endInBody(stream: H1ClientStream): void {
    if (!this.#body.endsWithConnection) {
      this.#fail(H1_ERROR.truncated);
      return;
    }
    this.#isLast = true;
    stream.isResponseComplete = true;
    stream.receiver?.onData(NO_BYTES, true);
    if (this.#stream !== stream) return;
    const mayGoOn = stream.isTunnel && !stream.isRequestComplete;
    if (!mayGoOn) this.#complete(stream, false);
  }

  #fail(error: ProtocolError): void {
    this.#lose('protocol-error', error.details, {
      kind: 'protocol-error',
      error,
    });
  }

  #lose(reason: ResetReason, detail: string, done: CodecDone): void {
    const stream = this.#stream;
    if (stream === null) return;
    const receiver = stream.receiver;
    this.#detach(stream);
    this.#enter('done');
    this.#updateReading();
    receiver?.onReset(reason, detail);
    this.#handler.onStreamClosed(reason);
    this.#handler.onConnectionDone(done);
  }

  #detach(stream: H1ClientStream): void {
    stream.owner = null;
    stream.receiver = null;
    this.#stream = null;
  }

  #finish(done: CodecDone): void {
    if (this.#state === 'done') return;
    this.#enter('done');
    this.#updateReading();
    this.#handler.onConnectionDone(done);
  }

  #shouldRead(): boolean {
    return this.#stream?.isPaused !== true;
  }

  #updateReading(): void {
    this.#gate.set(this.#shouldRead());
  }
}

const PEER_CLOSED: CodecDone = { kind: 'peer-closed' };
const RESET: CodecDone = { kind: 'reset' };
const MESSAGE_END: CodecDone = { kind: 'message-end' };
const SURPLUS: CodecDone = { kind: 'protocol-error', error: H1_ERROR.surplus };
