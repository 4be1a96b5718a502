// A server's HTTP/1.1 connection without the socket: requests in, one at a time, responses out.
// Bytes behind a request wait until it is answered; after an error nothing more is parsed.
import { Edges, INVARIANTS, invariant } from '../../base/invariants.ts';
import type { ByteSink, CodecDone, ServerCodec, ServerCodecHandler } from '../codec.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { BodyDecoder } from './body-decoder.ts';
import { EmptyLines } from './empty-lines.ts';
import { H1_ERROR } from './errors.ts';
import { HeldBytes } from './held-bytes.ts';
import { MessageWriter } from './message-writer.ts';
import type { H1ServerOptions } from './options.ts';
import { ReadGate } from './read-gate.ts';
import { RequestDecoder } from './request-decoder.ts';
import { H1ServerStream, type ServerStreamOwner } from './server-stream.ts';
import { createTrailerReader } from './trailers.ts';

const NO_BYTES = Buffer.alloc(0);

/**
 * - `idle`: no request; empty lines are skipped.
 * - `head`, `body`: inside a request.
 * - `answering`: the request is complete, the response is not.
 * - `broken`: a protocol error was reported; what arrives is dropped, a response may still leave.
 * - `done`: the handler was told to close the connection, or it is closed.
 */
type State = 'idle' | 'head' | 'body' | 'answering' | 'broken' | 'done';

const EDGES = new Edges<State>('server codec', {
  idle: ['head', 'done'],
  head: ['body', 'answering', 'broken', 'done'],
  body: ['answering', 'broken', 'done'],
  answering: ['idle', 'done'],
  broken: ['done'],
  done: [],
});

/** HTTP/1.0 and HTTP/1.1 for a listener. */
export class H1ServerCodec implements ServerCodec, ServerStreamOwner {
  readonly protocol = 'HTTP/1.1';
  readonly writer: MessageWriter;
  readonly isProperCase: boolean;
  readonly enableTrailers: boolean;
  readonly #sink: ByteSink;
  readonly #gate: ReadGate;
  readonly #handler: ServerCodecHandler;
  readonly #decoder: RequestDecoder;
  readonly #body: BodyDecoder;
  readonly #emptyLines = new EmptyLines();
  readonly #held = new HeldBytes();
  #state: State = 'idle';
  #stream: H1ServerStream | null = null;
  #error: ProtocolError | null = null;
  #isParsing = false;
  #isDraining = false;

  constructor(options: H1ServerOptions, sink: ByteSink, handler: ServerCodecHandler) {
    this.#sink = sink;
    this.#gate = new ReadGate(sink);
    this.#handler = handler;
    this.isProperCase = options.headerKeyFormat === 'proper-case';
    this.enableTrailers = options.enableTrailers;
    this.writer = new MessageWriter(sink);
    this.#decoder = new RequestDecoder(options);
    this.#body = new BodyDecoder(createTrailerReader(options, options.headersWithUnderscores));
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  /** Fields dropped because of an underscore in their name, over all requests. */
  get droppedHeadersWithUnderscores(): number {
    return this.#decoder.reader.fields.dropped;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#held.isEmpty) this.#parse(buffer, start, end);
    else this.#hold(buffer, start, end);
    if (INVARIANTS) this.checkInvariants();
  }

  onEnd(): void {
    const stream = this.#stream;
    if (stream?.isTunnel === true && !stream.isRequestComplete) {
      this.#endTunnelRequest(stream);
      return;
    }
    // As Envoy: a client that closes its half is gone; nobody waits for the answer.
    this.#abandon('client closed the connection');
    this.#finish({ kind: 'peer-closed' });
    if (INVARIANTS) this.checkInvariants();
  }

  onClose(detail: string): void {
    this.#enter('done');
    this.#held.clear();
    this.#abandon(detail);
    if (INVARIANTS) this.checkInvariants();
  }

  onDrain(): void {
    const stream = this.#stream;
    if (stream === null || !stream.isBlocked) return;
    stream.isBlocked = false;
    stream.receiver?.onWritable();
  }

  announceDrain(): void {
    // HTTP/1.1 says it with the last response.
  }

  drain(): void {
    this.#isDraining = true;
    if (this.#stream === null) this.#finish({ kind: 'message-end' });
    else this.#stream.isLast = true;
    if (INVARIANTS) this.checkInvariants();
  }

  isWritable(): boolean {
    return this.#sink.isWritable();
  }

  onPauseChange(): void {
    this.#updateReading();
    if (INVARIANTS) this.checkInvariants();
  }

  onResponseEnd(stream: H1ServerStream): void {
    stream.isResponseComplete = true;
    if (stream.isTunnel && !stream.isRequestComplete) {
      this.#sink.halfClose();
      return;
    }
    const isReusable = stream.isRequestComplete && !stream.isLast && !this.#isDraining;
    const isIntact = this.writer.isIntact;
    this.#closeStream(stream);
    if (!isIntact) this.#finish({ kind: 'reset' });
    else if (!isReusable || this.#error !== null) this.#finish({ kind: 'message-end' });
    else this.#next();
    if (INVARIANTS) this.checkInvariants();
  }

  onStreamReset(stream: H1ServerStream): void {
    this.#closeStream(stream);
    this.#finish({ kind: 'reset' });
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const state = this.#state;
    const stream = this.#stream;
    const isOpen = state !== 'idle' && state !== 'done';
    invariant((stream !== null) === isOpen, 'server codec: a stream is open inside an exchange');
    invariant(stream === null || stream.owner === this, 'server codec: an open stream is attached');
    if (state === 'body' || state === 'answering') {
      const isComplete = stream?.isRequestComplete === (state === 'answering');
      invariant(isComplete, 'server codec: a request that is complete is answered');
    }
    if (state === 'done' || this.#isParsing) return;
    const holds = !this.#held.isEmpty;
    invariant(!holds || state === 'answering', 'server codec: only pipelined bytes are held back');
    invariant(
      this.#gate.isOpen === this.#shouldRead(),
      'server codec: who holds back does not read',
    );
  }

  #enter(next: State): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
  }

  /** Goes on with the next request: in the running loop, or with what was held back. */
  #next(): void {
    if (this.#state === 'done') return;
    this.#enter('idle');
    this.#emptyLines.reset();
    const held = this.#held;
    if (!this.#isParsing && !held.isEmpty) this.#parse(held.buffer, held.start, held.end);
    this.#updateReading();
  }

  #parse(buffer: Buffer, start: number, end: number): void {
    this.#isParsing = true;
    let at = start;
    while (at < end && this.#state !== 'answering') at = this.#step(buffer, at, end);
    this.#isParsing = false;
    const held = this.#held;
    if (buffer === held.buffer) held.start = at;
    else if (at < end) this.#hold(buffer, at, end);
    if (held.isEmpty) held.clear();
  }

  #step(buffer: Buffer, at: number, end: number): number {
    switch (this.#state) {
      case 'idle':
        return this.#idle(buffer, at);
      case 'head':
        return this.#head(buffer, at, end);
      case 'body':
        return this.#content(buffer, at, end);
      default:
        return end;
    }
  }

  #idle(buffer: Buffer, at: number): number {
    const lines = this.#emptyLines;
    if (!lines.take(buffer[at]!)) {
      this.#open();
      return at;
    }
    if (lines.error !== null) this.#refuse(lines.error);
    return at + 1;
  }

  #open(): void {
    const stream = new H1ServerStream(this);
    this.#stream = stream;
    this.#enter('head');
    this.#decoder.reset();
    this.writer.reset();
    stream.receiver = this.#handler.onStream(stream);
  }

  #refuse(error: ProtocolError): void {
    this.#open();
    this.#fail(error);
  }

  #fail(error: ProtocolError): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#enter('broken');
    this.#error = error;
    this.#held.clear();
    stream.isLast = true;
    this.#updateReading();
    stream.receiver?.onProtocolError(error);
  }

  #head(buffer: Buffer, from: number, end: number): number {
    const decoder = this.#decoder;
    const at = decoder.read(buffer, from, end);
    if (this.#stream !== null)
      this.#stream.wireBytesReceived += (decoder.error === null ? at : end) - from;
    if (decoder.reader.isComplete) this.#begin();
    else if (decoder.error !== null) this.#fail(decoder.error);
    return at;
  }

  #begin(): void {
    const decoder = this.#decoder;
    const head = decoder.take();
    const stream = this.#stream;
    if (stream === null) return;
    if (head === null) {
      this.#fail(decoder.error ?? H1_ERROR.requestLine);
      return;
    }
    decoder.reader.release();
    stream.begin(head, decoder);
    const { framing } = decoder;
    const kind = stream.tunnelKind === 'none' ? framing.requestBody : 'until-close';
    this.#body.start(kind, framing.contentLength);
    stream.isRequestComplete = this.#body.isComplete;
    this.#enter(stream.isRequestComplete ? 'answering' : 'body');
    stream.receiver?.onRequestHead(head, stream.isRequestComplete);
  }

  #content(buffer: Buffer, from: number, end: number): number {
    const body = this.#body;
    const stream = this.#stream;
    if (stream === null || stream.isRefused) return end;
    const at = body.decode(buffer, from, end);
    stream.wireBytesReceived += (body.error === null ? at : end) - from;
    const isComplete = body.isComplete;
    const trailers = isComplete && this.enableTrailers ? body.takeTrailers() : null;
    if (isComplete) {
      stream.isRequestComplete = true;
      this.#enter('answering');
    }
    const endsWithData = isComplete && trailers === null;
    if (body.dataEnd > body.dataStart || endsWithData) {
      stream.receiver?.onData(buffer.subarray(body.dataStart, body.dataEnd), endsWithData);
    }
    if (trailers !== null) {
      stream.headerBytesReceived += body.trailerOctets;
      stream.receiver?.onTrailers(trailers);
    }
    if (body.error !== null && this.#stream === stream) this.#fail(body.error);
    return at;
  }

  /** The client ended its side of a tunnel; ours may go on. */
  #endTunnelRequest(stream: H1ServerStream): void {
    stream.isRequestComplete = true;
    this.#enter('answering');
    stream.receiver?.onData(NO_BYTES, true);
    if (this.#stream === stream && stream.isResponseComplete) this.onResponseEnd(stream);
    if (INVARIANTS) this.checkInvariants();
  }

  #hold(buffer: Buffer, from: number, end: number): void {
    const stream = this.#stream;
    // RFC 9112 §9.6: nothing is read behind the last request.
    if (stream === null || stream.isLast) return;
    if (!this.#held.append(buffer, from, end)) {
      this.#held.clear();
      this.#error = H1_ERROR.pipelineOverflow;
      stream.isLast = true;
    }
    this.#updateReading();
  }

  #closeStream(stream: H1ServerStream): void {
    const receiver = stream.receiver;
    stream.owner = null;
    stream.receiver = null;
    this.#stream = null;
    this.#handler.onStreamClosed();
    receiver?.onClosed();
  }

  #abandon(detail: string): void {
    const stream = this.#stream;
    if (stream === null) return;
    const receiver = stream.receiver;
    stream.owner = null;
    stream.receiver = null;
    this.#stream = null;
    receiver?.onReset('connection-termination', detail);
    this.#handler.onStreamClosed();
  }

  /** `done` counts unless the client broke the protocol. */
  #finish(done: CodecDone): void {
    const error = this.#error;
    if (this.#state === 'done') return;
    this.#enter('done');
    this.#held.clear();
    this.#updateReading();
    this.#handler.onConnectionDone(error === null ? done : { kind: 'protocol-error', error });
  }

  /** Reads on unless something is held back; a connection that ends is read so that FIN is seen. */
  #shouldRead(): boolean {
    if (this.#state === 'done' || this.#state === 'broken') return true;
    return this.#stream?.isPaused !== true && this.#held.isEmpty;
  }

  #updateReading(): void {
    this.#gate.set(this.#shouldRead());
  }
}
