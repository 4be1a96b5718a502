// A client codec for a protocol of lines that carries many streams, to drive pools without HTTP/2.
// From the server: `L8` lets 8 streams be open, `R3` answers stream 3, `X3` resets it, `F3` refuses
// it, `G3` goes away after stream 3; anything else breaks the protocol. To the server: `Q3` opens
// stream 3, `X3` resets it.
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

const BROKEN: CodecDone = {
  kind: 'protocol-error',
  error: { scope: 'connection', status: 502, h2Code: 1, details: 'fake', reason: 'fake' },
};

/** See the file's head. */
export class FakeMultiplexCodec implements ClientCodec {
  readonly protocol = 'HTTP/2';
  peerStreamLimit = -1;
  isGoingAway = false;
  readonly #maxStreams: number;
  readonly #sink: ByteSink;
  readonly #handler: ClientCodecHandler;
  readonly #streams = new Map<number, FakeStream>();
  #lastId = 0;
  #isDone = false;
  #rest = '';

  constructor(maxStreams: number, sink: ByteSink, handler: ClientCodecHandler) {
    this.#maxStreams = maxStreams;
    this.#sink = sink;
    this.#handler = handler;
  }

  get activeStreams(): number {
    return this.#streams.size;
  }

  get availableStreams(): number {
    if (this.isGoingAway || this.#isDone) return 0;
    const { peerStreamLimit } = this;
    const limit = peerStreamLimit < 0 ? this.#maxStreams : peerStreamLimit;
    return Math.max(0, Math.min(limit, this.#maxStreams) - this.#streams.size);
  }

  openStream(receiver: ResponseReceiver): RequestSender {
    assert.ok(this.availableStreams > 0, 'openStream() needs an available stream');
    this.#lastId += 1;
    const stream = new FakeStream(this.#lastId, receiver, (id) => this.#resetLocally(id));
    this.#streams.set(stream.id, stream);
    this.#sink.writeText(`Q${stream.id}\n`);
    return stream;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    const lines = (this.#rest + buffer.toString('latin1', start, end)).split('\n');
    this.#rest = lines.pop() as string;
    for (const line of lines) if (!this.#isDone) this.#onLine(line);
  }

  onEnd(): void {
    this.#isDone = true;
    this.#resetAll('connection-termination', '');
    this.#handler.onConnectionDone({ kind: 'peer-closed' });
  }

  onClose(detail: string): void {
    this.#isDone = true;
    this.#resetAll('connection-termination', detail);
  }

  onDrain(): void {
    for (const { receiver } of this.#streams.values()) receiver.onWritable();
  }

  #onLine(line: string): void {
    const number = Number(line.slice(1));
    const stream = this.#streams.get(number);
    if (line[0] === 'L') this.#limit(number);
    else if (line[0] === 'G') this.#goAway(number);
    else if (!'RXF'.includes(line[0] ?? '?')) this.#break();
    // As in HTTP/2: the answer to a stream that we have just reset is nobody's.
    else if (stream === undefined) return;
    else if (line[0] === 'R') this.#answer(stream);
    else this.#end(stream, line[0] === 'X' ? 'remote-reset' : 'remote-refused');
  }

  #limit(limit: number): void {
    this.peerStreamLimit = limit;
    this.#handler.onCapacityChanged();
  }

  #goAway(lastId: number): void {
    this.isGoingAway = true;
    this.#handler.onCapacityChanged();
    for (const stream of [...this.#streams.values()]) {
      if (stream.id > lastId) this.#end(stream, 'remote-refused');
    }
  }

  #break(): void {
    this.#isDone = true;
    this.#resetAll('protocol-error', 'fake');
    this.#handler.onConnectionDone(BROKEN);
  }

  #answer(stream: FakeStream): void {
    this.#streams.delete(stream.id);
    stream.receiver.onResponseHead(new ResponseHead(200, HeaderList.empty()), true);
    this.#handler.onStreamClosed(null);
  }

  #end(stream: FakeStream, reason: ResetReason, detail = ''): void {
    if (!this.#streams.delete(stream.id)) return;
    stream.receiver.onReset(reason, detail);
    this.#handler.onStreamClosed(reason);
  }

  #resetAll(reason: ResetReason, detail: string): void {
    for (const stream of [...this.#streams.values()]) this.#end(stream, reason, detail);
  }

  #resetLocally(id: number): void {
    if (!this.#streams.delete(id)) return;
    this.#sink.writeText(`X${id}\n`);
    this.#handler.onStreamClosed('local-reset');
  }
}

class FakeStream implements RequestSender {
  readonly wireBytesSent = 0;
  readonly wireBytesReceived = 0;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  readonly id: number;
  readonly receiver: ResponseReceiver;
  readonly #onReset: (id: number) => void;

  constructor(id: number, receiver: ResponseReceiver, onReset: (id: number) => void) {
    this.id = id;
    this.receiver = receiver;
    this.#onReset = onReset;
  }

  reset(): void {
    this.#onReset(this.id);
  }

  sendRequestHead(): void {}

  sendData(): boolean {
    return true;
  }

  sendTrailers(): void {}

  pauseReading(): void {}

  resumeReading(): void {}
}
