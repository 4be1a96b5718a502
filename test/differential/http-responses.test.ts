// What upstreams answer, well or badly, and what the proxy answers itself: as clients get it.
import t from 'tap';
import type { Json, TwinListener } from '../support/twin-bootstrap.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const HEAD = 'HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const POST_HEAD = 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n';

function answer(title: string, text: string, more: Partial<TwinCase> = {}): TwinCase {
  return { title, send: GET, answer: { text }, ...more };
}

function cut(title: string, text: string, then: 'fin' | 'reset'): TwinCase {
  return answer(`${title}, then ${then}`, text, { answer: { text, end: then } });
}

function onHead(title: string, text: string, then: WireAnswer['end'] = 'nothing'): TwinCase {
  return { title: `HEAD: ${title}`, send: HEAD, methods: ['HEAD'], answer: { text, end: then } };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const SIZED = `${OK}content-length: 5\r\n\r\nhello`;

const FRAMING: readonly TwinCase[] = [
  answer('content-length', SIZED),
  answer('content-length 0', `${OK}content-length: 0\r\n\r\n`),
  answer('chunks', `${CHUNKED}5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n`),
  answer('no chunks but the last', `${CHUNKED}0\r\n\r\n`),
  answer('chunk extensions', `${CHUNKED}5;a="b"\r\nhello\r\n0\r\n\r\n`),
  answer('trailers', `${CHUNKED}5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n`),
  cut('no length', `${OK}\r\nhello`, 'fin'),
  cut('no length and nothing', `${OK}\r\n`, 'fin'),
  // Reset only when the content went through: together with it, Node 20 reports an end.
  { ...answer('no length, then reset', `${OK}\r\nhello`), resetAfter: 'hello' },
  cut('no length and connection: close', `${OK}connection: close\r\n\r\nhello`, 'fin'),
  cut('HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nhello', 'fin'),
  answer('HTTP/1.0 with length', 'HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello'),
  answer('HTTP/1.0 with chunks', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
  answer('204', 'HTTP/1.1 204 No Content\r\n\r\n'),
  answer('204 with content-length 0', 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n'),
  answer('204 with content-length', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello'),
  answer('204 with chunks', 'HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
  answer('304', 'HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n'),
  answer('304 with content-length', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'),
  answer('304 with chunks', 'HTTP/1.1 304 No\r\ntransfer-encoding: chunked\r\n\r\n'),
  answer('205', 'HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n'),
  onHead('with length', `${OK}content-length: 5\r\n\r\n`),
  onHead('with chunks', CHUNKED),
  onHead('with neither', `${OK}\r\n`),
  onHead('with length 0', `${OK}content-length: 0\r\n\r\n`),
  onHead('204', 'HTTP/1.1 204 No Content\r\n\r\n'),
  onHead('304 with length', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'),
  onHead('with a body all the same', SIZED),
];

const STATUSES: readonly TwinCase[] = [
  ...[
    200, 201, 202, 203, 206, 207, 208, 226, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403,
    404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 419, 421, 422, 423,
    424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
    520, 599, 600, 799, 999,
  ].map((status) =>
    answer(`status ${status}`, `HTTP/1.1 ${status} Their Words\r\ncontent-length: 0\r\n\r\n`),
  ),
  answer('no reason', 'HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n'),
  answer('no reason and no blank', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n'),
  answer('status 99', 'HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n'),
  answer('status 000', 'HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n'),
  answer('a status of two digits', 'HTTP/1.1 20 X\r\ncontent-length: 0\r\n\r\n'),
  answer('a status of four digits', 'HTTP/1.1 2000 X\r\ncontent-length: 0\r\n\r\n'),
  answer('a status with letters', 'HTTP/1.1 2x0 X\r\ncontent-length: 0\r\n\r\n'),
  answer('HTTP/2.0', 'HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n'),
  answer('HTTP/1.2', 'HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n'),
  answer('ICY', 'ICY 200 OK\r\ncontent-length: 0\r\n\r\n'),
  answer('no status line', 'hello\r\n\r\n'),
  cut('HTTP/0.9', 'hello', 'fin'),
  answer('two blanks in the status line', 'HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n'),
  answer('bytes above 0x7f in the reason', 'HTTP/1.1 200 \xe4\r\ncontent-length: 0\r\n\r\n'),
  answer('an empty line first', `\r\n${SIZED}`),
];

const INFORMATIONAL: readonly TwinCase[] = ['main', 'continue'].flatMap((listener): TwinCase[] => {
  const one = (title: string, text: string): TwinCase => ({
    ...answer(`${listener}: ${title}`, text),
    listener,
  });
  return [
    one('100 first', `HTTP/1.1 100 Continue\r\n\r\n${SIZED}`),
    one('102 first', `HTTP/1.1 102 Processing\r\nx: 1\r\n\r\n${SIZED}`),
    one('103 first', `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${SIZED}`),
    one('104 first', `HTTP/1.1 104 X\r\n\r\n${SIZED}`),
    one('105 first', `HTTP/1.1 105 X\r\n\r\n${SIZED}`),
    one('199 first', `HTTP/1.1 199 X\r\n\r\n${SIZED}`),
    one('several first', `HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\n\r\n${SIZED}`),
    one('100 with content-length 0', `HTTP/1.1 100 C\r\ncontent-length: 0\r\n\r\n${SIZED}`),
    one('100 with content-length', `HTTP/1.1 100 C\r\ncontent-length: 5\r\n\r\nhello${SIZED}`),
    one('100 with chunks', `HTTP/1.1 100 C\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SIZED}`),
    one(
      '101 unasked',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ),
  ];
});

const BROKEN: readonly TwinCase[] = [
  cut('nothing', '', 'fin'),
  cut('nothing', '', 'reset'),
  cut('half a status line', 'HTTP/1.', 'fin'),
  cut('half a head', `${OK}content-le`, 'fin'),
  cut('half a head', `${OK}content-le`, 'reset'),
  cut('half a body', `${OK}content-length: 10\r\n\r\nhello`, 'fin'),
  cut('half a body', `${OK}content-length: 10\r\n\r\nhello`, 'reset'),
  cut('half a chunk', `${CHUNKED}a\r\nhello`, 'fin'),
  cut('no last chunk', `${CHUNKED}5\r\nhello\r\n`, 'fin'),
  cut('no last line', `${CHUNKED}5\r\nhello\r\n0\r\n`, 'fin'),
  cut('only 100', 'HTTP/1.1 100 Continue\r\n\r\n', 'fin'),
  cut('a whole answer', SIZED, 'fin'),
  cut('a whole answer', SIZED, 'reset'),
  answer('a bad chunk size', `${CHUNKED}xyz\r\nhello\r\n0\r\n\r\n`),
  answer('a bad chunk behind a good one', `${CHUNKED}5\r\nhello\r\nxyz\r\n`),
  answer('chunk data without CRLF', `${CHUNKED}5\r\nhelloX\r\n0\r\n\r\n`),
  answer('two equal content-lengths', `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`),
  answer('two content-lengths', `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`),
  answer('a list of content-lengths', `${OK}content-length: 5, 5\r\n\r\nhello`),
  answer('a bad content-length', `${OK}content-length: x\r\n\r\nhello`),
  answer('a negative content-length', `${OK}content-length: -1\r\n\r\nhello`),
  answer('an empty content-length', `${OK}content-length: \r\n\r\nhello`),
  answer(
    'content-length and chunks',
    `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  answer('transfer-encoding gzip', `${OK}transfer-encoding: gzip\r\n\r\nhello`),
  answer(
    'transfer-encoding gzip, chunked',
    `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ),
  answer(
    'transfer-encoding identity',
    `${OK}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok`,
  ),
  answer(
    'two transfer-encodings',
    `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  answer('a NUL in a value', `${OK}x: a\0b\r\ncontent-length: 0\r\n\r\n`),
  answer('a control in a value', `${OK}x: a\x01b\r\ncontent-length: 0\r\n\r\n`),
  answer('bytes above 0x7f in a value', `${OK}x: \xe4\r\ncontent-length: 0\r\n\r\n`),
  answer('a blank before the colon', `${OK}x : 1\r\ncontent-length: 0\r\n\r\n`),
  answer('a field without colon', `${OK}nonsense\r\ncontent-length: 0\r\n\r\n`),
  answer('an empty name', `${OK}: 1\r\ncontent-length: 0\r\n\r\n`),
  answer('folding', `${OK}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`),
  answer('LF only', 'HTTP/1.1 200 OK\nx: 1\ncontent-length: 0\n\n'),
  answer('a bare CR in a value', `${OK}x: a\rb\r\ncontent-length: 0\r\n\r\n`),
  answer('too many fields', `${OK}${'x: 1\r\n'.repeat(130)}content-length: 0\r\n\r\n`),
  answer('as many fields as may be', `${OK}${'x: 1\r\n'.repeat(99)}content-length: 0\r\n\r\n`),
  answer('a large head', `${OK}x: ${'a'.repeat(70_000)}\r\ncontent-length: 0\r\n\r\n`),
  answer('a head that is too large', `${OK}x: ${'a'.repeat(90_000)}\r\ncontent-length: 0\r\n\r\n`),
  answer('bytes behind the answer', `${SIZED}more`),
  answer('a second answer', `${SIZED}${SIZED}`),
  answer('surplus behind 204', 'HTTP/1.1 204 No Content\r\n\r\nhello'),
  answer('a large body', `${OK}content-length: 200000\r\n\r\n${'0123456789'.repeat(20_000)}`),
  answer('a large chunked body', `${CHUNKED}30d40\r\n${'0123456789'.repeat(20_000)}\r\n0\r\n\r\n`),
];

const EARLY: readonly TwinCase[] = [
  {
    title: 'an answer before the request is complete',
    send: POST_HEAD,
    methods: ['POST'],
    answer: { text: SIZED, at: 'head' },
  },
  {
    title: 'an early answer of 413 with connection: close',
    send: [POST_HEAD],
    methods: ['POST'],
    answer: {
      text: 'HTTP/1.1 413 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
      at: 'head',
      end: 'fin',
    },
  },
  {
    title: 'a direct response before the request is complete',
    send: ['POST /direct HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n'],
    methods: ['POST'],
  },
  {
    title: 'a 404 before the request is complete',
    listener: 'nowhere',
    send: ['POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n'],
    methods: ['POST'],
  },
];

const HOP: readonly TwinCase[] = [
  answer(
    'fields of the hop',
    `${OK}keep-alive: timeout=5\r\nproxy-connection: keep-alive\r\nupgrade: h2c\r\nconnection: x-a\r\nx-a: 1\r\ncontent-length: 0\r\n\r\n`,
  ),
  answer('connection: close', `${OK}connection: close\r\ncontent-length: 0\r\n\r\n`),
  answer(
    'proxy fields',
    `${OK}proxy-authenticate: x\r\ntrailer: y\r\nte: trailers\r\ncontent-length: 0\r\n\r\n`,
  ),
  answer('cookies', `${OK}Set-Cookie: a=1\r\nSet-Cookie: b=2\r\ncontent-length: 0\r\n\r\n`),
  answer(
    'repeated fields',
    `${OK}via: a\r\nvia: b\r\ncontent-type: a\r\ncontent-type: b\r\nx: 1\r\nx: 2\r\ncontent-length: 0\r\n\r\n`,
  ),
  answer(
    "Envoy's fields",
    `${OK}x-envoy-upstream-service-time: 7\r\nx-envoy-overloaded: true\r\nx-envoy-immediate-health-check-fail: 1\r\nx-envoy-upstream-canary: true\r\nx-envoy-ratelimited: 1\r\nx-envoy-attempt-count: 5\r\nx-envoy-decorator-operation: d\r\nx-request-id: theirs\r\ncontent-length: 0\r\n\r\n`,
  ),
  {
    ...answer(
      "Envoy's fields, suppressed",
      `${OK}x-envoy-upstream-service-time: 7\r\nx-envoy-overloaded: true\r\nx-envoy-attempt-count: 5\r\ncontent-length: 0\r\n\r\n`,
    ),
    listener: 'suppress',
  },
  {
    ...answer(
      'a request id in the response',
      `${OK}x-request-id: theirs\r\ncontent-length: 0\r\n\r\n`,
    ),
    listener: 'echoId',
  },
  answer(
    'repeated date and server',
    `${OK}date: a\r\ndate: b\r\nserver: a\r\nserver: b\r\ncontent-length: 0\r\n\r\n`,
  ),
  answer('an empty value', `${OK}x:\r\ncontent-length: 0\r\n\r\n`),
  answer('names in capitals', `${OK}X-Some-Name: A\r\nCONTENT-LENGTH: 0\r\n\r\n`),
  {
    ...answer(
      'proper case',
      `${OK}x-some-name: A\r\nx_under: 1\r\nETag: x\r\ncontent-length: 0\r\n\r\n`,
    ),
    listener: 'proper',
  },
  answer(
    'content-type of a redirect',
    'HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n',
  ),
];

function direct(path: string, status: number, body?: string): Json {
  return {
    match: { path },
    name: path.slice(1),
    direct_response: { status, ...(body !== undefined && { body: { inline_string: body } }) },
  };
}

const DIRECT_PATHS = [
  '/200',
  '/200-empty',
  '/201',
  '/204',
  '/301',
  '/304',
  '/400',
  '/404',
  '/431',
  '/499',
  '/500',
  '/599',
  '/redirect',
  '/redirect-302',
  '/none',
  '/gone',
  '/gone-404',
  '/gone-500',
  '/refused',
  '/typed',
  '/probe',
];

const LOCAL: readonly TwinCase[] = DIRECT_PATHS.flatMap((path): TwinCase[] => {
  const request = (method: string, lines: string, name: string): TwinCase => ({
    title: `${name} ${path}`,
    listener: 'direct',
    send: `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n${lines}\r\n`,
    methods: [method],
  });
  return [
    request('GET', '', 'GET'),
    request('HEAD', '', 'HEAD'),
    request('GET', 'Connection: close\r\n', 'GET and close'),
    request('POST', 'Content-Type: application/grpc\r\n', 'gRPC'),
  ];
});

const MORE_LOCAL: readonly TwinCase[] = [
  {
    title: 'a body for 204',
    listener: 'direct',
    send: 'GET /204-body HTTP/1.1\r\nHost: a\r\n\r\n',
  },
  {
    title: 'a body for 304',
    listener: 'direct',
    send: 'GET /304-body HTTP/1.1\r\nHost: a\r\n\r\n',
  },
  {
    title: 'gRPC with a subtype',
    listener: 'direct',
    send: 'POST /404 HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc+proto\r\n\r\n',
    methods: ['POST'],
  },
  {
    title: 'gRPC-web',
    listener: 'direct',
    send: 'POST /404 HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web\r\n\r\n',
    methods: ['POST'],
  },
  {
    title: 'gRPC HEAD',
    listener: 'direct',
    send: 'HEAD /404 HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n\r\n',
    methods: ['HEAD'],
  },
  {
    title: 'gRPC and an escaped slash',
    listener: 'slash',
    send: 'POST /a%2fb HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n\r\n',
    methods: ['POST'],
  },
  {
    title: 'gRPC without Host',
    listener: 'direct',
    send: 'POST /a HTTP/1.1\r\nContent-Type: application/grpc\r\n\r\n',
    methods: ['POST'],
  },
  {
    title: 'HEAD that is malformed',
    send: 'HEAD / HTTP/1.1\r\nHost: a\r\nx y: 1\r\n\r\n',
    methods: ['GET'],
  },
  {
    title: 'local replies pipelined',
    listener: 'direct',
    send: '/404 /200 /redirect /none'
      .split(' ')
      .map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      .join(''),
    responses: 4,
  },
];

const CLOSED_PORT = {
  lb_endpoints: [
    { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } } },
  ],
};

const LISTENERS: Readonly<Record<string, TwinListener>> = {
  main: {},
  continue: { hcm: { proxy_100_continue: true } },
  suppress: { router: { suppress_envoy_headers: true } },
  echoId: { hcm: { always_set_request_id_in_response: true } },
  proper: { hcm: { http_protocol_options: { header_key_format: { proper_case_words: {} } } } },
  nowhere: { virtualHost: { domains: ['nowhere.test', 'probe', 'spare'] } },
  slash: { hcm: { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' } },
  direct: {
    virtualHost: {
      routes: [
        direct('/200', 200, 'a body\n'),
        direct('/200-empty', 200),
        direct('/201', 201, 'made'),
        direct('/204', 204),
        direct('/204-body', 204, 'body'),
        direct('/301', 301, 'moved'),
        direct('/304', 304),
        direct('/304-body', 304, 'body'),
        direct('/400', 400, 'bad'),
        direct('/404', 404, 'nothing'),
        direct('/431', 431),
        direct('/499', 499),
        direct('/500', 500, '500 µ'),
        direct('/599', 599),
        { match: { path: '/redirect' }, redirect: { host_redirect: 'b.test' } },
        {
          match: { path: '/redirect-302' },
          redirect: { https_redirect: true, response_code: 'FOUND' },
        },
        { match: { path: '/gone' }, route: { cluster: 'gone' } },
        {
          match: { path: '/gone-404' },
          route: { cluster: 'gone', cluster_not_found_response_code: 'NOT_FOUND' },
        },
        {
          match: { path: '/gone-500' },
          route: { cluster: 'gone', cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR' },
        },
        { match: { path: '/refused' }, route: { cluster: 'refused' } },
        {
          match: { path: '/typed' },
          direct_response: { status: 200, body: { inline_string: '{}' } },
          response_headers_to_add: [
            {
              header: { key: 'content-type', value: 'application/json' },
              append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
            },
            { header: { key: 'x-details', value: '%RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%' } },
          ],
        },
        direct('/probe', 200, 'probe'),
      ],
    },
    hcm: {},
  },
};

t.test('answers as Envoy', { skip: withoutEnvoy }, async (t) => {
  const config = {
    log: COMPARED_LOG,
    listeners: LISTENERS,
    validate: false,
    moreClusters: [
      {
        name: 'refused',
        type: 'STATIC',
        load_assignment: { cluster_name: 'refused', endpoints: [CLOSED_PORT] },
      },
    ],
  };
  await withTwins(config, async (twins) => {
    for (const cases of [FRAMING, STATUSES, INFORMATIONAL, BROKEN, EARLY, HOP, LOCAL, MORE_LOCAL]) {
      await compareCases(t, twins, cases);
    }
  });
});
