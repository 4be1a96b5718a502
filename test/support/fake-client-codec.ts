// A client codec for a protocol of one letter, to drive pools without HTTP: `R` is a whole
// response, `C` a whole response that ends the connection, anything else breaks the protocol.
import assert from 'node:assert/strict';
import type {
  ByteSink,
  ClientCodec,
  ClientCodecHandler,
  CodecDone,
} from '../../proxy/http/codec.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { ResponseHead } from '../../proxy/http/message.ts';
import type { RequestSender, ResetReason, ResponseReceiver } from '../../proxy/http/stream.ts';
import type { ClientCodecFactory } from '../../proxy/upstream/upstream-context.ts';
import { FakeMultiplexCodec } from './fake-multiplex-codec.ts';

const BROKEN: CodecDone = {
  kind: 'protocol-error',
  error: { scope: 'connection', status: 502, h2Code: 0, details: 'fake', reason: 'fake' },
};

/** See the file's head. */
export class FakeClientCodec implements ClientCodec, RequestSender {
  readonly wireBytesSent = 0;
  readonly wireBytesReceived = 0;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  readonly protocol = 'HTTP/1.1';
  readonly peerStreamLimit = 1;
  readonly #sink: ByteSink;
  readonly #handler: ClientCodecHandler;
  #receiver: ResponseReceiver | null = null;
  #isSpent = false;

  constructor(sink: ByteSink, handler: ClientCodecHandler) {
    this.#sink = sink;
    this.#handler = handler;
  }

  get activeStreams(): number {
    return this.#receiver === null ? 0 : 1;
  }

  get availableStreams(): number {
    return this.#receiver === null && !this.#isSpent ? 1 : 0;
  }

  get isGoingAway(): boolean {
    return this.#isSpent;
  }

  openStream(receiver: ResponseReceiver): RequestSender {
    assert.equal(this.availableStreams, 1, 'openStream() needs an available stream');
    this.#receiver = receiver;
    this.#sink.writeText('Q');
    return this;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    for (const letter of buffer.toString('latin1', start, end)) this.#onLetter(letter);
  }

  onEnd(): void {
    this.#isSpent = true;
    this.#reset('connection-termination');
    this.#handler.onConnectionDone({ kind: 'peer-closed' });
  }

  onClose(detail: string): void {
    this.#isSpent = true;
    this.#reset('connection-termination', detail);
  }

  onDrain(): void {
    this.#receiver?.onWritable();
  }

  /** Gives the stream up: HTTP/1.1 cannot without its connection. */
  reset(): void {
    this.#receiver = null;
    this.#isSpent = true;
    this.#handler.onStreamClosed('local-reset');
    this.#handler.onConnectionDone({ kind: 'reset' });
  }

  sendRequestHead(): void {
    this.#sink.writeText('H');
  }

  sendData(): boolean {
    return true;
  }

  sendTrailers(): void {
    assert.fail('trailers are not expected');
  }

  pauseReading(): void {
    this.#sink.pauseReading();
  }

  resumeReading(): void {
    this.#sink.resumeReading();
  }

  #onLetter(letter: string): void {
    const receiver = this.#receiver;
    if (this.#isSpent) return;
    if (receiver === null || (letter !== 'R' && letter !== 'C')) {
      this.#isSpent = true;
      this.#reset('protocol-error');
      this.#handler.onConnectionDone(BROKEN);
      return;
    }
    this.#isSpent = letter === 'C';
    this.#receiver = null;
    receiver.onResponseHead(new ResponseHead(200, HeaderList.empty()), true);
    this.#handler.onStreamClosed(null);
    // The handler may have put the next stream on it: a pool that does so here would take the
    // following letters for its response.
    if (this.#isSpent) this.#handler.onConnectionDone({ kind: 'message-end' });
  }

  #reset(reason: ResetReason, detail = ''): void {
    const receiver = this.#receiver;
    if (receiver === null) return;
    this.#receiver = null;
    receiver.onReset(reason, detail);
    this.#handler.onStreamClosed(reason);
  }
}

/** Makes the fakes of both protocols. */
export const FAKE_CODECS: ClientCodecFactory = {
  create: (setup, sink, handler) =>
    setup.protocol === 'http1'
      ? new FakeClientCodec(sink, handler)
      : new FakeMultiplexCodec(setup.http.http2.maxConcurrentStreams, sink, handler),
};
