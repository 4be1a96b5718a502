// A server codec without a wire: a test opens its streams and hears what became of them. It carries
// any number of them, as HTTP/2 does.
import type {
  ByteSink,
  CodecDone,
  ServerCodec,
  ServerCodecHandler,
} from '../../proxy/http/codec.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { type Protocol, RequestHead, type ResponseHead } from '../../proxy/http/message.ts';
import type { RequestReceiver, ResetReason, ResponseSender } from '../../proxy/http/stream.ts';

const MESSAGE_END: CodecDone = { kind: 'message-end' };

/** One exchange. */
export class FakeServerStream implements ResponseSender {
  wireBytesSent = 0;
  wireBytesReceived = 0;
  headerBytesSent = 0;
  headerBytesReceived = 0;
  /** Statuses of 1xx, and then of the response. */
  readonly statuses: number[] = [];
  body = '';
  /** The response is complete. */
  isEnded = false;
  /** Why we gave it up; null: we did not. */
  resetBy: ResetReason | null = null;
  asksToClose = false;
  readonly #codec: FakeServerCodec;
  #receiver: RequestReceiver | null = null;

  constructor(codec: FakeServerCodec) {
    this.#codec = codec;
  }

  /** Neither complete nor given up. */
  get isOpen(): boolean {
    return this.#receiver !== null;
  }

  /** The client's events go to `receiver`. */
  begin(receiver: RequestReceiver): void {
    this.#receiver = receiver;
  }

  /** The client's head. */
  head(path: string, endStream: boolean, ...fields: string[]): this {
    const target = { path, authority: 'a.test', scheme: 'http' };
    const method = endStream ? 'GET' : 'POST';
    const head = new RequestHead('HTTP/2', method, target, HeaderList.of(...fields));
    this.#receiver?.onRequestHead(head, endStream);
    return this;
  }

  /** The client's content. */
  data(text: string, endStream: boolean): void {
    this.#receiver?.onData(Buffer.from(text), endStream);
  }

  /** The client gives it up, or its codec does. */
  end(reason: ResetReason, detail = ''): void {
    const receiver = this.#receiver;
    if (receiver === null) return;
    this.#forget();
    receiver.onReset(reason, detail);
    this.#codec.onStreamOver();
  }

  /** What is written has arrived, and nothing of the request is awaited. */
  close(): void {
    const receiver = this.#receiver;
    if (receiver === null) return;
    this.#forget();
    receiver.onClosed();
    this.#codec.onStreamOver();
  }

  sendInformational(head: ResponseHead): void {
    this.statuses.push(head.status);
  }

  sendResponseHead(head: ResponseHead, endStream: boolean): void {
    this.statuses.push(head.status);
    if (endStream) this.#end();
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    this.body += data.toString('latin1');
    if (endStream) this.#end();
    return true;
  }

  sendTrailers(): void {
    this.#end();
  }

  reset(reason: ResetReason): void {
    if (this.#receiver === null) return;
    this.resetBy = reason;
    this.#forget();
    this.#codec.onStreamOver();
  }

  pauseReading(): void {
    // Nothing is read.
  }

  resumeReading(): void {
    // Nothing is read.
  }

  handOver(receiver: RequestReceiver): void {
    this.#receiver = receiver;
  }

  closeAfterResponse(): void {
    this.asksToClose = true;
  }

  #end(): void {
    this.isEnded = true;
    if (!this.#codec.isSlow) this.close();
  }

  #forget(): void {
    this.#receiver = null;
    this.#codec.activeStreams -= 1;
  }
}

/** See the file's head. */
export class FakeServerCodec implements ServerCodec {
  readonly protocol: Protocol;
  readonly droppedHeadersWithUnderscores = 0;
  readonly handler: ServerCodecHandler;
  activeStreams = 0;
  /** True: a complete response waits for `close()`. */
  isSlow = false;
  /** What came in, as latin1 text. */
  received = '';
  /** `announce` and `drain`, in order. */
  readonly calls: string[] = [];
  readonly #sink: ByteSink;

  constructor(protocol: Protocol, sink: ByteSink, handler: ServerCodecHandler) {
    this.protocol = protocol;
    this.#sink = sink;
    this.handler = handler;
  }

  /** A client opens a stream. */
  open(): FakeServerStream {
    const stream = new FakeServerStream(this);
    this.activeStreams += 1;
    stream.begin(this.handler.onStream(stream));
    return stream;
  }

  /** One of its streams is over. */
  onStreamOver(): void {
    this.handler.onStreamClosed();
    if (this.calls.includes('drain') && this.activeStreams === 0) this.done(MESSAGE_END);
  }

  /** The codec has enough of the connection. */
  done(reason: CodecDone): void {
    this.handler.onConnectionDone(reason);
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.received += buffer.toString('latin1', start, end);
  }

  onEnd(): void {
    this.done({ kind: 'peer-closed' });
  }

  onClose(): void {
    this.calls.push('closed');
  }

  onDrain(): void {
    this.calls.push('drained');
  }

  announceDrain(): void {
    this.calls.push('announce');
  }

  drain(): void {
    this.calls.push('drain');
    this.#sink.writeText('bye');
    if (this.activeStreams === 0) this.done(MESSAGE_END);
  }
}
