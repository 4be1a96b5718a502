// The decompressor filter: what upstreams are told, heads, bodies, trailers and statistics.
import zlib from 'node:zlib';
import t from 'tap';
import { type Json, type TwinConfig, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { compareStats, missingNames } from './compare-stats.ts';

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %DOWNSTREAM_REMOTE_ADDRESS%\n';
const TYPES: Readonly<Record<string, string>> = { gzip: 'Gzip', brotli: 'Brotli' };

function decompressor(name: string, members: Json = {}, options: Json = {}): Json {
  const library = typed(`extensions.compression.${name}.decompressor.v3.${TYPES[name]}`, options);
  return {
    name: `decompressor.${name}`,
    typed_config: typed('extensions.filters.http.decompressor.v3.Decompressor', {
      decompressor_library: { name: `lib_${name}`, typed_config: library },
      ...members,
    }),
  };
}

function listener(...filters: readonly Json[]): TwinListener {
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: typed('extensions.filters.http.router.v3.Router'),
  };
  return {
    hcm: { http_filters: [...filters, router], http_protocol_options: { enable_trailers: true } },
  };
}

const off = { common_config: { enabled: { default_value: false, runtime_key: 'a' } } };
const CONFIG: TwinConfig = {
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
  listeners: {
    main: listener(decompressor('gzip')),
    both: listener(decompressor('gzip'), decompressor('brotli')),
    silent: listener(
      decompressor('gzip', { request_direction_config: { advertise_accept_encoding: false } }),
    ),
    requests: listener(decompressor('gzip', { response_direction_config: off })),
    responses: listener(decompressor('gzip', { request_direction_config: off })),
    transforms: listener(
      decompressor('gzip', {
        response_direction_config: { common_config: { ignore_no_transform_header: true } },
      }),
    ),
    options: listener(
      decompressor('gzip', {}, { window_bits: 15, chunk_size: 8192, max_inflate_ratio: 1000 }),
    ),
  },
};

const TEXT = 'decompress me, '.repeat(8);
const GZIPPED = zlib.gzipSync(TEXT);

function answer(content: Buffer, ...fields: readonly string[]): WireAnswer {
  const lines = [`content-length: ${content.length}`, ...fields];
  return { text: `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n\r\n${content.toString('latin1')}` };
}
function chunk(content: Buffer): string {
  return `${content.length.toString(16)}\r\n${content.toString('latin1')}\r\n`;
}
const chunked = (coding: string, chunks: readonly Buffer[], trailer = ''): WireAnswer => ({
  text: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-encoding: ${coding}\r\n\r\n${chunks
    .map(chunk)
    .join('')}0\r\n${trailer}\r\n`,
});
const PLAIN = answer(Buffer.from('plain'));

interface Asked {
  readonly listener?: string;
  readonly method?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

function ask(title: string, answered: WireAnswer, asked: Asked = {}): TwinCase {
  const { method = 'GET', fields = [], body = '' } = asked;
  const lines = [`${method} / HTTP/1.1`, 'host: h.test', ...fields, 'connection: close'];
  const named = asked.listener === undefined ? {} : { listener: asked.listener };
  return {
    ...{ title, ...named, answer: answered, methods: [method] },
    send: `${lines.join('\r\n')}\r\n\r\n${body}`,
  };
}

function post(title: string, content: Buffer, asked: Asked = {}): TwinCase {
  const fields = [`content-length: ${content.length}`, ...(asked.fields ?? [])];
  return ask(title, PLAIN, {
    ...{ ...asked, method: 'POST', fields },
    body: content.toString('latin1'),
  });
}

const half = GZIPPED.length >> 1;
const CASES: readonly TwinCase[] = [
  ...Object.keys(CONFIG.listeners).flatMap((name) => {
    const named = { listener: name };
    return [
      ask(`${name}: gzip`, answer(GZIPPED, 'content-encoding: gzip'), named),
      ask(`${name}: plain`, PLAIN, named),
      ask(
        `${name}: no-transform`,
        answer(GZIPPED, 'content-encoding: gzip', 'cache-control: no-transform'),
        named,
      ),
      ask(`${name}: accepted`, PLAIN, { ...named, fields: ['accept-encoding: br, gzip;q=0.1'] }),
      post(`${name}: a request`, GZIPPED, { ...named, fields: ['content-encoding: gzip'] }),
    ];
  }),
  ...[
    'br',
    'gzip',
    'GZIP',
    'gzip;q=0',
    'identity',
    '*',
    'br;q=0.5 , deflate',
    'a,,b',
    'x-gzip',
  ].map((accept) => ask(`accepts ${accept}`, PLAIN, { fields: [`accept-encoding: ${accept}`] })),
  ask('two lines of accept-encoding', PLAIN, {
    fields: ['accept-encoding: br', 'accept-encoding: gzip'],
  }),
  ask('brotli, behind gzip', answer(zlib.brotliCompressSync(TEXT), 'content-encoding: br'), {
    listener: 'both',
  }),
  ask('GZIP', answer(GZIPPED, 'content-encoding: GZIP')),
  ask('gzip first of two', answer(GZIPPED, 'content-encoding: gzip , br')),
  ask('gzip last of two', answer(GZIPPED, 'content-encoding: br, gzip')),
  ask(
    'both codings',
    answer(zlib.gzipSync(zlib.brotliCompressSync(TEXT)), 'content-encoding: gzip, br'),
  ),
  ask('without content', answer(Buffer.alloc(0), 'content-encoding: gzip')),
  ask('HEAD', answer(GZIPPED, 'content-encoding: gzip'), { method: 'HEAD' }),
  ask('chunks', chunked('gzip', [GZIPPED.subarray(0, half), GZIPPED.subarray(half)])),
  ask('chunks and trailers', chunked('gzip', [GZIPPED], 'a: b\r\n')),
  ask('no chunks', chunked('gzip', [])),
  post('a plain request', Buffer.from('plain')),
  ask('a request in chunks', PLAIN, {
    method: 'POST',
    fields: ['transfer-encoding: chunked', 'content-encoding: gzip'],
    body: `${chunk(GZIPPED)}0\r\n\r\n`,
  }),
  ask('a request with trailers', PLAIN, {
    method: 'POST',
    fields: ['transfer-encoding: chunked', 'content-encoding: gzip'],
    body: `${chunk(GZIPPED)}0\r\na: b\r\n\r\n`,
  }),
  // What is broken.
  ask(
    'decompressor: something behind the end',
    answer(Buffer.concat([GZIPPED, Buffer.from('more')]), 'content-encoding: gzip'),
  ),
  ask('decompressor: no gzip', answer(Buffer.from('no gzip'), 'content-encoding: gzip')),
  ask('decompressor: a part', answer(GZIPPED.subarray(0, half), 'content-encoding: gzip')),
  ask(
    'decompressor: a bomb',
    answer(zlib.gzipSync(Buffer.alloc(100_000)), 'content-encoding: gzip'),
  ),
  post('decompressor: a request that is no gzip', Buffer.from('no gzip'), {
    fields: ['content-encoding: gzip'],
  }),
];

t.test('the decompressor', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    t.same(await missingNames(twins), []);
    await compareCases(t, twins, CASES);
    const counted = CASES.filter(({ title }) => !title.startsWith('decompressor:'));
    await compareStats(t, twins, counted, /upstream_(cx|rq)|downstream/);
  });
});
