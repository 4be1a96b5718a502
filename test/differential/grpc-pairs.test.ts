// gRPC and gRPC-Web where one side or both speak HTTP/2: messages, local replies and log lines.
import t from 'tap';
import { GRPC_LOG } from '../support/grpc-log.ts';
import { base64Text, grpcFrame } from '../support/grpc-wire.ts';
import type { Field } from '../support/h2-hpack.ts';
import { overPairs, PAIRS, type PairAnswer, type PairCase } from '../support/pair-case.ts';
import { type Json, overHttp2, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const ASKED = grpcFrame('what is it?');
const ANSWER = [grpcFrame('hello'), grpcFrame('world!')];
const GRPC: readonly Field[] = [['content-type', 'application/grpc']];
const FINE: readonly Field[] = [
  ['grpc-status', '0'],
  ['grpc-message', 'fine'],
  ['x-t', '1'],
];

const answered = (trailers: readonly Field[] = FINE): PairAnswer => ({
  fields: GRPC,
  body: ANSWER,
  trailers,
});

function call(
  title: string,
  answer: PairAnswer = answered(),
  fields: readonly Field[] = [],
): PairCase {
  const request = {
    method: 'POST',
    path: '/pkg.Svc/Do',
    fields: [...GRPC, ...fields],
    body: [ASKED],
  };
  return { title: `grpc: ${title}`, request, answer };
}

function localReply(path: string, method = 'POST'): PairCase {
  const request = { method, path, fields: GRPC, body: method === 'HEAD' ? null : [ASKED] };
  return { title: `grpc: ${method} ${path}`, request };
}

const headOnly = (...fields: readonly Field[]): PairAnswer => ({
  fields: [...GRPC, ...fields, ['content-length', '0']],
});

const CALLS: readonly PairCase[] = [
  ...['0', '5', '13', '99', 'x'].map((value) =>
    call(`status ${value}`, answered([['grpc-status', value]])),
  ),
  call('trailers', answered()),
  call(
    'trailers with octets',
    answered([
      ['grpc-status', '2'],
      ['x-bin', 'AP8='],
    ]),
  ),
  call('trailers only', headOnly(['grpc-status', '5'], ['grpc-message', 'no'])),
  call('a head alone', headOnly()),
  call('no message', { fields: GRPC, body: [], trailers: FINE }),
  call('no trailers', answered([])),
  call('an error page', { status: 503, fields: [['content-length', '4']], body: ['busy'] }),
  call('te', answered(), [['te', 'trailers']]),
  call('a deadline', answered(), [
    ['te', 'trailers'],
    ['grpc-timeout', '1S'],
  ]),
  {
    title: 'grpc: an answer that is cut',
    request: { method: 'POST', path: '/pkg.Svc/Do', fields: GRPC, body: [ASKED] },
    answer: { fields: GRPC, body: ANSWER, isOpen: true, end: 'reset' },
  },
  {
    title: 'grpc: trailers of a request',
    request: {
      ...{ method: 'POST', path: '/pkg.Svc/Do', fields: GRPC },
      ...{ body: [ASKED], trailers: [['x-t', '1']] as const },
    },
    answer: answered(),
  },
  ...['/reply/400', '/reply/404', '/reply/429', '/reply/503', '/reply/percent', '/redirect'].map(
    (path) => localReply(path),
  ),
  ...['/dead', '/gone', '/a#b'].map((path) => localReply(path)),
  localReply('/reply/503', 'HEAD'),
  ...['/slow', '/bounded'].map((path) => ({
    ...localReply(path),
    answer: { fields: GRPC, body: [], isOpen: true },
  })),
];

function webCall(
  title: string,
  isText: boolean,
  answer = answered(),
  path = '/pkg.Svc/Do',
): PairCase {
  const type = isText ? 'application/grpc-web-text' : 'application/grpc-web';
  const body = isText ? base64Text(ASKED) : ASKED;
  const fields: readonly Field[] = [
    ['content-type', type],
    ...(isText ? [['accept', type] as const] : []),
    ['content-length', String(body.length)],
  ];
  const name = `web ${isText ? 'text' : 'binary'}: ${title}`;
  return { title: name, request: { method: 'POST', path, fields, body: [body] }, answer };
}

const WEB: readonly PairCase[] = [false, true].flatMap((isText) => [
  webCall('a call', isText),
  webCall('trailers only', isText, headOnly(['grpc-status', '5'], ['grpc-message', 'no'])),
  webCall('an error page', isText, {
    ...{ status: 503, fields: [['content-type', 'text/html']] as const },
    body: ['too ', 'busy'],
  }),
  webCall('an error page with trailers', isText, {
    ...{ status: 500, body: ['too ', 'busy'] },
    trailers: [['x-t', '1']],
  }),
  webCall('a local reply', isText, answered(), '/reply/503'),
  webCall('no upstream', isText, answered(), '/dead'),
]);

const direct = (code: number, inline_string: string, path = `/reply/${code}`): Json => ({
  match: { path },
  direct_response: { status: code, body: { inline_string } },
});

const filter = (name: string, type: string, config: Json = {}): Json => ({
  name,
  typed_config: typed(`extensions.filters.http.${type}`, config),
});

function listenerOf(pair: string): TwinListener {
  const cluster = pair.endsWith('h2') ? 'h2' : 'main';
  return {
    cluster,
    hcm: {
      http_protocol_options: { enable_trailers: true },
      http_filters: [
        filter('web', 'grpc_web.v3.GrpcWeb'),
        filter('stats', 'grpc_stats.v3.FilterConfig', { emit_filter_state: true }),
        filter('router', 'router.v3.Router'),
      ],
    },
    routes: [
      ...[400, 404, 429, 503].map((code) => direct(code, `because of ${code}`)),
      direct(500, 'ü%\n\u007f ~', '/reply/percent'),
      { match: { path: '/redirect' }, redirect: { host_redirect: 'b.test' } },
      { match: { path: '/dead' }, route: { cluster: 'dead' } },
      { match: { path: '/gone' }, route: { cluster: 'gone' } },
      { match: { path: '/slow' }, route: { cluster, timeout: '0.1s' } },
      {
        match: { path: '/bounded' },
        route: { cluster, max_stream_duration: { max_stream_duration: '0.1s' } },
      },
    ],
  };
}

const CONFIG = {
  log: { log_format: GRPC_LOG },
  validate: false,
  listeners: Object.fromEntries(['main', ...PAIRS].map((pair) => [pair, listenerOf(pair)])),
  clusters: {
    main: {
      common_http_protocol_options: { max_requests_per_connection: 1 },
      explicit_http_config: { http_protocol_options: { enable_trailers: true } },
    },
    h2: overHttp2(),
  },
  moreClusters: [{ name: 'dead', type: 'STATIC', load_assignment: { cluster_name: 'dead' } }],
};

t.test('gRPC over HTTP/2 as Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    const cases = [...CALLS, ...WEB].flatMap(overPairs);
    await compareCases(t, twins, cases);
  });
});
