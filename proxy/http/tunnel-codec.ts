// A client's connection that is no HTTP at all: one stream, whose content is the connection's octets.
// What ends a CONNECT here; the response that the client of the tunnel gets is made up.
import { INVARIANTS, invariant } from '../base/invariants.ts';
import type { ByteSink, ClientCodec, ClientCodecHandler, CodecDone } from './codec.ts';
import { HeaderList } from './header-list.ts';
import { type RequestHead, ResponseHead } from './message.ts';
import type { RequestSender, ResetReason, ResponseReceiver } from './stream.ts';
import { tunnelKind } from './tunnel.ts';

const NO_BYTES = Buffer.alloc(0);
const PEER_CLOSED: CodecDone = { kind: 'peer-closed' };
const MESSAGE_END: CodecDone = { kind: 'message-end' };
const RESET: CodecDone = { kind: 'reset' };

/** One connection and its one stream. */
export class TunnelCodec implements ClientCodec, RequestSender {
  readonly protocol = null;
  readonly peerStreamLimit = 1;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  wireBytesSent = 0;
  wireBytesReceived = 0;
  readonly #sink: ByteSink;
  readonly #handler: ClientCodecHandler;
  /** null before the stream, and when it is over. */
  #receiver: ResponseReceiver | null = null;
  #isUsed = false;
  #isDone = false;
  /** Each side goes on when the other has ended; of a POST the request does not. */
  #endsApart = false;
  #isRequestComplete = false;
  #isResponseComplete = false;
  #isBlocked = false;

  constructor(sink: ByteSink, handler: ClientCodecHandler) {
    this.#sink = sink;
    this.#handler = handler;
  }

  get activeStreams(): number {
    return this.#receiver === null ? 0 : 1;
  }

  get availableStreams(): number {
    return this.#isUsed || this.#isDone ? 0 : 1;
  }

  get isGoingAway(): boolean {
    return this.#isUsed;
  }

  openStream(receiver: ResponseReceiver): RequestSender {
    if (INVARIANTS) invariant(this.availableStreams > 0, 'tunnel codec: there is one stream');
    this.#isUsed = true;
    this.#receiver = receiver;
    return this;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#receiver === null) {
      // Nobody was told of this connection yet: what its server says is for nobody.
      this.#finish(PEER_CLOSED);
      return;
    }
    this.wireBytesReceived += end - start;
    this.#receiver.onData(buffer.subarray(start, end), false);
  }

  onEnd(): void {
    const receiver = this.#receiver;
    if (receiver === null) {
      this.#finish(PEER_CLOSED);
      return;
    }
    this.#isResponseComplete = true;
    receiver.onData(NO_BYTES, true);
    if (this.#receiver === null) return;
    if (this.#isRequestComplete) this.#end(null, MESSAGE_END);
    else if (!this.#endsApart) this.#end('local-reset', RESET);
  }

  onClose(detail: string): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    this.#isDone = true;
    if (receiver === null) return;
    receiver.onReset('connection-termination', detail);
    this.#handler.onStreamClosed('connection-termination');
  }

  onDrain(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#receiver?.onWritable();
  }

  /** There is a connection, which is all that was asked for. */
  sendRequestHead(head: RequestHead, endStream: boolean): void {
    this.#endsApart = tunnelKind(head) === 'connect';
    this.#receiver?.onResponseHead(new ResponseHead(200, HeaderList.empty()), false);
    if (endStream) this.#endRequest();
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    if (this.#receiver === null || this.#isRequestComplete) return true;
    this.wireBytesSent += data.length;
    this.#sink.writeBytes(data);
    if (endStream) {
      this.#endRequest();
      return true;
    }
    this.#isBlocked = !this.#sink.isWritable();
    return !this.#isBlocked;
  }

  /** Nothing but octets goes through. */
  sendTrailers(): void {
    this.#endRequest();
  }

  reset(reason: ResetReason): void {
    this.#end(reason, RESET);
  }

  pauseReading(): void {
    if (this.#receiver !== null) this.#sink.pauseReading();
  }

  resumeReading(): void {
    if (this.#receiver !== null) this.#sink.resumeReading();
  }

  #endRequest(): void {
    if (this.#receiver === null || this.#isRequestComplete) return;
    this.#isRequestComplete = true;
    this.#isBlocked = false;
    if (this.#isResponseComplete) this.#end(null, MESSAGE_END);
    else this.#sink.halfClose();
  }

  #end(reason: ResetReason | null, done: CodecDone): void {
    if (this.#receiver === null) return;
    this.#receiver = null;
    this.#handler.onStreamClosed(reason);
    this.#finish(done);
  }

  #finish(done: CodecDone): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#sink.resumeReading();
    this.#handler.onConnectionDone(done);
  }
}
