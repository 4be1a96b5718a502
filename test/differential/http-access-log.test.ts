// Access log lines: the default one, texts and JSON over every operator, and which exchanges the
// filters let through.
import t from 'tap';
import type { Json, TwinListener, TwinLog } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

/** Numbers that depend on time, on the run or on what came before. */
const MASKED = [
  ...['DURATION', 'REQUEST_DURATION', 'REQUEST_TX_DURATION', 'RESPONSE_DURATION'],
  ...['RESPONSE_TX_DURATION', 'UPSTREAM_CONNECTION_POOL_READY_DURATION', 'ROUNDTRIP_DURATION'],
  'DOWNSTREAM_HANDSHAKE_DURATION',
  ...[
    'DS_RX_END',
    'US_CX_BEG',
    'US_TX_BEG',
    'US_TX_END',
    'US_RX_BEG',
    'US_RX_END',
    'DS_TX_BEG',
    'DS_TX_END',
  ].map((point) => `COMMON_DURATION(DS_RX_BEG:${point}:us)`),
  'COMMON_DURATION(US_CX_BEG:US_CX_END:us)',
  'COMMON_DURATION(US_TX_BEG:US_RX_BEG:ms)',
  'START_TIME(%s)',
  'EMIT_TIME(%s)',
  'CONNECTION_ID',
  'UPSTREAM_CONNECTION_ID',
  'UPSTREAM_CONNECTION_IDS_ATTEMPTED',
  'UPSTREAM_LOCAL_PORT',
  'DOWNSTREAM_REMOTE_PORT',
];

const COMPARED = [
  ...['PROTOCOL', 'UPSTREAM_PROTOCOL', 'RESPONSE_CODE', 'RESPONSE_CODE_DETAILS'],
  ...['RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)', 'RESPONSE_FLAGS', 'RESPONSE_FLAGS_LONG'],
  ...['BYTES_RECEIVED', 'BYTES_SENT', 'REQUEST_HEADERS_BYTES', 'RESPONSE_TRAILERS_BYTES'],
  ...['DOWNSTREAM_WIRE_BYTES_RECEIVED', 'DOWNSTREAM_WIRE_BYTES_SENT'],
  ...['UPSTREAM_WIRE_BYTES_RECEIVED', 'UPSTREAM_WIRE_BYTES_SENT'],
  ...['DOWNSTREAM_HEADER_BYTES_RECEIVED', 'DOWNSTREAM_HEADER_BYTES_SENT'],
  ...['UPSTREAM_HEADER_BYTES_RECEIVED', 'UPSTREAM_HEADER_BYTES_SENT'],
  ...['BYTES_RETRANSMITTED', 'PACKETS_RETRANSMITTED'],
  ...['ROUTE_NAME', 'VIRTUAL_CLUSTER_NAME', 'UPSTREAM_CLUSTER', 'UPSTREAM_CLUSTER_RAW'],
  ...['UPSTREAM_REQUEST_ATTEMPT_COUNT', 'UPSTREAM_TRANSPORT_FAILURE_REASON'],
  ...['DOWNSTREAM_TRANSPORT_FAILURE_REASON', 'FILTER_CHAIN_NAME', 'REQUESTED_SERVER_NAME'],
  ...['LOCAL_REPLY_BODY', 'ACCESS_LOG_TYPE', 'HOSTNAME', 'ENVIRONMENT(NO_SUCH_VARIABLE)'],
  ...['CUSTOM_FLAGS', 'TRACE_ID', 'SPAN_ID', 'STREAM_ID'],
  ...['DOWNSTREAM_REMOTE_ADDRESS', 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT'],
  ...[
    'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)',
    'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT',
  ],
  ...['DOWNSTREAM_LOCAL_ADDRESS', 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', 'DOWNSTREAM_LOCAL_PORT'],
  ...['DOWNSTREAM_DIRECT_LOCAL_ADDRESS', 'UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT'],
  ...['UPSTREAM_HOST', 'UPSTREAM_HOST_NAME', 'UPSTREAM_HOST_NAME_WITHOUT_PORT'],
  ...['UPSTREAM_HOSTS_ATTEMPTED', 'UPSTREAM_HOST_NAMES_ATTEMPTED'],
  ...['UPSTREAM_REMOTE_ADDRESS', 'UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'UPSTREAM_REMOTE_PORT'],
  ...['REQ(:METHOD)', 'REQ(:PATH)', 'REQ(:AUTHORITY)', 'REQ(:SCHEME)', 'REQ(HOST)', 'REQ(X-A)'],
  ...['REQ(X-NONE?X-A)', 'REQ(X-A):2', 'REQ(X-NONE)', 'REQUEST_HEADER(x-a)', 'REQ(USER-AGENT)'],
  ...['REQ(X-FORWARDED-PROTO)', 'REQ(CONTENT-LENGTH)', 'REQ(CONNECTION)'],
  ...['RESP(:STATUS)', 'RESP(SERVER)', 'RESP(X-R)', 'RESP(X-NONE?X-R)', 'RESP(X-R):1'],
  ...['RESP(CONTENT-TYPE)', 'RESPONSE_HEADER(x-r)', 'TRAILER(X-T)', 'RESPONSE_TRAILER(x-t)'],
  ...['PATH', 'PATH(WQ)', 'PATH(NQ)', 'PATH(WQ:PATH)', 'PATH(NQ:ORIG)', 'PATH(NQ:ORIG_OR_PATH)'],
  ...['QUERY_PARAM(a)', 'QUERY_PARAM(b)', 'QUERY_PARAM(none)', 'QUERY_PARAM(a):1'],
  ...['QUERY_PARAMS(ORIG)', 'QUERY_PARAMS(DECODED)'],
  ...['GRPC_STATUS', 'GRPC_STATUS(NUMBER)', 'GRPC_STATUS(SNAKE_STRING)', 'GRPC_STATUS_NUMBER'],
  ...['DYNAMIC_METADATA(a:b)', 'UPSTREAM_METADATA(a:b)'],
  ...[
    'FILTER_STATE(none)',
    'DOWNSTREAM_TLS_VERSION',
    'DOWNSTREAM_PEER_URI_SAN',
    'UPSTREAM_TLS_VERSION',
  ],
  'COALESCE({"operators": [{"command": "REQ", "param": "X-NONE"}, "PROTOCOL"]})',
];

function label(prefix: string, index: number, operator: string): string {
  return `${prefix}${index}.${operator.replace(/[^\w():,-]/g, '')}`;
}

/** `1.OPERATOR=value` for each: two values never change places unseen. */
function textOf(operators: readonly string[], prefix: string): string {
  return operators
    .map((operator, index) => `${label(prefix, index, operator)}=%${operator}%`)
    .join('|');
}

const text = (inline_string: string): Json => ({
  log_format: { text_format_source: { inline_string } },
});
const CLIENT = '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%';

const EVERYTHING: readonly TwinLog[] = [
  { format: text(`${CLIENT} |${textOf(COMPARED, '')}\n`) },
  { format: text(`${CLIENT} |${textOf(MASKED, 't')}|tCX=%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%\n`) },
];

function jsonOf(operators: readonly string[], prefix: string): Json {
  return Object.fromEntries(
    operators.map((operator, index) => [label(prefix, index, operator), `%${operator}%`]),
  );
}

const JSON_LOGS: readonly TwinLog[] = [
  { format: { log_format: { json_format: { client: CLIENT, ...jsonOf(COMPARED, '') } } } },
  { format: { log_format: { json_format: { client: CLIENT, ...jsonOf(MASKED, 't') } } } },
  {
    format: {
      log_format: {
        json_format: {
          z: CLIENT,
          nested: {
            list: ['%RESPONSE_CODE%', 'text %REQ(X-A)% %REQ(X-NONE)%', 7, true, null],
            'quote"d': 'a"b\\c',
          },
          mixed: '%RESPONSE_CODE%-%PROTOCOL%',
          percent: '100%%',
          plain: 'ä"\\',
          empty: '',
        },
      },
    },
  },
  {
    format: {
      log_format: {
        json_format: { client: CLIENT, a: '%REQ(X-NONE)%', b: '%REQ(X-A)%-%REQ(X-NONE)%' },
        omit_empty_values: true,
      },
    },
  },
  {
    format: {
      log_format: {
        text_format_source: {
          inline_string: `omit ${CLIENT} [%REQ(X-NONE)%] [%UPSTREAM_CLUSTER%]\n`,
        },
        omit_empty_values: true,
      },
    },
  },
  { format: { log_format: { text_format: `old ${CLIENT} %PROTOCOL%\n` } } },
];

const HOST = 'Host: a.test\r\n';
const EXCHANGES: readonly TwinCase[] = ['everything', 'json'].flatMap((listener): TwinCase[] => {
  const one = (title: string, more: Partial<TwinCase>): TwinCase => ({
    title: `${listener}: ${title}`,
    listener,
    send: `GET /x?a=1%20x&b=hello&a=2 HTTP/1.1\r\n${HOST}User-Agent: me\r\nX-A: first\r\nX-A: second\r\n\r\n`,
    answer: {
      text: `${OK}x-r: r"1\\\r\nx-r: r2\r\ncontent-type: text/x\r\ncontent-length: 5\r\n\r\nhello`,
    },
    ...more,
  });
  const get = (path: string, lines = ''): Partial<TwinCase> => ({
    send: `GET ${path} HTTP/1.1\r\n${HOST}${lines}\r\n`,
  });
  return [
    one('a plain exchange', {}),
    one('content both ways', {
      send: `POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      methods: ['POST'],
      answer: { text: `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: t1\r\n\r\n` },
    }),
    one('a direct response', get('/direct?a=%7e&b')),
    one('a redirect', get('/redirect', 'X-Envoy-Original-Path: /o?q=1\r\n')),
    one('no route', { send: 'GET / HTTP/1.1\r\nHost: nowhere\r\n\r\n' }),
    one('bytes above 0x7f', get('/\x22', 'X-A: \xc3\xa4\xff"\\\t\r\n')),
    one('a refused connection', get('/refused')),
    one('a cut answer', { answer: { text: `${OK}content-length: 50\r\n\r\nhello`, end: 'fin' } }),
    one('no answer', { answer: { text: '', end: 'fin' } }),
    one('a bad answer', { answer: { text: 'rubbish\r\n\r\n' } }),
    one('a client that leaves', { halfClose: 'asked', answer: { text: '' } }),
    one('HEAD', {
      send: `HEAD /h HTTP/1.1\r\n${HOST}\r\n`,
      methods: ['HEAD'],
      answer: { text: `${OK}content-length: 9\r\n\r\n` },
    }),
    one('gRPC', {
      ...get('/svc/m', 'Content-Type: application/grpc\r\n'),
      answer: {
        text: `${OK}content-type: application/grpc\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n`,
      },
    }),
    one('gRPC without status', {
      ...get('/svc/m', 'Content-Type: application/grpc\r\n'),
      answer: { text: 'HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n' },
    }),
    one('gRPC that is refused', get('/refused', 'Content-Type: application/grpc\r\n')),
    one('an address from x-forwarded-for', get('/xff', 'X-Forwarded-For: 9.9.9.9\r\n')),
    one('a route with metadata', get('/meta')),
  ];
});

const BROKEN: readonly TwinCase[] = [
  { title: 'a broken request', listener: 'brief', send: `GET / HTTP/1.1\r\n${HOST}x y: 1\r\n\r\n` },
  {
    title: 'a head that is too large',
    listener: 'brief',
    send: `GET / HTTP/1.1\r\n${HOST}x: ${'a'.repeat(70_000)}\r\n\r\n`,
  },
];

const DEFAULT_LINES: readonly TwinCase[] = [
  {
    title: 'default: a plain exchange',
    send: `GET /d?x HTTP/1.1\r\n${HOST}User-Agent: M1 "q" \\ \xe4\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n`,
    mark: 'M1',
  },
  {
    title: 'default: a direct response',
    send: `GET /direct HTTP/1.1\r\n${HOST}User-Agent: M2\r\n\r\n`,
    mark: 'M2',
  },
  {
    title: 'default: a rewritten path',
    send: `GET /rewrite/x HTTP/1.1\r\n${HOST}User-Agent: M3\r\n\r\n`,
    mark: 'M3',
  },
  {
    title: 'default: a refused connection',
    send: `GET /refused HTTP/1.1\r\n${HOST}User-Agent: M4\r\n\r\n`,
    mark: 'M4',
  },
].map((each) => ({ ...each, listener: 'default' }));

function filtered(name: string, filter: Json): TwinLog {
  return { format: text(`${CLIENT} ${name}\n`), filter };
}

const comparison = (op: string, value: number): Json => ({
  comparison: { op, value: { default_value: value, runtime_key: 'no.such.key' } },
});
const FILTERS: readonly TwinLog[] = [
  filtered('status = 200', { status_code_filter: comparison('EQ', 200) }),
  filtered('status >= 400', { status_code_filter: comparison('GE', 400) }),
  filtered('status <= 0', { status_code_filter: comparison('LE', 0) }),
  filtered('duration >= 0', { duration_filter: comparison('GE', 0) }),
  filtered('duration <= 60000', { duration_filter: comparison('LE', 60_000) }),
  filtered('duration >= 60000', { duration_filter: comparison('GE', 60_000) }),
  filtered('not health check', { not_health_check_filter: {} }),
  filtered('traceable', { traceable_filter: {} }),
  filtered('runtime all', {
    runtime_filter: { runtime_key: 'no.such.key', percent_sampled: { numerator: 100 } },
  }),
  filtered('runtime none', {
    runtime_filter: { runtime_key: 'no.such.key', percent_sampled: { numerator: 0 } },
  }),
  filtered('header present', { header_filter: { header: { name: 'x-a', present_match: true } } }),
  filtered('header exact', {
    header_filter: { header: { name: 'x-a', string_match: { exact: 'first' } } },
  }),
  filtered('header absent', { header_filter: { header: { name: 'x-a', present_match: false } } }),
  filtered('method', {
    header_filter: { header: { name: ':method', string_match: { exact: 'GET' } } },
  }),
  filtered('path prefix', {
    header_filter: { header: { name: ':path', string_match: { prefix: '/x' } } },
  }),
  filtered('any flag', { response_flag_filter: {} }),
  filtered('flags NR or UF', { response_flag_filter: { flags: ['NR', 'UF'] } }),
  filtered('grpc not found', { grpc_status_filter: { statuses: ['NOT_FOUND'] } }),
  filtered('grpc but ok', { grpc_status_filter: { statuses: ['OK'], exclude: true } }),
  filtered('type end', { log_type_filter: { types: ['DownstreamEnd'] } }),
  filtered('type but end', { log_type_filter: { types: ['DownstreamEnd'], exclude: true } }),
  filtered('and', {
    and_filter: {
      filters: [{ status_code_filter: comparison('GE', 400) }, { response_flag_filter: {} }],
    },
  }),
  filtered('or', {
    or_filter: {
      filters: [
        { status_code_filter: comparison('EQ', 404) },
        { response_flag_filter: { flags: ['UF'] } },
      ],
    },
  }),
];

/** The first digits of a request id that is a UUID decide. */
const HALF = filtered('half', {
  runtime_filter: { runtime_key: 'no.such.key', percent_sampled: { numerator: 50 } },
});
const SAMPLED: readonly TwinCase[] = [
  '00000000',
  '00000031',
  '00000032',
  '7fffffff',
  'ffffffff',
].map((digits) => ({
  title: `sampled ${digits}`,
  listener: 'half',
  send: `GET /x HTTP/1.1\r\n${HOST}X-Request-Id: ${digits}-0000-4000-8000-000000000000\r\nConnection: close\r\n\r\n`,
}));

const FILTER_CASES: readonly TwinCase[] = [
  `GET /x HTTP/1.1\r\n${HOST}X-A: first\r\n`,
  `GET /x HTTP/1.1\r\n${HOST}X-A: first\r\nX-A: second\r\n`,
  `GET /y HTTP/1.1\r\n${HOST}X-Request-Id: 00000000-0000-4000-8000-000000000000\r\n`,
  `GET /y HTTP/1.1\r\n${HOST}X-Request-Id: ffffffff-ffff-4fff-8fff-ffffffffffff\r\n`,
  `POST /direct HTTP/1.1\r\n${HOST}`,
  `GET / HTTP/1.1\r\nHost: nowhere\r\n`,
  `GET /refused HTTP/1.1\r\n${HOST}`,
  `GET /svc/m HTTP/1.1\r\n${HOST}Content-Type: application/grpc\r\n`,
  `GET /x HTTP/1.1\r\n${HOST}bad name: 1\r\n`,
].map((head, index) => ({ title: `filters ${index}`, listener: 'filters', send: `${head}\r\n` }));

const ROUTES: readonly Json[] = [
  { match: { path: '/redirect' }, redirect: { host_redirect: 'b.test' }, name: 'moved' },
  { match: { prefix: '/rewrite' }, route: { cluster: 'main', prefix_rewrite: '/new' } },
  { match: { path: '/refused' }, route: { cluster: 'refused' } },
  {
    match: { path: '/meta' },
    route: { cluster: 'main' },
    metadata: { filter_metadata: { ns: { k: 'v' } } },
  },
];

function logging(logs: readonly TwinLog[]): TwinListener {
  return {
    logs,
    routes: ROUTES,
    virtualHost: { domains: ['a.test', 'probe', 'spare'] },
    router: { suppress_envoy_headers: true },
    hcm: { http_protocol_options: { enable_trailers: true } },
  };
}

t.test('writes the lines that Envoy writes', { skip: withoutEnvoy }, async (t) => {
  const refused = { socket_address: { address: '127.0.0.1', port_value: 1 } };
  await withTwins(
    {
      log: COMPARED_LOG,
      masks: [
        [/(?<=\|t[^=|]*=)[\d.,]+/g, '{n}'],
        [/("t[^"]*":)("[\d,]+"|[\d.]+)/g, '$1"{n}"'],
        [/^\[[\d-]+T[\d:.]+Z\]/, '[{time}]'],
        [/(?<=" \d{3} \S+ \d+ \d+ )\d+ (\d+|-)/, '{ms} {ms}'],
      ],
      moreClusters: [
        {
          name: 'refused',
          alt_stat_name: 'refused_stat',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'refused',
            endpoints: [
              { lb_endpoints: [{ endpoint: { address: refused, hostname: 'host.test:81' } }] },
            ],
          },
        },
      ],
      clusters: {
        main: {
          explicit_http_config: { http_protocol_options: { enable_trailers: true } },
          common_http_protocol_options: { max_requests_per_connection: 1 },
        },
      },
      listeners: {
        main: {},
        everything: logging(EVERYTHING),
        json: logging(JSON_LOGS),
        default: { ...logging([{ format: {} }]), router: {} },
        filters: logging(FILTERS),
        half: logging([HALF]),
        brief: {},
      },
    },
    async (twins) => {
      for (const cases of [EXCHANGES, BROKEN, DEFAULT_LINES, FILTER_CASES, SAMPLED]) {
        await compareCases(t, twins, cases);
      }
    },
  );
});
