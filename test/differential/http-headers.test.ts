// What the connection manager makes of a message's fields, path and authority on their way.
import t from 'tap';
import type { Json, TwinListener } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

function on(listener: string, title: string, lines: string, path = '/'): TwinCase {
  const send = `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${lines}\r\n`;
  return { title: `${listener}: ${title}`, listener, send };
}

/** The same request to several listeners. */
function onEach(names: readonly string[], title: string, lines: string, path = '/'): TwinCase[] {
  return names.map((name) => on(name, title, lines, path));
}

const CLIENTS = [
  'main',
  'edge',
  'edge1',
  'edge2',
  'edgeSkip',
  'hops1',
  'hops2',
  'internal',
  'edgeInternal',
  'ports',
  'edgePorts',
  'edge1Ports',
];

const FORWARDED: readonly TwinCase[] = [
  ...onEach(CLIENTS, 'no x-forwarded-for', ''),
  ...onEach(CLIENTS, 'one address', 'X-Forwarded-For: 9.9.9.1\r\n'),
  ...onEach(CLIENTS, 'three addresses', 'X-Forwarded-For: 9.9.9.1, 9.9.9.2,9.9.9.3\r\n'),
  ...onEach(CLIENTS, 'internal addresses', 'X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n'),
  ...onEach(CLIENTS, 'one internal address', 'X-Forwarded-For: 10.0.0.1\r\n'),
  ...onEach(CLIENTS, 'two lines', 'X-Forwarded-For: 9.9.9.1\r\nX-Forwarded-For: 9.9.9.2\r\n'),
  ...onEach(CLIENTS, 'rubbish', 'X-Forwarded-For: a, , 300.1.1.1,\r\n'),
  ...onEach(CLIENTS, 'an empty field', 'X-Forwarded-For: \r\n'),
  ...onEach(CLIENTS, 'IPv6', 'X-Forwarded-For: 2001:db8::1, 2001:DB8::2\r\n'),
  ...onEach(CLIENTS, 'an address with a port', 'X-Forwarded-For: 9.9.9.1:80\r\n'),
  ...onEach(CLIENTS, 'an IPv6 address in brackets', 'X-Forwarded-For: [2001:db8::1]:80\r\n'),
  ...onEach(CLIENTS, 'a comma behind the address', 'X-Forwarded-For: 9.9.9.1,\r\n'),
  ...onEach(CLIENTS, 'proto and port', 'X-Forwarded-Proto: https\r\nX-Forwarded-Port: 99\r\n'),
  ...onEach(['main', 'edge', 'edge1'], 'proto in capitals', 'X-Forwarded-Proto: HTTPS\r\n'),
  ...onEach(['main', 'edge', 'edge1'], 'a foreign proto', 'X-Forwarded-Proto: ftp\r\n'),
  ...onEach(['main', 'edge', 'edge1'], 'an empty proto', 'X-Forwarded-Proto: \r\n'),
  ...onEach(
    ['main', 'edge', 'edge1'],
    'two protos',
    'X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n',
  ),
  ...onEach(['main', 'edge'], 'x-forwarded-host', 'X-Forwarded-Host: b.test\r\n'),
  ...onEach(['main', 'edge'], 'forwarded', 'Forwarded: for=1.2.3.4\r\n'),
];

const OWN = [
  'X-Envoy-Internal: true',
  'X-Envoy-External-Address: 1.2.3.4',
  'X-Envoy-Original-Path: /o',
  'X-Envoy-Original-Host: o',
  'X-Envoy-Decorator-Operation: d',
  'X-Envoy-Downstream-Service-Cluster: c',
  'X-Envoy-Downstream-Service-Node: n',
  'X-Envoy-Retry-On: 5xx',
  'X-Envoy-Max-Retries: 2',
  'X-Envoy-Force-Trace: 1',
  'X-Envoy-Upstream-Alt-Stat-Name: s',
  'X-Envoy-Expected-Rq-Timeout-Ms: 99',
  'X-Envoy-Hedge-On-Per-Try-Timeout: true',
  'X-Envoy-Upstream-Rq-Per-Try-Timeout-Ms: 900',
  'X-Envoy-Upstream-Rq-Timeout-Alt-Response: 1',
  'X-Envoy-Retriable-Status-Codes: 503',
  'X-Envoy-Retriable-Header-Names: x',
  'X-Envoy-Retry-Grpc-On: cancelled',
  'X-Envoy-Ip-Tags: t',
  'X-Envoy-Attempt-Count: 9',
  'X-Envoy-Upstream-Service-Time: 9',
  'X-Envoy-Overloaded: 9',
  'X-Envoy-Something-Else: 9',
  'X-Forwarded-Client-Cert: By=x',
]
  .map((line) => `${line}\r\n`)
  .join('');

const ENVOY_FIELDS: readonly TwinCase[] = [
  ...onEach(CLIENTS, "Envoy's own fields from outside", OWN),
  ...onEach(
    ['internal', 'edgeInternal'],
    "Envoy's own fields from inside",
    `X-Forwarded-For: 10.0.0.1\r\n${OWN}`,
  ),
  on(
    'internal',
    'a timeout from inside',
    'X-Forwarded-For: 10.0.0.1\r\nX-Envoy-Upstream-Rq-Timeout-Ms: 7000\r\n',
  ),
  on(
    'internal',
    'a rubbish timeout from inside',
    'X-Forwarded-For: 10.0.0.1\r\nX-Envoy-Upstream-Rq-Timeout-Ms: 7s\r\n',
  ),
  on(
    'internal',
    'a timeout of 0 from inside',
    'X-Forwarded-For: 10.0.0.1\r\nX-Envoy-Upstream-Rq-Timeout-Ms: 0\r\n',
  ),
  on(
    'internal',
    'a negative timeout from inside',
    'X-Forwarded-For: 10.0.0.1\r\nX-Envoy-Upstream-Rq-Timeout-Ms: -5\r\n',
  ),
  on('main', 'a timeout from outside', 'X-Envoy-Upstream-Rq-Timeout-Ms: 7000\r\n'),
  on(
    'respect',
    'an expected timeout from inside',
    'X-Forwarded-For: 10.0.0.1\r\nX-Envoy-Expected-Rq-Timeout-Ms: 7000\r\n',
  ),
  on(
    'respect',
    'both timeouts from inside',
    'X-Forwarded-For: 10.0.0.1\r\nX-Envoy-Expected-Rq-Timeout-Ms: 7000\r\nX-Envoy-Upstream-Rq-Timeout-Ms: 8000\r\n',
  ),
  on('suppress', 'no fields of Envoy are added', ''),
  on('attempts', 'attempt counts', ''),
  on('agent', 'no user agent', ''),
  on('agent', 'a user agent', 'User-Agent: me\r\n'),
  on('agent', 'an empty user agent', 'User-Agent: \r\n'),
];

const HOP: readonly TwinCase[] = [
  on('main', 'keep-alive', 'Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n'),
  on('main', 'proxy fields', 'Proxy-Authorization: x\r\nProxy-Authenticate: y\r\n'),
  on('main', 'te trailers', 'TE: trailers\r\n'),
  on('main', 'te gzip', 'TE: gzip\r\n'),
  on('main', 'te gzip and trailers', 'TE: gzip, Trailers;q=1\r\n'),
  on('main', 'te trailers nominated', 'TE: trailers\r\nConnection: te\r\n'),
  on('main', 'te nominated', 'TE: gzip\r\nConnection: TE, close\r\n'),
  on('main', 'a nominated field', 'Connection: x-a\r\nX-A: 1\r\nX-B: 2\r\n'),
  on('main', 'a nominated field in capitals', 'Connection: X-A\r\nX-A: 1\r\n'),
  on(
    'main',
    'nominated fields in two lines',
    'Connection: x-a\r\nConnection: x-b\r\nX-A: 1\r\nX-B: 2\r\n',
  ),
  on('main', 'a nominated field that is absent', 'Connection: x-a\r\n'),
  on('main', 'a nominated Host', 'Connection: host\r\n'),
  on('main', 'nominated cookies', 'Connection: cookie\r\nCookie: a\r\nCookie: b\r\n'),
  on(
    'main',
    'nominated x-forwarded-for',
    'Connection: x-forwarded-for\r\nX-Forwarded-For: 1.1.1.1\r\n',
  ),
  on('main', 'nominated x-forwarded-host', 'Connection: x-forwarded-host\r\n'),
  on('main', 'nominated x-forwarded-proto', 'Connection: x-forwarded-proto\r\n'),
  on('main', 'nominated x-request-id', 'Connection: x-request-id\r\nX-Request-Id: 1\r\n'),
  on('main', 'nominated user-agent', 'Connection: user-agent\r\nUser-Agent: me\r\n'),
  on('main', 'a nominated pseudo-field', 'Connection: :path\r\n'),
  on('main', 'nominated content-length', 'Connection: content-length\r\nContent-Length: 0\r\n'),
  on(
    'main',
    'ten nominated',
    `Connection: ${Array.from({ length: 10 }, (_, i) => `x-${i}`).join(',')}\r\n`,
  ),
  on(
    'main',
    'nine nominated',
    `Connection: ${Array.from({ length: 9 }, (_, i) => `x-${i}`).join(',')}\r\n`,
  ),
  on('main', 'a long te nominated', `Connection: te\r\nTE: ${'a'.repeat(300)}\r\n`),
  on('main', 'an empty connection', 'Connection: \r\n'),
  on('main', 'commas in connection', 'Connection: ,, close ,\r\n'),
  on('main', 'trailer', 'Trailer: x\r\n'),
  on('main', 'cookies', 'Cookie: a=1\r\nCookie: b=2\r\n'),
  on('main', 'repeated accept', 'Accept: a\r\nAccept: b\r\n'),
  on('main', 'repeated x-request-id', 'X-Request-Id: a\r\nX-Request-Id: b\r\n'),
  on('main', 'repeated user-agent', 'User-Agent: a\r\nUser-Agent: b\r\n'),
  on('main', 'repeated authorization', 'Authorization: a\r\nAuthorization: b\r\n'),
  on('main', 'repeated content-type', 'Content-Type: a\r\nContent-Type: b\r\n'),
  on('main', 'repeated via', 'Via: a\r\nVia: b\r\n'),
  on('via', 'repeated via', 'Via: a\r\nVia: b\r\n'),
  ...[
    'http://b.test/x',
    '/rel',
    'rel',
    'http://b.test/x#f',
    'http://u@b.test/',
    'ftp://b.test/',
    'about:blank',
    'https://b.test',
    '//b.test/',
    'http://',
    '',
    'HTTP://B.test/x?y',
    'http://b.test:99999/',
    'http://b.test:80/ x',
  ].map((referer) => on('main', `referer «${referer}»`, `Referer: ${referer}\r\n`)),
  on('main', 'two referers', 'Referer: /a\r\nReferer: /b\r\n'),
];

const IDENTITY: readonly TwinCase[] = [
  ...onEach(
    ['main', 'edge', 'edgePreserve', 'noId', 'echoId', 'edgeNoId'],
    'a request id',
    'X-Request-Id: given\r\n',
  ),
  ...onEach(['main', 'edge', 'noId', 'echoId'], 'no request id', ''),
  ...onEach(['main', 'edge', 'echoId'], 'an empty request id', 'X-Request-Id: \r\n'),
  on('main', 'a forced trace', 'X-Envoy-Force-Trace: 1\r\nX-Request-Id: given\r\n'),
  on(
    'internal',
    'a forced trace from inside',
    'X-Forwarded-For: 10.0.0.1\r\nX-Envoy-Force-Trace: 1\r\nX-Request-Id: given\r\n',
  ),
  on('via', 'via', ''),
  on('via', 'a via given', 'Via: 1.0 x\r\n'),
  ...['main', 'serverName', 'serverAppend', 'serverPass'].flatMap((name): TwinCase[] => [
    {
      ...on(name, 'a server given', ''),
      answer: {
        text: 'HTTP/1.1 200 OK\r\nServer: theirs\r\nVia: 1.1 theirs\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n',
      },
    },
    on(name, 'no server given', ''),
    on(name, 'a direct response', '', '/direct'),
  ]),
  {
    ...on('via', 'via on the response', ''),
    answer: { text: 'HTTP/1.1 200 OK\r\nVia: 1.1 theirs\r\ncontent-length: 0\r\n\r\n' },
  },
  on('via', 'via on a direct response', '', '/direct'),
  ...['schemeHttps', 'schemeHttp'].flatMap((name) => [
    on(name, 'scheme', ''),
    on(name, 'scheme beside a proto', 'X-Forwarded-Proto: http\r\n'),
    on(name, 'scheme in a redirect', '', '/redirect'),
  ]),
  ...['main', 'edge'].map((name) =>
    on(name, 'scheme of a proto in a redirect', 'X-Forwarded-Proto: https\r\n', '/redirect'),
  ),
  {
    title: 'https in an absolute form, in a redirect',
    send: 'GET https://b.test/redirect HTTP/1.1\r\nHost: a.test\r\n\r\n',
  },
  {
    title: 'https in an absolute form, from outside',
    listener: 'edge',
    send: 'GET https://b.test/redirect HTTP/1.1\r\nHost: a.test\r\n\r\n',
  },
];

const HOSTS = [
  'a.test',
  'a.test:80',
  'a.test:{port}',
  'a.test.',
  'a.test.:80',
  '[::1]:80',
  'A.test:443',
  'a.test.:{port}',
  '1.2.3.4:{port}',
  '[::1]:{port}',
];
const AUTHORITY: readonly TwinCase[] = [
  'main',
  'stripMatching',
  'stripAny',
  'stripDot',
  'stripBoth',
].flatMap((listener) =>
  HOSTS.map((host) => ({
    title: `${listener}: authority ${host}`,
    listener,
    send: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  })),
);

const PATH_TEXTS = [
  '/a/b',
  '/a/../b',
  '/a/./b',
  '/../../a',
  '/a/..',
  '/a/.',
  '/a//b',
  '//a',
  '/a//',
  '/a/%2e%2E/b',
  '/a%2fb',
  '/a%2Fb%5cc%5C',
  '/a\\b',
  '/a/..\\b',
  '/%00',
  '/a%',
  '/a%zz',
  '/%41%7e%3f',
  '/a?b=/../c',
  '/a?b=%2f//',
  '/a%25%32%66',
  '/a;x=1/..;y/b',
  '/a/..;x/b',
  '/"<>^`{|}',
  '/%7B%22',
  '/a/%2e./b',
  '/%2f../b',
  '/..%2fb',
  '/a/b/../..//c/',
  '/.a/..b/...',
  '/%E4%bd',
  '/a%2f%2Fb',
  '/a/?',
  '/?',
];
const PATHS: readonly TwinCase[] = [
  'main',
  'normalize',
  'merge',
  'both',
  'slashReject',
  'slashRedirect',
  'slashForward',
  'slashAll',
].flatMap((listener) => PATH_TEXTS.map((path) => on(listener, `path ${path}`, '', path)));

const hcm = (options: Json): TwinListener => ({ hcm: options });
const INSIDE = {
  internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
};

const REDIRECT = { match: { path: '/redirect' }, redirect: { path_redirect: '/there' } };

const LISTENERS: Readonly<Record<string, TwinListener>> = {
  main: { routes: [REDIRECT] },
  edge: { hcm: { use_remote_address: true }, routes: [REDIRECT] },
  edge1: hcm({ use_remote_address: true, xff_num_trusted_hops: 1 }),
  edge2: hcm({ use_remote_address: true, xff_num_trusted_hops: 2 }),
  edgeSkip: hcm({ use_remote_address: true, skip_xff_append: true }),
  hops1: hcm({ xff_num_trusted_hops: 1 }),
  hops2: hcm({ xff_num_trusted_hops: 2 }),
  internal: hcm(INSIDE),
  edgeInternal: hcm({
    use_remote_address: true,
    internal_address_config: {
      cidr_ranges: [
        { address_prefix: '127.0.0.0', prefix_len: 8 },
        { address_prefix: '10.0.0.0', prefix_len: 8 },
      ],
    },
  }),
  ports: hcm({ append_x_forwarded_port: true }),
  edgePorts: hcm({ append_x_forwarded_port: true, use_remote_address: true }),
  edge1Ports: hcm({
    append_x_forwarded_port: true,
    use_remote_address: true,
    xff_num_trusted_hops: 1,
  }),
  respect: { hcm: INSIDE, router: { respect_expected_rq_timeout: true } },
  suppress: { router: { suppress_envoy_headers: true } },
  attempts: {
    virtualHost: { include_request_attempt_count: true, include_attempt_count_in_response: true },
  },
  agent: hcm({ add_user_agent: true }),
  edgePreserve: hcm({ use_remote_address: true, preserve_external_request_id: true }),
  noId: hcm({ generate_request_id: false }),
  edgeNoId: hcm({ use_remote_address: true, generate_request_id: false }),
  echoId: hcm({ always_set_request_id_in_response: true }),
  via: hcm({ via: '1.1 here' }),
  serverName: hcm({ server_name: 'mine' }),
  serverAppend: hcm({ server_header_transformation: 'APPEND_IF_ABSENT' }),
  serverPass: hcm({ server_header_transformation: 'PASS_THROUGH' }),
  schemeHttps: {
    hcm: { scheme_header_transformation: { scheme_to_overwrite: 'https' } },
    routes: [REDIRECT],
  },
  schemeHttp: {
    hcm: { scheme_header_transformation: { scheme_to_overwrite: 'http' } },
    routes: [REDIRECT],
  },
  stripMatching: hcm({ strip_matching_host_port: true }),
  stripAny: hcm({ strip_any_host_port: true }),
  stripDot: hcm({ strip_trailing_host_dot: true }),
  stripBoth: hcm({ strip_trailing_host_dot: true, strip_any_host_port: true }),
  normalize: hcm({ normalize_path: true }),
  merge: hcm({ merge_slashes: true }),
  both: hcm({ normalize_path: true, merge_slashes: true }),
  slashReject: hcm({ path_with_escaped_slashes_action: 'REJECT_REQUEST' }),
  slashRedirect: hcm({ path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' }),
  slashForward: hcm({ path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD' }),
  slashAll: hcm({
    path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
    normalize_path: true,
    merge_slashes: true,
  }),
};

t.test('conditions requests and responses as Envoy', { skip: withoutEnvoy }, async (t) => {
  const bootstrap = { node: { id: 'the-node', cluster: 'the-cluster' } };
  await withTwins({ log: COMPARED_LOG, listeners: LISTENERS, bootstrap }, async (twins) => {
    for (const cases of [FORWARDED, ENVOY_FIELDS, HOP, IDENTITY, AUTHORITY, PATHS]) {
      await compareCases(t, twins, cases);
    }
  });
});
