// Nanoseconds per request through the HTTP/1.1 codecs: what a head costs to parse, and what a whole
// exchange costs on either side. Warm loops: good for comparing designs, not for adding up.
// Run: node dist/bench/codec.bench.js [rounds]
import type { ByteSink, ServerCodecHandler } from '../proxy/http/codec.ts';
import { H1ClientCodec } from '../proxy/http/h1/client-codec.ts';
import { DEFAULT_H1_CLIENT_OPTIONS, DEFAULT_H1_SERVER_OPTIONS } from '../proxy/http/h1/options.ts';
import { RequestDecoder } from '../proxy/http/h1/request-decoder.ts';
import { H1ServerCodec } from '../proxy/http/h1/server-codec.ts';
import { HeaderList } from '../proxy/http/header-list.ts';
import { HEADER_ID } from '../proxy/http/header-names.ts';
import { RequestHead, ResponseHead } from '../proxy/http/message.ts';
import type { RequestReceiver, ResponseSender } from '../proxy/http/stream.ts';

const BARE = 'GET /path HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n';
const RICH = [
  'GET /products/42/reviews?page=3&sort=newest HTTP/1.1',
  'Host: shop.example.test',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: https://shop.example.test/products/42',
  'Connection: keep-alive',
  'Cookie: session=4f1c9a7be2d84c0f9a7be2d84c0f9a7b; theme=dark; consent=all; cart=8c1d22',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Priority: u=0, i',
  '',
  '',
].join('\r\n');
const RESPONSE =
  'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 90\r\ndate: Sat, 21 Nov 2026 03:00:00 GMT\r\nserver: back end\r\n\r\n' +
  'x'.repeat(90);
const LOOP = 200_000;
const BODY = Buffer.alloc(90, 'x');

/** Takes everything, and keeps V8 from dropping the work. */
class NullSink implements ByteSink {
  readonly bufferedBytes = 0;
  octets = 0;

  writeText(text: string): void {
    this.octets += text.length;
  }

  writeBytes(data: Buffer): void {
    this.octets += data.length;
  }

  isWritable(): boolean {
    return true;
  }

  pauseReading(): void {}
  resumeReading(): void {}
  halfClose(): void {}
}

const sink = new NullSink();
const ignore = (): undefined => undefined;

/** Answers each request at once, and looks at a few fields as the connection manager does. */
class Answering implements ServerCodecHandler, RequestReceiver {
  seen = 0;
  #sender: ResponseSender | null = null;

  onStream(sender: ResponseSender): RequestReceiver {
    this.#sender = sender;
    return this;
  }

  onRequestHead(head: RequestHead): void {
    this.seen += head.headers.get(HEADER_ID['user-agent'])?.length ?? 0;
    this.seen += head.headers.get(HEADER_ID['x-request-id'])?.length ?? 0;
    const headers = HeaderList.of('content-length', '90', 'content-type', 'text/plain');
    this.#sender?.sendResponseHead(new ResponseHead(200, headers), false);
    this.#sender?.sendData(BODY, true);
  }

  onData(): void {}
  onTrailers(): void {}
  onReset(): void {}
  onClosed(): void {}
  onWritable(): void {}
  onProtocolError(): void {
    throw new Error('bench request refused');
  }

  onStreamClosed(): void {}
  onConnectionDone(): void {
    throw new Error('bench connection ended');
  }
}

/** Each iteration sees a fresh copy of the head, as a read would leave it. */
function headParse(text: string): () => void {
  const bytes = Buffer.from(text, 'latin1');
  const buffer = Buffer.alloc(65536);
  const decoder = new RequestDecoder(DEFAULT_H1_SERVER_OPTIONS);
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      bytes.copy(buffer, 0);
      decoder.reset();
      decoder.read(buffer, 0, bytes.length);
      const head = decoder.take();
      if (head === null) throw new Error('bench head refused');
      sink.octets += head.path.length;
    }
  };
}

function copyOnly(text: string): () => void {
  const bytes = Buffer.from(text, 'latin1');
  const buffer = Buffer.alloc(65536);
  return () => {
    for (let run = 0; run < LOOP; run += 1) sink.octets += bytes.copy(buffer, 0);
  };
}

function serve(text: string): () => void {
  const bytes = Buffer.from(text, 'latin1');
  const buffer = Buffer.alloc(65536);
  const codec = new H1ServerCodec(DEFAULT_H1_SERVER_OPTIONS, sink, new Answering());
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      bytes.copy(buffer, 0);
      codec.onBytes(buffer, 0, bytes.length);
    }
  };
}

function request(): () => void {
  const bytes = Buffer.from(RESPONSE, 'latin1');
  const buffer = Buffer.alloc(65536);
  const receiver = {
    onInformational: ignore,
    onResponseHead: (head: ResponseHead) => {
      sink.octets += head.status;
    },
    onData: ignore,
    onTrailers: ignore,
    onReset: ignore,
    onWritable: ignore,
  };
  const codec = new H1ClientCodec(DEFAULT_H1_CLIENT_OPTIONS, sink, {
    onStreamClosed: ignore,
    onCapacityChanged: ignore,
    onConnectionDone: ignore,
  });
  const target = { path: '/path', authority: '127.0.0.1:80', scheme: 'http' };
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      const sender = codec.openStream(receiver);
      const headers = HeaderList.of('x-request-id', 'abc', 'x-forwarded-proto', 'http');
      sender.sendRequestHead(new RequestHead('HTTP/1.1', 'GET', target, headers), true);
      bytes.copy(buffer, 0);
      codec.onBytes(buffer, 0, bytes.length);
    }
  };
}

/** Requests as they leave: what was parsed, less Host, plus what the proxy adds. */
function relay(text: string): () => void {
  const bytes = Buffer.from(text, 'latin1');
  const decoder = new RequestDecoder(DEFAULT_H1_SERVER_OPTIONS);
  const buffer = Buffer.alloc(65536);
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      bytes.copy(buffer, 0);
      decoder.reset();
      decoder.read(buffer, 0, bytes.length);
      const head = decoder.take() as RequestHead;
      head.headers.removeKnown(HEADER_ID.connection);
      head.headers.addKnown(HEADER_ID['x-forwarded-proto'], 'http');
      sink.writeText(head.headers.toFieldLines());
    }
  };
}

const CASES: readonly (readonly [string, () => void])[] = [
  ['copy, bare', copyOnly(BARE)],
  ['copy, rich', copyOnly(RICH)],
  ['head, bare', headParse(BARE)],
  ['head, rich', headParse(RICH)],
  ['head + field lines, rich', relay(RICH)],
  ['server exchange, bare', serve(BARE)],
  ['server exchange, rich', serve(RICH)],
  ['client exchange', request()],
];

const rounds = Number(process.argv[2] ?? 7);
const best = new Map<string, number>();
for (let round = 0; round < rounds; round += 1) {
  for (const [name, run] of CASES) {
    const start = process.hrtime.bigint();
    run();
    const ns = Number(process.hrtime.bigint() - start) / LOOP;
    best.set(name, Math.min(ns, best.get(name) ?? Number.POSITIVE_INFINITY));
  }
}
console.log(`bare ${BARE.length} octets, rich ${RICH.length} octets, node ${process.version}`);
for (const [name, ns] of best) console.log(`${name.padEnd(28)} ${ns.toFixed(0).padStart(6)} ns`);
