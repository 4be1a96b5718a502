// A client without a socket: it sends one request to a connection manager by the codec that a real
// one would meet, and writes down what it gets.
import { ActiveStream } from '../filters/network/http-connection-manager/active-stream.ts';
import type { HcmRuntime } from '../filters/network/http-connection-manager/hcm-runtime.ts';
import type { Predecessor } from '../filters/network/http-connection-manager/stream-owner.ts';
import type { ByteSink } from '../http/codec.ts';
import { HeaderList } from '../http/header-list.ts';
import { RequestHead, type ResponseHead } from '../http/message.ts';
import type { ResponseSender } from '../http/stream.ts';
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import type { DryRequest } from './dry-request.ts';
import type { UpstreamRecord } from './dry-upstream.ts';
import { responseSnapshot } from './head-snapshot.ts';
import { type Observation, watchStream } from './watched-stream.ts';

/** A client's connection with one request on it. */
export class DryDownstream {
  readonly runtime: HcmRuntime;
  readonly info: DownstreamConnectionInfo;
  readonly #seen: Observation;
  readonly #record: UpstreamRecord;
  #stream: ActiveStream | null = null;

  constructor(
    runtime: HcmRuntime,
    info: DownstreamConnectionInfo,
    run: { readonly seen: Observation; readonly record: UpstreamRecord },
  ) {
    this.runtime = runtime;
    this.info = info;
    this.#seen = run.seen;
    this.#record = run.record;
  }

  nowMs(): number {
    return this.runtime.services.clock.nowMs();
  }

  onResponseBegin(): boolean {
    return false;
  }

  onIdleTimeoutChanged(): void {
    // Nobody is idle here.
  }

  onStreamOver(): void {
    this.#seen.isComplete = true;
  }

  /** The exchange as it stands; there is one once `send` was called. */
  get stream(): ActiveStream {
    return this.#stream as ActiveStream;
  }

  /** The whole request: by the codec, or as HTTP/2 would have given it. */
  send(request: DryRequest): void {
    if (request.protocol === 'HTTP/2') {
      this.#begin(null).onRequestHead(http2Head(request), true);
      return;
    }
    const handler = {
      onStream: () => this.#begin(null),
      onStreamClosed: () => undefined,
      onConnectionDone: () => undefined,
    };
    const codec = this.runtime.codecs.kinds.http1.create(NOWHERE, handler, this.info.tls !== null);
    const octets = Buffer.from(http1Text(request), 'latin1');
    codec.onBytes(octets, 0, octets.length);
  }

  succeed(before: Predecessor): ActiveStream {
    this.#seen.restart(before.info);
    this.#record.answerPlainly();
    return this.#begin(before);
  }

  #begin(before: Predecessor | null): ActiveStream {
    const stream = new ActiveStream(this, new DrySender(this.#seen), before);
    watchStream(stream, this.#seen);
    this.#stream = stream;
    return stream;
  }
}

const NOWHERE: ByteSink = {
  writeText: () => undefined,
  writeBytes: () => undefined,
  isWritable: () => true,
  bufferedBytes: 0,
  pauseReading: () => undefined,
  resumeReading: () => undefined,
  halfClose: () => undefined,
};

/** Takes down what the client would get. */
class DrySender implements ResponseSender {
  readonly wireBytesSent = 0;
  readonly wireBytesReceived = 0;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  readonly #seen: Observation;

  constructor(seen: Observation) {
    this.#seen = seen;
  }

  sendInformational(): void {
    // Of no interest.
  }

  sendResponseHead(head: ResponseHead, endStream: boolean): void {
    this.#seen.response = responseSnapshot(head);
    this.#seen.isComplete = endStream;
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    this.#seen.body += data.toString();
    this.#seen.isComplete = endStream;
    return true;
  }

  sendTrailers(): void {
    this.#seen.isComplete = true;
  }

  reset(): void {
    this.#seen.isComplete = true;
  }

  pauseReading(): void {
    // The request is there as a whole.
  }

  resumeReading(): void {
    // The same.
  }

  handOver(): void {
    // No upstream answers, so that none redirects.
  }

  closeAfterResponse(): void {
    // There is no connection.
  }
}

function http2Head(request: DryRequest): RequestHead {
  const { method, path, authority, scheme } = request;
  const lines = request.fields.flatMap(({ name, value }) => [name, value]);
  return new RequestHead('HTTP/2', method, { path, authority, scheme }, HeaderList.of(...lines));
}

function http1Text({ method, path, authority, fields }: DryRequest): string {
  const target = path === '' ? authority : path;
  const lines = fields.map(({ name, value }) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n${lines.join('')}\r\n${content(fields)}`;
}

/** As much content as the fields promise, so that nobody waits for it. */
function content(fields: DryRequest['fields']): string {
  if (fields.some(({ name }) => name === 'transfer-encoding')) return '0\r\n\r\n';
  const length = fields.find(({ name }) => name === 'content-length')?.value ?? '0';
  return /^\d{1,7}$/.test(length) ? ' '.repeat(Number(length)) : '';
}
