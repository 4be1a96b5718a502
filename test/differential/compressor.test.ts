// The compressor filter: heads, decompressed bodies and statistics are those of Envoy.
import t from 'tap';
import { withDecodedBodies } from '../support/decoded-bodies.ts';
import { type Json, type TwinConfig, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { compareStats, missingNames } from './compare-stats.ts';

const TYPES: Readonly<Record<string, string>> = { gzip: 'Gzip', brotli: 'Brotli', zstd: 'Zstd' };

function library(name: string, options: Json = {}): Json {
  const type = `extensions.compression.${name}.compressor.v3.${TYPES[name]}`;
  return { name: 'lib', typed_config: typed(type, options) };
}

function compressor(members: Json, name = 'gzip'): Json {
  return {
    name: `compressor.${name}`,
    typed_config: typed('extensions.filters.http.compressor.v3.Compressor', {
      compressor_library: library(name),
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

const onRoute = (members: Json, name = 'gzip'): Json => ({
  [`compressor.${name}`]: typed(
    'extensions.filters.http.compressor.v3.CompressorPerRoute',
    members,
  ),
});
const route = (prefix: string, perRoute: Json): Json => ({
  match: { prefix },
  route: { cluster: 'main' },
  typed_per_filter_config: perRoute,
});

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const CONFIG: TwinConfig = {
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
  listeners: {
    main: listener(compressor({})),
    status: listener(
      compressor({
        response_direction_config: {
          status_header_enabled: true,
          uncompressible_response_codes: [206, 500],
          disable_on_etag_header: true,
        },
      }),
    ),
    weaken: listener(
      compressor({
        response_direction_config: { disable_on_etag_header: true, weaken_etag_on_compress: true },
      }),
    ),
    off: listener(
      compressor({
        response_direction_config: {
          common_config: { enabled: { default_value: false, runtime_key: 'a' } },
          status_header_enabled: true,
        },
      }),
    ),
    types: listener(
      compressor({
        response_direction_config: {
          common_config: {
            content_type: ['text/html', 'Foo/Bar'],
            min_content_length: 100,
          },
        },
      }),
    ),
    matcher: listener(
      compressor({
        response_direction_config: {
          common_config: { content_type: ['foo/bar'], content_type_matcher: [{ suffix: '+json' }] },
        },
      }),
    ),
    requests: listener(
      compressor({
        request_direction_config: { common_config: { content_type: ['text/plain'] } },
        response_direction_config: { remove_accept_encoding_header: true },
      }),
    ),
    several: listener(
      compressor({}, 'gzip'),
      compressor({ response_direction_config: { status_header_enabled: true } }, 'brotli'),
    ),
    first: listener(compressor({}, 'gzip'), compressor({ choose_first: true }, 'brotli')),
    deprecated: listener(
      compressor({
        content_length: 60,
        content_type: ['text/css'],
        disable_on_etag_header: true,
        remove_accept_encoding_header: true,
      }),
    ),
    routes: {
      ...listener(
        compressor({
          response_direction_config: {
            common_config: { enabled: { default_value: false, runtime_key: 'a' } },
          },
          request_direction_config: {},
        }),
        compressor({}, 'brotli'),
      ),
      routes: [
        route('/disabled', {
          ...onRoute({ disabled: true }),
          ...onRoute({ disabled: true }, 'brotli'),
        }),
        route('/shadowed', onRoute({ disabled: true })),
        route('/enabled', onRoute({ overrides: { response_direction_config: {} } })),
        route(
          '/removed',
          onRoute({
            overrides: { response_direction_config: { remove_accept_encoding_header: true } },
          }),
        ),
        route('/nothing', onRoute({ overrides: {} })),
        route(
          '/library',
          onRoute({
            overrides: { response_direction_config: {}, compressor_library: library('brotli') },
          }),
        ),
      ],
    },
  },
};

const BODY = 'compress me, '.repeat(8);

function answer(fields: readonly string[], body = BODY, status = '200 OK'): WireAnswer {
  const lines = [`content-length: ${body.length}`, ...fields];
  return { text: `HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n${body}` };
}
const chunked = (chunks: readonly string[], trailer = ''): WireAnswer => ({
  text: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    .join('')}0\r\n${trailer}\r\n`,
});

interface Asked {
  readonly accept?: string | null;
  readonly method?: string;
  readonly path?: string;
  readonly listener?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

function ask(title: string, answered: WireAnswer, asked: Asked = {}): TwinCase {
  const { accept = 'gzip', method = 'GET', path = '/', body = '' } = asked;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: h.test',
    ...(accept === null ? [] : [`accept-encoding: ${accept}`]),
    ...(asked.fields ?? []),
    'connection: close',
  ];
  const named = asked.listener === undefined ? {} : { listener: asked.listener };
  return {
    title,
    ...named,
    send: `${lines.join('\r\n')}\r\n\r\n${body}`,
    answer: answered,
    methods: [method],
  };
}

/** Run against several listeners: what the content is. */
const CONTENTS: readonly (readonly [string, WireAnswer, Asked?])[] = [
  ['text', answer(['content-type: text/plain'])],
  ['text with parameters', answer(['content-type: TEXT/plain ; charset=x'])],
  ['no type', answer([])],
  ['another type', answer(['content-type: foo/bar'])],
  ['a type by matcher', answer(['content-type: application/x+json; a=b'])],
  ['short content', answer([], 'short')],
  ['no content', answer([], '')],
  ['chunks', chunked(['one ', 'two'])],
  ['chunks and trailers', chunked(['one ', 'two'], 'a: b\r\n')],
  ['content until close', { text: `HTTP/1.1 200 OK\r\n\r\n${BODY}`, end: 'fin' }],
  ['a strong etag', answer(['etag: "a"'])],
  ['a weak etag', answer(['etag: W/"a"'])],
  ['an empty etag', answer(['etag: ""'])],
  ['a strong etag and another type', answer(['etag: "a"', 'content-type: foo/bar'])],
  ['no-transform', answer(['cache-control: public, No-Transform', 'etag: "a"'])],
  ['coded content', answer(['content-encoding: foo'])],
  ['coded content of another type', answer(['content-encoding: foo', 'content-type: foo/bar'])],
  ['a vary', answer(['vary: x'])],
  ['a vary in lower case', answer(['vary: accept-encoding'])],
  ['a vary that says it', answer(['vary: x,Accept-Encoding'])],
  ['206', answer(['content-range: bytes 0-1/2'], BODY, '206 Partial Content')],
  ['500 and an etag', answer(['etag: "a"'], BODY, '500 Internal Server Error')],
  ['204', { text: 'HTTP/1.1 204 No Content\r\n\r\n' }],
  ['304', { text: 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 100\r\n\r\n' }],
  ['HEAD', answer(['etag: "a"']), { method: 'HEAD' }],
  ['no accept-encoding', answer([]), { accept: null }],
  ['no accept-encoding and an etag', answer(['etag: "a"']), { accept: null }],
];

const ACCEPTS: readonly string[] = [
  ...['gzip', 'br', 'GZIP', 'identity', '*', 'deflate', '', ' ', ',', 'gzip;q=0', 'gzip; q = 0.5'],
  ...['gzip;q=0.5, br;q=0.6', 'gzip;q=0.5,br;q=0.5', 'br;q=0.5, gzip;q=0.5', 'br, gzip'],
  ...['gzip;q=x, br;q=0.1', 'gzip;q=x', 'identity;q=0.9, gzip;q=0.8', '*;q=0.1, gzip;q=0.2'],
  ...['gzip;q=0, *', 'gzip;q=0,br;q=0,*', 'identity;q=0, *;q=0', 'gzip;level=9, br;q=0.9'],
  ...['gzip;q=2, br', 'gzip;q=-1', 'gzip;q', 'gzip;q=', 'br;q=1.0, gzip;q=1.000', 'gzip\t;q=0.3'],
];

const post = (path: string, length: number, rest: Partial<Asked> = {}): Asked => ({
  method: 'POST',
  path,
  ...rest,
  body: 'y'.repeat(length),
  fields: [`content-length: ${length}`, ...(rest.fields ?? [])],
});
const PLAIN = answer([]);

const CASES: readonly TwinCase[] = [
  ...['main', 'status', 'weaken', 'off', 'types', 'matcher', 'deprecated'].flatMap((name) =>
    CONTENTS.map(([title, answered, asked]) =>
      ask(`${name}: ${title}`, answered, { ...asked, listener: name }),
    ),
  ),
  ...['several', 'first'].flatMap((name) =>
    ACCEPTS.map((accept) => ask(`${name}: ${accept}`, PLAIN, { accept, listener: name })),
  ),
  ask('deprecated: css', answer(['content-type: text/css']), { listener: 'deprecated' }),
  ask('two lines of accept-encoding', PLAIN, {
    accept: 'gzip;q=0.1',
    fields: ['accept-encoding: br'],
    listener: 'several',
  }),
  ...['/disabled', '/shadowed', '/enabled', '/removed', '/nothing', '/library', '/else'].flatMap(
    (path) => [
      ask(`routes: ${path} gzip`, PLAIN, { path, listener: 'routes' }),
      ask(`routes: ${path} br`, PLAIN, { path, accept: 'br', listener: 'routes' }),
      ask(`routes: ${path} both`, PLAIN, { path, accept: 'gzip, br', listener: 'routes' }),
    ],
  ),
  ask('a request', PLAIN, post('/', 100, { listener: 'requests' })),
  ask(
    'a request of that type',
    PLAIN,
    post('/', 100, { listener: 'requests', fields: ['content-type: text/plain'] }),
  ),
  ask(
    'a request of another type',
    PLAIN,
    post('/', 100, { listener: 'requests', fields: ['content-type: a/b'] }),
  ),
  ask('a short request', PLAIN, post('/', 3, { listener: 'requests' })),
  ask(
    'a coded request',
    PLAIN,
    post('/', 100, { listener: 'requests', fields: ['content-encoding: x'] }),
  ),
  ask('a request without content', PLAIN, { listener: 'requests' }),
  ask('a request in chunks', PLAIN, {
    ...{ method: 'POST', listener: 'requests', fields: ['transfer-encoding: chunked'] },
    body: '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
  }),
  ask('a request with trailers', PLAIN, {
    ...{ method: 'POST', listener: 'requests', fields: ['transfer-encoding: chunked'] },
    body: '3\r\nabc\r\n2\r\nde\r\n0\r\na: b\r\n\r\n',
  }),
  ask('a reply of the proxy', PLAIN, { path: '/direct' }),
];

t.test('the compressor', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    t.same(await missingNames(twins), []);
    await compareCases(t, twins, CASES, withDecodedBodies);
    // Envoy counts what it reports as too short twice.
    const isCounted = (title: string) =>
      /^(main|status|several|first)|request/.test(title) && title !== 'status: short content';
    const counted = CASES.filter(({ title }) => isCounted(title));
    await compareStats(
      t,
      twins,
      counted.filter((_each, index) => index % 2 === 0),
      /bytes|upstream_(cx|rq)|downstream/,
    );
  });
});
