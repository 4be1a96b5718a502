// Runs an HTTP/2 codec on frames cut in some way and writes down what it said and what it wrote, in
// a form that does not depend on the cuts.
import type { CodecDone } from '../../proxy/http/codec.ts';
import { H2ClientCodec } from '../../proxy/http/h2/client-codec.ts';
import {
  DEFAULT_H2_CLIENT_OPTIONS,
  DEFAULT_H2_PROTOCOL_OPTIONS,
  DEFAULT_H2_SERVER_OPTIONS,
  type H2ProtocolOptions,
} from '../../proxy/http/h2/options.ts';
import { H2ServerCodec } from '../../proxy/http/h2/server-codec.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import type { RequestReceiver, ResponseReceiver, ResponseSender } from '../../proxy/http/stream.ts';
import { FrameReader, frameText, PREFACE, settingsAck, settingsFrame, TYPE } from './h2-frames.ts';
import { PipeSink } from './h2-pair.ts';
import { type FakeH2Counters, FakeServices, fakeH2Counters } from './h2-services.ts';

/** Offsets at which an input is cut into reads, in rising order. */
export type H2Cuts = readonly number[];

/** What a codec said, wrote and counted. */
export interface H2Transcript {
  /** A line per stream, in the order in which they ended, and one for the connection's end. */
  readonly lines: readonly string[];
  /** Frames behind the first SETTINGS, WINDOW_UPDATE and acknowledgement. */
  readonly frames: readonly string[];
  readonly counters: FakeH2Counters;
  readonly outputBytes: number;
}

/** How an input is run. */
export interface H2Run {
  readonly protocol?: Partial<H2ProtocolOptions>;
  readonly maxHeadBytes?: number;
  readonly headersWithUnderscores?: 'allow' | 'reject' | 'drop';
  readonly cuts?: H2Cuts;
  /** When the server answers `ok`: at the head, at the request's end (default), or never. */
  readonly answer?: 'head' | 'end' | 'never';
  /** False: the input begins with the preface itself. */
  readonly isGreeted?: boolean;
  /** Writes fields down too. */
  readonly fields?: boolean;
}

const CLIENT_GREETING = Buffer.concat([PREFACE, settingsFrame(), settingsAck()]);
const SERVER_GREETING = Buffer.concat([settingsFrame(), settingsAck()]);

/** One message on its way in. */
class Incoming {
  text = '';
  body = '';
  isComplete = false;
  readonly run: H2Run;

  constructor(run: H2Run) {
    this.run = run;
  }

  fields(list: HeaderList): string {
    if (this.run.fields !== true) return '';
    return ` (${list.toFieldLines().slice(0, -2).replaceAll('\r\n', '|')})`;
  }

  data(data: Buffer, endStream: boolean): void {
    if (this.isComplete) throw new Error('content behind the end');
    if (data.length === 0 && !endStream) throw new Error('empty content');
    this.body += data.toString('latin1');
    this.isComplete = endStream;
  }

  trailers(list: HeaderList): void {
    if (this.isComplete) throw new Error('trailers behind the end');
    this.body += `{${list.toFieldLines().trim()}}`;
    this.isComplete = true;
  }

  line(note: string): string {
    const body = this.body === '' ? '' : ` [${this.body}]`;
    return `${this.text}${body}${this.isComplete ? '' : '…'}${note}`;
  }
}

class Request implements RequestReceiver {
  readonly #lines: string[];
  readonly #sender: ResponseSender;
  readonly #message: Incoming;
  #isOver = false;

  constructor(lines: string[], sender: ResponseSender, run: H2Run) {
    this.#lines = lines;
    this.#sender = sender;
    this.#message = new Incoming(run);
  }

  onRequestHead(head: RequestHead, endStream: boolean): void {
    const fields = this.#message.fields(head.headers);
    const upgrade = head.upgrade === '' ? '' : ` (${head.upgrade})`;
    this.#message.text = `${head.method} ${head.path} @${head.authority}${upgrade}${fields}`;
    this.#message.isComplete = endStream;
    this.#answer(this.#message.run.answer === 'head' || endStream);
  }

  onData(data: Buffer, endStream: boolean): void {
    this.#message.data(data, endStream);
    this.#answer(endStream);
  }

  onTrailers(list: HeaderList): void {
    this.#message.trailers(list);
    this.#answer(true);
  }

  onReset(reason: string, detail: string): void {
    this.#end(` ${reason} ${detail}`);
  }

  onProtocolError(): void {
    throw new Error('HTTP/2 resets instead');
  }

  onWritable(): void {}

  onClosed(): void {
    this.#end('');
  }

  /** Behind the run. */
  finish(): void {
    if (!this.#isOver) this.#end(' open');
  }

  #answer(isDue: boolean): void {
    if (!isDue || this.#message.run.answer === 'never') return;
    this.#sender.sendResponseHead(new ResponseHead(200, HeaderList.empty()), false);
    this.#sender.sendData(Buffer.from('ok'), true);
  }

  #end(note: string): void {
    if (this.#isOver) throw new Error('two ends');
    this.#isOver = true;
    this.#lines.push(this.#message.line(note).trimStart());
  }
}

/** Runs a server's codec. */
export function h2ServerTranscript(input: Buffer, run: H2Run = {}): H2Transcript {
  const lines: string[] = [];
  const requests: Request[] = [];
  const services = new FakeServices();
  const counters = fakeH2Counters();
  const sink = new PipeSink();
  let opened = 0;
  let closed = 0;
  const codec = new H2ServerCodec(
    { ...DEFAULT_H2_SERVER_OPTIONS, ...run, protocol: protocolOf(run) },
    { sink, services, counters },
    {
      onStream: (sender) => {
        opened += 1;
        const request = new Request(lines, sender, run);
        requests.push(request);
        return request;
      },
      onStreamClosed: () => {
        closed += 1;
      },
      onConnectionDone: (reason) => {
        if (opened !== closed) throw new Error(`done with ${opened - closed} open streams`);
        lines.push(doneLine(reason));
      },
    },
  );
  const whole = run.isGreeted === false ? input : Buffer.concat([CLIENT_GREETING, input]);
  feed(codec, whole, { run, services });
  for (const request of requests) request.finish();
  return transcript(lines, sink, counters);
}

class Response implements ResponseReceiver {
  readonly #lines: string[];
  readonly #message: Incoming;
  #prefix = '';
  #isOver = false;

  constructor(lines: string[], run: H2Run) {
    this.#lines = lines;
    this.#message = new Incoming(run);
  }

  onInformational(head: ResponseHead): void {
    this.#prefix += `${head.status} `;
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    this.#message.text = `${this.#prefix}${head.status}${this.#message.fields(head.headers)}`;
    this.#message.isComplete = endStream;
    if (endStream) this.#end('');
  }

  onData(data: Buffer, endStream: boolean): void {
    this.#message.data(data, endStream);
    if (endStream) this.#end('');
  }

  onTrailers(list: HeaderList): void {
    this.#message.trailers(list);
    this.#end('');
  }

  onReset(reason: string, detail: string): void {
    this.#end(` ${reason} ${detail}`);
  }

  onWritable(): void {}

  finish(): void {
    if (!this.#isOver) this.#end(' open');
  }

  #end(note: string): void {
    if (this.#isOver) throw new Error('two ends');
    this.#isOver = true;
    this.#lines.push(this.#message.line(note).trimStart());
  }
}

/** How a client's input is run. */
export interface H2ClientRun extends H2Run {
  /** Methods of the requests that were sent before the input; one GET by default. */
  readonly methods?: readonly string[];
  /** False: the requests' content is never complete. */
  readonly isComplete?: boolean;
  /** Protocol that the requests ask for. */
  readonly upgrade?: string;
}

/** Runs a client's codec. */
export function h2ClientTranscript(input: Buffer, run: H2ClientRun = {}): H2Transcript {
  const lines: string[] = [];
  const services = new FakeServices();
  const counters = fakeH2Counters();
  const sink = new PipeSink();
  const responses: Response[] = [];
  const codec = new H2ClientCodec(
    { ...DEFAULT_H2_CLIENT_OPTIONS, ...run, protocol: protocolOf(run) },
    { sink, services, counters },
    {
      onStreamClosed: () => undefined,
      onCapacityChanged: () => undefined,
      onConnectionDone: (reason) => lines.push(doneLine(reason)),
    },
  );
  for (const method of run.methods ?? ['GET']) {
    const response = new Response(lines, run);
    responses.push(response);
    const target = { path: '/', authority: 'h.test', scheme: 'http' };
    const head = new RequestHead('HTTP/2', method, target, HeaderList.empty());
    head.upgrade = run.upgrade ?? '';
    const isTunnel = head.asksForTunnel;
    codec.openStream(response).sendRequestHead(head, run.isComplete !== false && !isTunnel);
  }
  const whole = run.isGreeted === false ? input : Buffer.concat([SERVER_GREETING, input]);
  feed(codec, whole, { run, services });
  for (const response of responses) response.finish();
  const result = transcript(lines, sink, counters);
  return { ...result, frames: result.frames.filter((frame) => !frame.startsWith('HEADERS')) };
}

function protocolOf(run: H2Run): H2ProtocolOptions {
  return { ...DEFAULT_H2_PROTOCOL_OPTIONS, ...run.protocol };
}

function doneLine(reason: CodecDone): string {
  return reason.kind === 'protocol-error'
    ? `close ${reason.error.details}`
    : `close ${reason.kind}`;
}

/** Reads land in one shared buffer that is overwritten each time, as on a worker. */
function feed(
  codec: { onBytes(buffer: Buffer, start: number, end: number): void },
  input: Buffer,
  { run, services }: { readonly run: H2Run; readonly services: FakeServices },
): void {
  const shared = Buffer.alloc(Math.max(1, input.length) + 3);
  let from = 0;
  for (const to of [...(run.cuts ?? []), input.length]) {
    shared.fill('!');
    input.copy(shared, 3, from, to);
    codec.onBytes(shared, 3, 3 + to - from);
    services.endTurn();
    from = to;
  }
}

function transcript(lines: string[], sink: PipeSink, counters: FakeH2Counters): H2Transcript {
  let output = sink.take();
  const outputBytes = output.length;
  if (output.subarray(0, 3).equals(PREFACE.subarray(0, 3)))
    output = output.subarray(PREFACE.length);
  const frames = new FrameReader().read(output).map((frame) => {
    // The text behind a GOAWAY's code is for people.
    if (frame.type !== TYPE.GOAWAY) return frameText(frame);
    return frameText({ ...frame, payload: frame.payload.subarray(0, 8) });
  });
  const isGreeting = /^(SETTINGS( |$)|WINDOW_UPDATE 0 \+25100289)/;
  return {
    lines,
    frames: frames.filter((frame) => !isGreeting.test(frame)),
    counters,
    outputBytes,
  };
}
