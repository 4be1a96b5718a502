// gRPC over HTTP/1.1, which needs no more than trailers: gRPC-Web, statistics, local replies, access
// logs.
import t from 'tap';
import { GRPC_LOG } from '../support/grpc-log.ts';
import { base64Text, chunkedText, grpcFrame } from '../support/grpc-wire.ts';
import {
  type Json,
  type TwinConfig,
  type TwinListener,
  type TwinLog,
  typed,
} from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const HOST = 'host: a.test\r\n';
const GRPC_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n';
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';
const TRAILERS = ['grpc-status: 0', 'grpc-message: fine', 'x-t: 1'];
const ANSWER = grpcFrame('hello') + grpcFrame('world!');

/** A gRPC response of these pieces. */
function grpcAnswer(pieces: readonly string[], trailers: readonly string[] = TRAILERS) {
  return { text: `${GRPC_HEAD}${CHUNKED}${chunkedText(pieces, trailers)}` };
}

interface Call {
  readonly type: string;
  readonly body: string;
  readonly path?: string;
  readonly fields?: string;
  readonly listener?: string;
  readonly method?: string;
}

/** A call in one piece. */
function call(
  title: string,
  { type, body, ...rest }: Call,
  more: Partial<TwinCase> = {},
): TwinCase {
  const { path = '/pkg.Svc/Do', fields = '', listener = 'main', method = 'POST' } = rest;
  const head = `${method} ${path} HTTP/1.1\r\n${HOST}content-type: ${type}\r\n${fields}`;
  return {
    title,
    listener,
    send: `${head}content-length: ${body.length}\r\n\r\n${body}`,
    methods: [method],
    answer: grpcAnswer([ANSWER]),
    ...more,
  };
}

/** A call whose content comes in these pieces, chunk by chunk. */
function calledInPieces(title: string, type: string, pieces: readonly string[]): TwinCase {
  const head = `POST /pkg.Svc/Do HTTP/1.1\r\n${HOST}content-type: ${type}\r\n${CHUNKED}`;
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
  const send = [head, ...chunks, '0\r\n\r\n'];
  return { title, listener: 'main', send, methods: ['POST'], answer: grpcAnswer([ANSWER]) };
}

const WEB = 'application/grpc-web';
const TEXT = 'application/grpc-web-text';
const ASKED = grpcFrame('what is it?');
const BINARY: Call = { type: WEB, body: ASKED };
const AS_TEXT: Call = { type: TEXT, body: base64Text(ASKED), fields: `accept: ${TEXT}\r\n` };
const encoded = base64Text(ASKED);

const plain = (status: string, body: string, fields = '') => ({
  text: `HTTP/1.1 ${status}\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`,
});

const WEB_CASES: readonly TwinCase[] = [
  call('web: binary', BINARY),
  call('web: binary with +proto', { ...BINARY, type: `${WEB}+proto` }),
  call('web: not quite the type', { ...BINARY, type: `${WEB}+json` }),
  call('web: the type with a parameter', { ...BINARY, type: `${WEB};charset=utf-8` }),
  call('web: plain gRPC', { ...BINARY, type: 'application/grpc' }),
  call('web: not gRPC at all', { ...BINARY, type: 'text/plain' }),
  call('web: text both ways', AS_TEXT),
  call('web: text with +proto', { ...AS_TEXT, type: `${TEXT}+proto` }),
  call('web: text in, binary out', { ...AS_TEXT, fields: '' }),
  call('web: binary in, text out', { ...BINARY, fields: `accept: ${TEXT}+proto\r\n` }),
  call('web: several types accepted', { ...BINARY, fields: `accept: ${TEXT}, */*\r\n` }),
  call('web: an encoding accepted', { ...BINARY, fields: 'grpc-accept-encoding: br\r\n' }),
  call('web: te of its own', { ...BINARY, fields: 'te: gzip\r\n' }),
  call('web: GET without content', { ...BINARY, body: '', method: 'GET' }),
  call('web: text without content', { ...AS_TEXT, body: '' }),
  call('web: an odd path', { ...BINARY, path: '/x' }),
  calledInPieces('web: text octet by octet', TEXT, [...encoded]),
  calledInPieces('web: text in threes', TEXT, encoded.match(/.{1,3}/g) ?? []),
  call('web: text cut short', { ...AS_TEXT, listener: 'web', body: encoded.slice(0, -1) }),
  call('web: text that is none', { ...AS_TEXT, body: '####' }),
  call('web: text with a stray octet', { ...AS_TEXT, body: `AAAA${'!AAA'}` }),
  call('web: text in the alphabet of URLs', { ...AS_TEXT, body: 'AA-_' }),
  call('web: text with bits to spare', { ...AS_TEXT, body: 'AAAAAB==' }),
  call('web: trailers only', BINARY, {
    answer: { text: `${GRPC_HEAD}grpc-status: 5\r\ngrpc-message: no\r\ncontent-length: 0\r\n\r\n` },
  }),
  call('web: trailers only, as text', AS_TEXT, {
    answer: { text: `${GRPC_HEAD}grpc-status: 5\r\ngrpc-message: no\r\ncontent-length: 0\r\n\r\n` },
  }),
  call('web: frames in pieces', BINARY, { answer: grpcAnswer([...ANSWER]) }),
  call('web: frames in pieces, as text', AS_TEXT, { answer: grpcAnswer([...ANSWER]) }),
  call('web: empty frames', AS_TEXT, { answer: grpcAnswer([grpcFrame('') + grpcFrame('a')]) }),
  call('web: no trailers', BINARY, { answer: grpcAnswer([ANSWER], []) }),
  call('web: no trailers, as text', AS_TEXT, { answer: grpcAnswer([ANSWER], []) }),
  call('web: trailers alone', BINARY, { answer: grpcAnswer([]) }),
  call('web: trailers alone, as text', AS_TEXT, { answer: grpcAnswer([]) }),
  call('web: an upstream’s length', BINARY, {
    answer: { text: `${GRPC_HEAD}content-length: ${ANSWER.length}\r\n\r\n${ANSWER}` },
  }),
  call('web: an upstream that speaks it', BINARY, {
    answer: plain('200 OK', ANSWER, `content-type: ${WEB}+proto; x=y\r\n`),
  }),
  call('web: an upstream that speaks it as text', BINARY, {
    answer: plain('200 OK', ANSWER, `content-type: ${TEXT}\r\n`),
  }),
  call('web: an error page', BINARY, {
    answer: plain('503 X', 'too\nbusy: 100% ü', 'content-type: text/html\r\n'),
  }),
  call('web: an error page, as text', AS_TEXT, {
    answer: plain('404 X', 'nothing', 'content-type: text/html\r\n'),
  }),
  call('web: an error page in pieces', BINARY, {
    answer: { text: `HTTP/1.1 500 X\r\n${CHUNKED}${chunkedText(['a', 'b', 'c'])}` },
  }),
  call('web: an error page with trailers', BINARY, {
    answer: { text: `HTTP/1.1 500 X\r\n${CHUNKED}${chunkedText(['a', 'b'], ['x-t: 1'])}` },
  }),
  call('web: an error without content', BINARY, { answer: plain('503 X', '') }),
  call('web: a page with status 200', BINARY, {
    answer: plain('200 OK', 'welcome', 'content-type: text/html\r\n'),
  }),
  call('web: a local reply', { ...BINARY, path: '/direct' }),
  call('web: a local reply, as text', { ...AS_TEXT, path: '/direct' }),
  call('web: no upstream', { ...BINARY, path: '/dead' }),
  call('web: no cluster', { ...BINARY, path: '/gone' }),
  call('web: cors is left alone', { ...BINARY, fields: 'origin: http://b.test\r\n' }),
];

const GRPC: Call = { type: 'application/grpc', body: ASKED };

const status = (value: string) => grpcAnswer([ANSWER], [`grpc-status: ${value}`]);

const GRPC_CASES: readonly TwinCase[] = [
  ...['0', '1', '2', '4', '8', '13', '14', '16', '17', '99', '-1', 'x', ''].map((value) =>
    call(`grpc: status ${value}`, GRPC, { answer: status(value) }),
  ),
  ...['0', '13', '42', 'x'].map((value) =>
    call(`grpc: status ${value} in the head`, GRPC, {
      answer: { text: `${GRPC_HEAD}grpc-status: ${value}\r\ncontent-length: 0\r\n\r\n` },
    }),
  ),
  call('grpc: both in head and trailers', GRPC, {
    answer: {
      text: `${GRPC_HEAD}grpc-status: 3\r\n${CHUNKED}${chunkedText([ANSWER], ['grpc-status: 5'])}`,
    },
  }),
  call('grpc: with +proto', { ...GRPC, type: 'application/grpc+proto' }),
  call('grpc: with a parameter', { ...GRPC, type: 'application/grpc; a=b' }),
  call('grpc: without trailers', GRPC, { answer: grpcAnswer([ANSWER], []) }),
  call('grpc: an error page', GRPC, { answer: plain('503 X', 'busy') }),
  call('grpc: a cut answer', GRPC, {
    answer: { text: `${GRPC_HEAD}content-length: 99\r\n\r\n${ANSWER}`, end: 'fin' },
  }),
  ...[400, 401, 403, 404, 418, 429, 500, 502, 503, 504].map((code) =>
    call(`grpc: local reply ${code}`, { ...GRPC, path: `/reply/${code}` }),
  ),
  call('grpc: local reply to HEAD', { ...GRPC, body: '', path: '/reply/503', method: 'HEAD' }),
  call('grpc: local reply to percent signs', { ...GRPC, path: '/reply/percent' }),
  call('grpc: redirect', { ...GRPC, path: '/redirect' }),
  call('grpc: no upstream', { ...GRPC, path: '/dead' }),
  call('grpc: no cluster', { ...GRPC, path: '/gone' }),
  call('grpc: a timeout', { ...GRPC, path: '/slow' }, { answer: { text: '' } }),
  call('grpc: te', { ...GRPC, fields: 'te: trailers, gzip\r\nconnection: te\r\n' }),
  call('grpc: te alone', { ...GRPC, fields: 'te: trailers\r\n' }),
  call('grpc: another te', { ...GRPC, fields: 'te: gzip\r\nconnection: te\r\n' }),
];

const FILTERS = {
  web: { name: 'grpc_web', typed_config: typed('extensions.filters.http.grpc_web.v3.GrpcWeb') },
  router: { name: 'router', typed_config: typed('extensions.filters.http.router.v3.Router') },
};

function stats(config: Json): Json {
  const typed_config = typed('extensions.filters.http.grpc_stats.v3.FilterConfig', config);
  return { name: 'grpc_stats', typed_config };
}

const direct = (path: string, code: number, inline_string: string): Json => ({
  match: { path },
  direct_response: { status: code, body: { inline_string } },
});

const ROUTES: readonly Json[] = [
  ...[400, 401, 403, 404, 418, 429, 500, 502, 503, 504].map((code) =>
    direct(`/reply/${code}`, code, `because of ${code}`),
  ),
  direct('/reply/percent', 500, 'ü%\n\u007f ~'),
  { match: { path: '/redirect' }, redirect: { host_redirect: 'b.test' } },
  { match: { path: '/dead' }, route: { cluster: 'dead' } },
  { match: { path: '/gone' }, route: { cluster: 'gone' } },
  { match: { path: '/slow' }, route: { cluster: 'main', timeout: '0.05s' } },
];

function listener(...filters: readonly Json[]): TwinListener {
  return { routes: ROUTES, hcm: { http_filters: [...filters, FILTERS.router], ...H1_TRAILERS } };
}

function ofCluster(cluster: string, filter: Json): TwinListener {
  return { ...listener(filter), cluster };
}

const H1_TRAILERS: Json = { http_protocol_options: { enable_trailers: true } };

/** Log lines by status; the filter of a line says its number. */
const FILTERED: readonly TwinLog[] = [
  ['OK'],
  ['NOT_FOUND', 'UNKNOWN'],
  ['UNAVAILABLE', 'INTERNAL'],
  ['DATA_LOSS'],
].flatMap((statuses, index) =>
  [false, true].map((exclude) => ({
    format: { log_format: { text_format_source: { inline_string: line(`${index} ${exclude}`) } } },
    filter: { grpc_status_filter: { statuses, exclude } },
  })),
);

function line(text: string): string {
  return `%DOWNSTREAM_REMOTE_ADDRESS% %REQ(:PATH)% ${text}\n`;
}

const LISTED = {
  services: [
    { name: 'pkg.Svc', method_names: ['Do', 'Other'] },
    { name: 'flat', method_names: ['x'] },
  ],
};

const UPSTREAM: Json = {
  common_http_protocol_options: { max_requests_per_connection: 1 },
  explicit_http_config: { http_protocol_options: { enable_trailers: true } },
};

const CONFIG: TwinConfig = {
  log: { log_format: GRPC_LOG },
  validate: false,
  bootstrap: { stats_flush_interval: '0.05s' },
  clusters: {
    main: UPSTREAM,
    together: UPSTREAM,
    each: UPSTREAM,
    dotless: UPSTREAM,
    listed: UPSTREAM,
  },
  moreClusters: [
    {
      name: 'dead',
      type: 'STATIC',
      load_assignment: {
        cluster_name: 'dead',
        endpoints: [
          {
            lb_endpoints: [
              {
                endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } },
              },
            ],
          },
        ],
      },
    },
  ],
  listeners: {
    main: listener(FILTERS.web, stats({ emit_filter_state: true })),
    web: listener(FILTERS.web),
    plain: listener(),
    filtered: { ...listener(), logs: [{ format: { log_format: GRPC_LOG } }, ...FILTERED] },
    matching: {
      routes: [
        {
          match: { prefix: '/', grpc: {} },
          direct_response: { status: 200, body: { inline_string: 'gRPC' } },
        },
      ],
    },
    together: ofCluster(
      'together',
      stats({ stats_for_all_methods: false, enable_upstream_stats: true }),
    ),
    each: ofCluster('each', stats({ stats_for_all_methods: true, enable_upstream_stats: true })),
    dotless: ofCluster(
      'dotless',
      stats({ stats_for_all_methods: true, replace_dots_in_grpc_service_name: true }),
    ),
    listed: ofCluster('listed', stats({ individual_method_stats_allowlist: LISTED })),
  },
};

const COUNTED: readonly TwinCase[] = ['together', 'each', 'dotless', 'listed'].flatMap((name) => [
  call('status 0', { ...GRPC, listener: name }),
  call('status 13', { ...GRPC, listener: name }, { answer: status('13') }),
  call('status 77', { ...GRPC, listener: name }, { answer: status('77') }),
  call('a status that is none', { ...GRPC, listener: name }, { answer: status('x.y') }),
  call(
    'trailers only',
    { ...GRPC, listener: name },
    {
      answer: { text: `${GRPC_HEAD}grpc-status: 5\r\ncontent-length: 0\r\n\r\n` },
    },
  ),
  ...['/flat/x', '/flat/y', '/a.b.c/D?q=1', '//pkg.Svc//Do/', '/one', '/a/b/c', '/'].map((path) =>
    call(`path ${path}`, { ...GRPC, listener: name, path }),
  ),
  call('two messages and a half', {
    ...GRPC,
    listener: name,
    body: grpcFrame('a') + grpcFrame('') + grpcFrame('xyz').slice(0, 3),
  }),
  call(
    'an answer that is not gRPC',
    { ...GRPC, listener: name },
    { answer: plain('200 OK', ASKED) },
  ),
  call('a local reply', { ...GRPC, listener: name, path: '/dead' }),
  call('not gRPC', { ...GRPC, listener: name, type: 'text/plain' }),
]);

/** Routes for gRPC alone. */
const MATCHING: readonly TwinCase[] = [
  ...['application/grpc', 'application/grpc+proto', 'application/grpc+', 'application/grpc-web'],
  ...['application/grpc-web+proto', 'application/grpc;a=b', 'application/grpcx', 'text/plain'],
].map((type) => call(`route for ${type}`, { ...GRPC, type, listener: 'matching' }));

/** What a host is judged by, and answers that broke off. */
async function judged(twin: Twin): Promise<readonly string[]> {
  const hosts = await (await fetch(`${twin.admin}/clusters`)).text();
  const broken = await (await fetch(`${twin.admin}/stats?filter=http.main.rq_reset`)).text();
  return [...hosts.split('\n'), ...broken.split('\n')]
    .filter((text) => /::(rq_success|rq_error|rq_total|rq_timeout)::|main\.rq_reset/.test(text))
    .map((text) => twin.mask(text))
    .sort();
}

async function grpcStats(twin: Twin, path: string): Promise<readonly string[]> {
  const text = await (await fetch(`${twin.admin}${path}`)).text();
  return text
    .split('\n')
    .filter((line) => /grpc/.test(line))
    .map((line) => line.replace(/(upstream_rq_time: ).*/, '$1some values'))
    .filter((line) => !/rq_time_(bucket|sum)/.test(line))
    .sort();
}

t.test('gRPC as Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await t.test('gRPC-Web', (t) => compareCases(t, twins, WEB_CASES));
    await t.test('with and without filters', (t) =>
      compareCases(t, twins, [
        ...GRPC_CASES,
        ...GRPC_CASES.map((each) => ({ ...each, listener: 'plain', title: `plain ${each.title}` })),
      ]),
    );
    await t.test('routes and log filters', (t) =>
      compareCases(t, twins, [
        ...MATCHING,
        ...GRPC_CASES.map((each) => ({
          ...each,
          listener: 'filtered',
          title: `filtered ${each.title}`,
        })),
      ]),
    );
    await t.test('hosts', async (t) => {
      t.same(await judged(twins.ours), await judged(twins.envoy));
    });
    await t.test('statistics', async (t) => {
      for (const twin of [twins.ours, twins.envoy])
        for (const each of COUNTED) await twin.runOne(each);
      for (const path of ['/stats', '/stats/prometheus']) {
        const found = await grpcStats(twins.ours, path);
        t.same(found, await grpcStats(twins.envoy, path), path);
        t.ok(found.length > 20, 'there are some');
      }
    });
  });
});
