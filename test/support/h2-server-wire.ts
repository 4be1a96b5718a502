// A server's HTTP/2 codec that a test feeds with frames one after the other: requests are kept,
// and answered by the test.
import type { CodecDone } from '../../proxy/http/codec.ts';
import {
  DEFAULT_H2_PROTOCOL_OPTIONS,
  DEFAULT_H2_SERVER_OPTIONS,
  type H2ProtocolOptions,
  type H2ServerOptions,
} from '../../proxy/http/h2/options.ts';
import { H2ServerCodec } from '../../proxy/http/h2/server-codec.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { type RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import type { RequestReceiver, ResponseSender } from '../../proxy/http/stream.ts';
import { FrameReader, frameText, PREFACE, settingsAck, settingsFrame } from './h2-frames.ts';
import { PipeSink } from './h2-pair.ts';
import { FakeServices, fakeH2Counters } from './h2-services.ts';

/** One request that arrived, and the sender of its answer. */
export class WireRequest implements RequestReceiver {
  readonly sender: ResponseSender;
  head: RequestHead | null = null;
  body = '';
  isComplete = false;
  reset = '';
  writable = 0;
  closed = 0;

  constructor(sender: ResponseSender) {
    this.sender = sender;
  }

  /** Answers with a head and content. */
  answer(body: string, endStream = true): boolean {
    this.sender.sendResponseHead(new ResponseHead(200, HeaderList.empty()), false);
    return this.sender.sendData(Buffer.from(body, 'latin1'), endStream);
  }

  onRequestHead(head: RequestHead, endStream: boolean): void {
    this.head = head;
    this.isComplete = endStream;
  }
  onData(data: Buffer, endStream: boolean): void {
    this.body += data.toString('latin1');
    this.isComplete = endStream;
  }
  onTrailers(): void {
    this.isComplete = true;
  }
  onReset(reason: string, detail: string): void {
    this.reset = `${reason} ${detail}`;
  }
  onProtocolError(): void {}
  onWritable(): void {
    this.writable += 1;
  }
  onClosed(): void {
    this.closed += 1;
  }
}

/** See the file's head. */
export class ServerWire {
  readonly services = new FakeServices();
  readonly counters = fakeH2Counters();
  readonly sink: PipeSink;
  readonly codec: H2ServerCodec;
  readonly requests: WireRequest[] = [];
  done: CodecDone | null = null;
  closedStreams = 0;
  /** Called for each request before anything of it is told. */
  onRequest: ((request: WireRequest) => void) | null = null;
  readonly #frames = new FrameReader();

  constructor(
    protocol: Partial<H2ProtocolOptions> = {},
    options: Partial<H2ServerOptions> & { readonly highWater?: number } = {},
  ) {
    this.sink = new PipeSink(options.highWater);
    this.codec = new H2ServerCodec(
      {
        ...DEFAULT_H2_SERVER_OPTIONS,
        ...options,
        protocol: { ...DEFAULT_H2_PROTOCOL_OPTIONS, ...protocol },
      },
      { sink: this.sink, services: this.services, counters: this.counters },
      {
        onStream: (sender) => {
          const request = new WireRequest(sender);
          this.requests.push(request);
          this.onRequest?.(request);
          return request;
        },
        onStreamClosed: () => {
          this.closedStreams += 1;
        },
        onConnectionDone: (reason) => {
          this.done = reason;
        },
      },
    );
  }

  /** Sends the preface and SETTINGS with these, takes the greeting away. */
  greet(settings: readonly (readonly [number, number])[] = []): this {
    this.send(PREFACE, settingsFrame(settings), settingsAck());
    this.frames();
    return this;
  }

  /** Frames arrive in one read. */
  send(...frames: readonly Buffer[]): void {
    const all = Buffer.concat(frames);
    this.codec.onBytes(all, 0, all.length);
  }

  /** What was written since, as text; the sink is empty then. */
  frames(): string[] {
    const frames = this.#frames.read(this.sink.take()).map(frameText);
    if (this.sink.wantsDrain) {
      this.sink.wantsDrain = false;
      this.codec.onDrain();
    }
    return frames;
  }

  /** The details of the error that ended the connection; '' while it lives. */
  get failure(): string {
    return this.done?.kind === 'protocol-error' ? this.done.error.details : (this.done?.kind ?? '');
  }
}
