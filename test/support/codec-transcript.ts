// Runs HTTP/1.1 codecs on an input cut in some way and writes down what they said, in a form that
// does not depend on the cuts: one line per message, one for the connection's end.
import type { Random } from '../../proxy/base/random.ts';
import type { CodecDone, ServerCodecHandler } from '../../proxy/http/codec.ts';
import { H1ClientCodec } from '../../proxy/http/h1/client-codec.ts';
import {
  DEFAULT_H1_CLIENT_OPTIONS,
  DEFAULT_H1_SERVER_OPTIONS,
  type H1ClientOptions,
  type H1ServerOptions,
} from '../../proxy/http/h1/options.ts';
import { H1ServerCodec } from '../../proxy/http/h1/server-codec.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import type { ProtocolError } from '../../proxy/http/protocol-error.ts';
import type {
  RequestReceiver,
  RequestSender,
  ResponseReceiver,
  ResponseSender,
} from '../../proxy/http/stream.ts';
import { RecordingSink } from './recording-sink.ts';

/** Offsets at which an input is cut into reads, in rising order. */
export type Cuts = readonly number[];

/** No cut at all. */
export const WHOLE: Cuts = [];

/** A cut behind every byte. */
export function everyByte(length: number): Cuts {
  return Array.from({ length: Math.max(0, length - 1) }, (_, index) => index + 1);
}

/** Up to `count` cuts anywhere. */
export function randomCuts(length: number, count: number, random: Random): Cuts {
  const cuts = new Set<number>();
  for (let index = 0; index < count; index += 1) cuts.add(Math.floor(random.next() * length));
  return [...cuts].filter((cut) => cut > 0).sort((a, b) => a - b);
}

/** What a codec said, and what it wrote. */
export interface Transcript {
  readonly lines: readonly string[];
  readonly output: string;
}

interface Peer {
  onBytes(buffer: Buffer, start: number, end: number): void;
}

/** Reads land in one shared buffer that is overwritten each time, as on a worker. */
function feed(peer: Peer, input: Buffer, cuts: Cuts): void {
  const shared = Buffer.alloc(Math.max(1, input.length) + 3);
  let from = 0;
  for (const to of [...cuts, input.length]) {
    shared.fill('!');
    input.copy(shared, 3, from, to);
    peer.onBytes(shared, 3, 3 + to - from);
    from = to;
  }
}

function fieldsOf(headers: HeaderList): string {
  return headers.toFieldLines().slice(0, -2).replaceAll('\r\n', '|');
}

/** One message on its way in. */
class MessageRecord {
  text = '';
  body = '';
  state: 'head' | 'body' | 'complete' = 'head';

  head(text: string, endStream: boolean): void {
    if (this.state !== 'head') throw new Error('second head');
    this.text = text;
    this.state = endStream ? 'complete' : 'body';
  }

  data(data: Buffer, endStream: boolean): void {
    if (this.state !== 'body') throw new Error(`data in state ${this.state}`);
    if (data.length === 0 && !endStream) throw new Error('empty data');
    this.body += data.toString('latin1');
    if (endStream) this.state = 'complete';
  }

  trailers(trailers: HeaderList): void {
    if (this.state !== 'body') throw new Error(`trailers in state ${this.state}`);
    this.body += `{${fieldsOf(trailers)}}`;
    this.state = 'complete';
  }

  line(note: string): string {
    const body = this.body === '' ? '' : ` [${this.body}]`;
    const open = this.state === 'complete' ? '' : '…';
    return `${this.text}${body}${open}${note}`;
  }
}

/** When the tested server answers: at the head, at the request's end, or never. */
export type AnswerAt = 'head' | 'end' | 'never';

/** How a server's input is run. */
export interface ServerRun {
  readonly options?: Partial<H1ServerOptions>;
  readonly answer?: AnswerAt;
  /** Writes the fields of each request too. */
  readonly fields?: boolean;
  readonly cuts?: Cuts;
  /** The client sends FIN behind the input. */
  readonly eof?: boolean;
}

class ServerRecorder implements ServerCodecHandler {
  readonly lines: string[] = [];
  open: RequestRecorder | null = null;
  closed = 0;
  streams = 0;
  readonly run: ServerRun;

  constructor(run: ServerRun) {
    this.run = run;
  }

  onStream(sender: ResponseSender): RequestReceiver {
    if (this.open !== null) throw new Error('two streams at once');
    this.streams += 1;
    this.open = new RequestRecorder(this, sender);
    return this.open;
  }

  onStreamClosed(): void {
    if (this.open === null) throw new Error('no stream to close');
    this.open.finish('');
    this.open = null;
    this.closed += 1;
  }

  onConnectionDone(reason: CodecDone): void {
    if (this.open !== null) throw new Error('done with an open stream');
    this.lines.push(`close ${reason.kind}`);
  }
}

class RequestRecorder implements RequestReceiver {
  readonly #owner: ServerRecorder;
  readonly #sender: ResponseSender;
  readonly #message = new MessageRecord();
  #note = '';
  #isWritten = false;

  constructor(owner: ServerRecorder, sender: ResponseSender) {
    this.#owner = owner;
    this.#sender = sender;
  }

  onRequestHead(head: RequestHead, endStream: boolean): void {
    const scheme = head.scheme === '' ? '' : `${head.scheme}://`;
    const fields = this.#owner.run.fields === true ? ` (${fieldsOf(head.headers)})` : '';
    const version = head.protocol === 'HTTP/1.1' ? '' : ` ${head.protocol}`;
    const upgrade = head.upgrade === '' ? '' : ` → ${head.upgrade}`;
    const text = `${head.method} ${head.path} @${scheme}${head.authority}${version}${upgrade}${fields}`;
    this.#message.head(text, endStream);
    const at = this.#owner.run.answer ?? 'end';
    if (at === 'head' || (at === 'end' && endStream)) this.#answer(200, 'ok');
  }

  onData(data: Buffer, endStream: boolean): void {
    this.#message.data(data, endStream);
    if (endStream && this.#owner.run.answer !== 'never') this.#answer(200, 'ok');
  }

  onTrailers(trailers: HeaderList): void {
    this.#message.trailers(trailers);
    if (this.#owner.run.answer !== 'never') this.#answer(200, 'ok');
  }

  onReset(reason: string): void {
    this.#note = ` reset ${reason}`;
  }

  onWritable(): void {
    throw new Error('nobody was told to wait');
  }

  onClosed(): void {
    if (!this.#isWritten) throw new Error('last call before the end');
  }

  onProtocolError(error: ProtocolError): void {
    this.#note = ` !${error.status} ${error.details}`;
    this.#answer(error.status, '');
  }

  finish(note: string): void {
    if (this.#isWritten) throw new Error('closed twice');
    this.#isWritten = true;
    this.#owner.lines.push(this.#message.line(this.#note + note).trimStart());
  }

  #answer(status: number, body: string): void {
    const headers = HeaderList.of('content-length', String(body.length));
    this.#sender.sendResponseHead(new ResponseHead(status, headers), false);
    this.#sender.sendData(Buffer.from(body), true);
  }
}

/** Runs a server's codec on `input` (latin1). */
export function serverTranscript(input: string, run: ServerRun = {}): Transcript {
  const sink = new RecordingSink();
  const handler = new ServerRecorder(run);
  const options = { ...DEFAULT_H1_SERVER_OPTIONS, ...run.options };
  const codec = new H1ServerCodec(options, sink, handler);
  feed(codec, Buffer.from(input, 'latin1'), run.cuts ?? WHOLE);
  if (run.eof === true) codec.onEnd();
  if (handler.open !== null) handler.open.finish(' open');
  return { lines: handler.lines, output: sink.text };
}

/** How a client's input is run. */
export interface ClientRun {
  readonly options?: Partial<H1ClientOptions>;
  readonly method?: string;
  /** The protocol that the request asks for. */
  readonly upgrade?: string;
  readonly fields?: boolean;
  readonly cuts?: Cuts;
  /** Requests to send one after the other, each when the one before is answered; 1 by default. */
  readonly requests?: number;
  /** False: the request's content is never complete. */
  readonly completeRequest?: boolean;
  /** What the connection does behind the input. */
  readonly ending?: 'fin' | 'reset';
}

class ClientRecorder {
  readonly lines: string[] = [];
  readonly run: ClientRun;
  codec: H1ClientCodec | null = null;
  open: ResponseRecorder | null = null;
  sent = 0;

  constructor(run: ClientRun) {
    this.run = run;
  }

  send(): void {
    const codec = this.codec;
    if (codec === null || this.sent >= (this.run.requests ?? 1)) return;
    this.sent += 1;
    this.open = new ResponseRecorder(this);
    const sender: RequestSender = codec.openStream(this.open);
    const target = { path: '/', authority: 'h.test', scheme: 'http' };
    const head = new RequestHead('HTTP/1.1', this.run.method ?? 'GET', target, HeaderList.empty());
    head.upgrade = this.run.upgrade ?? '';
    sender.sendRequestHead(head, this.run.completeRequest !== false && !head.asksForTunnel);
  }

  onStreamClosed(): void {
    if (this.open === null) throw new Error('no stream to close');
    this.open.finish('');
    this.open = null;
    if (this.codec?.availableStreams === 1) this.send();
  }

  onCapacityChanged(): void {}

  onConnectionDone(reason: CodecDone): void {
    if (this.codec?.availableStreams !== 0) throw new Error('done and yet available');
    this.lines.push(`close ${reason.kind}`);
  }
}

class ResponseRecorder implements ResponseReceiver {
  readonly #owner: ClientRecorder;
  readonly #message = new MessageRecord();
  #prefix = '';
  #note = '';
  #isWritten = false;

  constructor(owner: ClientRecorder) {
    this.#owner = owner;
  }

  onInformational(head: ResponseHead): void {
    this.#prefix += `${head.status} `;
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    const fields = this.#owner.run.fields === true ? ` (${fieldsOf(head.headers)})` : '';
    this.#message.head(`${head.status}${fields}`, endStream);
  }

  onData(data: Buffer, endStream: boolean): void {
    this.#message.data(data, endStream);
  }

  onTrailers(trailers: HeaderList): void {
    this.#message.trailers(trailers);
  }

  onReset(reason: string, detail: string): void {
    this.#note = ` reset ${reason}${reason === 'protocol-error' ? ` ${detail}` : ''}`;
  }

  onWritable(): void {
    throw new Error('nobody was told to wait');
  }

  finish(note: string): void {
    if (this.#isWritten) throw new Error('closed twice');
    this.#isWritten = true;
    this.#owner.lines.push(this.#prefix + this.#message.line(this.#note + note).trimStart());
  }
}

/** Runs a client's codec on `input` (latin1), which answers its request(s). */
export function clientTranscript(input: string, run: ClientRun = {}): Transcript {
  const sink = new RecordingSink();
  const handler = new ClientRecorder(run);
  const codec = new H1ClientCodec({ ...DEFAULT_H1_CLIENT_OPTIONS, ...run.options }, sink, handler);
  handler.codec = codec;
  handler.send();
  feed(codec, Buffer.from(input, 'latin1'), run.cuts ?? WHOLE);
  if (run.ending === 'fin') codec.onEnd();
  if (run.ending === 'reset') codec.onClose('reset by peer');
  if (handler.open !== null) handler.open.finish(' open');
  return { lines: handler.lines, output: sink.text };
}
