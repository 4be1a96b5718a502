// Nanoseconds per head of HTTP/2: field blocks to heads, heads to field blocks, and both on the way
// to and from HTTP/1.1. Warm loops: good for comparing designs, not for adding up.
// Run: node dist/bench/hpack.bench.js [rounds]
import { DEFAULT_H1_SERVER_OPTIONS } from '../proxy/http/h1/options.ts';
import { RequestDecoder } from '../proxy/http/h1/request-decoder.ts';
import { H2HeadDecoder } from '../proxy/http/h2/h2-head-decoder.ts';
import { H2HeadEncoder } from '../proxy/http/h2/h2-head-encoder.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../proxy/http/h2/options.ts';
import { HeaderList } from '../proxy/http/header-list.ts';
import { HEADER_ID } from '../proxy/http/header-names.ts';
import { RequestHead, ResponseHead } from '../proxy/http/message.ts';

const LOOP = 200_000;
/** Different blocks of one case, so that no two in a row are the same. */
const VARIANTS = 64;
const OPTIONS = {
  protocol: DEFAULT_H2_PROTOCOL_OPTIONS,
  maxHeadBytes: 61_440,
  maxHeadersCount: 100,
  headersWithUnderscores: 'allow',
} as const;

const RICH: readonly string[] = [
  'user-agent',
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'accept',
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-language',
  'en-US,en;q=0.5',
  'accept-encoding',
  'gzip, deflate, br, zstd',
  'referer',
  'https://shop.example.test/products/42',
  'cookie',
  'session=4f1c9a7be2d84c0f9a7be2d84c0f9a7b; theme=dark; consent=all; cart=8c1d22',
  'upgrade-insecure-requests',
  '1',
  'sec-fetch-dest',
  'document',
  'sec-fetch-mode',
  'navigate',
  'sec-fetch-site',
  'same-origin',
  'priority',
  'u=0, i',
];
const GRPC: readonly string[] = [
  'content-type',
  'application/grpc',
  'user-agent',
  'grpc-node-js/1.12.0',
  'te',
  'trailers',
  'grpc-accept-encoding',
  'identity,deflate,gzip',
];
const MESH: readonly string[] = [
  ...GRPC,
  'x-forwarded-proto',
  'http',
  'x-envoy-attempt-count',
  '1',
  'x-request-id',
];

let consumed = 0;

function hexOf(number: number): string {
  return Math.imul(number + 1, 0x9e3779b1)
    .toString(16)
    .padStart(12, '0');
}

function richRequest(variant: number): RequestHead {
  const path = `/products/${variant}/reviews?page=3&sort=newest`;
  const target = { path, authority: 'shop.example.test', scheme: 'https' };
  return new RequestHead('HTTP/2', 'GET', target, HeaderList.of(...RICH));
}

function grpcRequest(): RequestHead {
  const target = { path: '/shop.v1.Cart/AddItem', authority: 'cart.shop:50051', scheme: 'http' };
  return new RequestHead('HTTP/2', 'POST', target, HeaderList.of(...GRPC));
}

/** As one proxy sends it to the next: a new request id each time. */
function meshRequest(variant: number): RequestHead {
  const head = grpcRequest();
  const id = `${hexOf(variant).slice(0, 8)}-9f3b-4c1d-8a2e-${hexOf(variant)}`;
  const headers = HeaderList.of(...MESH, id);
  return new RequestHead('HTTP/2', 'POST', head, headers);
}

function response(variant: number): ResponseHead {
  const headers = HeaderList.of(
    'content-type',
    'application/json; charset=utf-8',
    'content-length',
    String(100 + variant),
    'date',
    'Sat, 21 Nov 2026 03:00:00 GMT',
    'server',
    'envoy',
    'x-envoy-upstream-service-time',
    String(variant % 10),
  );
  return new ResponseHead(200, headers);
}

/** Blocks of an encoder that has seen all of them before: its table does not change any more. */
function settledBlocks(encodeOne: (encoder: H2HeadEncoder, variant: number) => void): Buffer[][] {
  const encoder = new H2HeadEncoder(OPTIONS);
  return [0, 1, 2].map(() =>
    Array.from({ length: VARIANTS }, (_, variant) => {
      encodeOne(encoder, variant);
      return Buffer.from(encoder.buffer.subarray(0, encoder.length));
    }),
  );
}

function decodes(
  encodeOne: (encoder: H2HeadEncoder, variant: number) => void,
  take: (decoder: H2HeadDecoder) => number,
): () => void {
  const rounds = settledBlocks(encodeOne);
  const decoder = new H2HeadDecoder(OPTIONS, 'server');
  for (const block of rounds.flat()) decoder.decode(block, 0, block.length);
  const blocks = rounds[2] as Buffer[];
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      const block = blocks[run % VARIANTS] as Buffer;
      if (decoder.decode(block, 0, block.length) !== null) throw new Error('bench block refused');
      consumed += take(decoder);
    }
  };
}

function takeRequest(decoder: H2HeadDecoder): number {
  const head = decoder.takeRequest() as RequestHead;
  // As the connection manager and a router look at it.
  const agent = head.headers.get(HEADER_ID['user-agent'])?.length ?? 0;
  return agent + (head.headers.get(HEADER_ID['x-request-id'])?.length ?? 0) + head.path.length;
}

function takeLines(decoder: H2HeadDecoder): number {
  const head = decoder.takeRequest() as RequestHead;
  head.headers.removeKnown(HEADER_ID.te);
  head.headers.addKnown(HEADER_ID['x-forwarded-proto'], 'http');
  return head.headers.toFieldLines().length;
}

function encodesRequests(make: (variant: number) => RequestHead): () => void {
  const encoder = new H2HeadEncoder(OPTIONS);
  const heads = Array.from({ length: VARIANTS }, (_, variant) => make(variant));
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      encoder.encodeRequest(heads[run % VARIANTS] as RequestHead);
      consumed += encoder.length;
    }
  };
}

function encodesResponses(): () => void {
  const encoder = new H2HeadEncoder(OPTIONS);
  const heads = Array.from({ length: VARIANTS }, (_, variant) => response(variant));
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      encoder.encodeResponse(heads[run % VARIANTS] as ResponseHead);
      consumed += encoder.length;
    }
  };
}

/** From HTTP/1.1: values are slices of a text that is new each time. */
function fromHttp1(): () => void {
  const encoder = new H2HeadEncoder(OPTIONS);
  const decoder = new RequestDecoder(DEFAULT_H1_SERVER_OPTIONS);
  const text = `GET /a HTTP/1.1\r\nhost: h.test\r\n${HeaderList.of(...RICH).toFieldLines()}\r\n`;
  const bytes = Buffer.from(text, 'latin1');
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      decoder.reset();
      decoder.read(bytes, 0, bytes.length);
      encoder.encodeRequest(decoder.take() as RequestHead);
      consumed += encoder.length;
    }
  };
}

function onlyHttp1(): () => void {
  const decoder = new RequestDecoder(DEFAULT_H1_SERVER_OPTIONS);
  const text = `GET /a HTTP/1.1\r\nhost: h.test\r\n${HeaderList.of(...RICH).toFieldLines()}\r\n`;
  const bytes = Buffer.from(text, 'latin1');
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      decoder.reset();
      decoder.read(bytes, 0, bytes.length);
      consumed += (decoder.take() as RequestHead).headers.text.length;
    }
  };
}

function relays(make: (variant: number) => RequestHead): () => void {
  const encoder = new H2HeadEncoder(OPTIONS);
  return decodes(
    (from, variant) => from.encodeRequest(make(variant)),
    (decoder) => {
      const head = decoder.takeRequest() as RequestHead;
      head.headers.addKnown(HEADER_ID['x-envoy-expected-rq-timeout-ms'], '15000');
      encoder.encodeRequest(head);
      return encoder.length;
    },
  );
}

const CASES: readonly (readonly [string, () => void])[] = [
  ['decode, gRPC (all the same)', decodes((to) => to.encodeRequest(grpcRequest()), takeRequest)],
  ['decode, mesh', decodes((to, variant) => to.encodeRequest(meshRequest(variant)), takeRequest)],
  ['decode, rich', decodes((to, variant) => to.encodeRequest(richRequest(variant)), takeRequest)],
  [
    'decode + field lines, rich',
    decodes((to, variant) => to.encodeRequest(richRequest(variant)), takeLines),
  ],
  ['encode, gRPC', encodesRequests(grpcRequest)],
  ['encode, mesh', encodesRequests(meshRequest)],
  ['encode, rich', encodesRequests(richRequest)],
  ['encode, response', encodesResponses()],
  ['h2 to h2, gRPC', relays(grpcRequest)],
  ['h2 to h2, mesh', relays(meshRequest)],
  ['h2 to h2, rich', relays(richRequest)],
  ['h1 decode, rich', onlyHttp1()],
  ['h1 to h2, rich', fromHttp1()],
];

const rounds = Number(process.argv[2] ?? 7);
const best = new Map<string, number>();
for (let round = 0; round < rounds; round += 1) {
  for (const [name, run] of CASES) {
    const start = process.cpuUsage();
    run();
    const used = process.cpuUsage(start);
    const ns = ((used.user + used.system) * 1000) / LOOP;
    best.set(name, Math.min(ns, best.get(name) ?? Number.POSITIVE_INFINITY));
  }
}
console.log(`node ${process.version}, ${consumed > 0 ? 'best' : 'nothing'} of ${rounds} rounds`);
for (const [name, ns] of best) console.log(`${name.padEnd(28)} ${ns.toFixed(0).padStart(6)} ns`);
