// Command operators in every place that has them: header values of requests and responses, lines of
// text and of JSON; on exchanges that came to different ends.
import t from 'tap';
import { type Json, type TwinListener, twinMetadata, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const KINDS = [
  ...['ROUTE', 'VIRTUAL_HOST', 'CLUSTER', 'LISTENER', 'LISTENER_FILTER_CHAIN', 'UPSTREAM_HOST'],
  'DYNAMIC',
];
const PATHS = ['', ':ns', ':ns:of', ':ns:number', ':ns:yes', ':ns:none', ':ns:list', ':ns:object'];

/** What every place understands. */
const OPERATORS: readonly string[] = [
  ...KINDS.flatMap((kind) => PATHS.map((path) => `METADATA(${kind}${path})`)),
  ...['METADATA(ROUTE:ns:of):3', 'METADATA(LISTENER:ns:object:a)', 'METADATA(LISTENER:ns:of:x)'],
  ...['METADATA(ROUTE:none)', 'METADATA(ROUTE:ns:none:x)', 'METADATA(ROUTE:ns:object):5'],
  ...['CLUSTER_METADATA(ns:of)', 'CLUSTER_METADATA(ns)', 'UPSTREAM_METADATA(ns:list)'],
  ...[
    'LISTENER_NAME',
    'FILTER_CHAIN_NAME',
    'ROUTE_RESOLUTION_COUNT',
    'UPSTREAM_SERVER_NAME',
    'UPSTREAM_FILTER_STATE(x)',
  ],
  ...['UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT', 'UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT'],
  ...['UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID', 'DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID'],
  ...['DOWNSTREAM_DETECTED_CLOSE_TYPE', 'UPSTREAM_DETECTED_CLOSE_TYPE'],
  ...['DOWNSTREAM_LOCAL_CLOSE_REASON', 'UPSTREAM_LOCAL_CLOSE_REASON'],
  ...['REQUESTED_SERVER_NAME(HOST_FIRST)', 'REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)'],
  ...['REQUESTED_SERVER_NAME(SNI_FIRST:HOST)', 'REQUESTED_SERVER_NAME(SNI_ONLY:HOST)'],
  ...['FILTER_STATE(none)', 'FILTER_STATE(none:PLAIN)', 'FILTER_STATE(none:FIELD:x:y)'],
  ...['RESPONSE_CODE', 'RESPONSE_FLAGS', 'RESPONSE_FLAGS_LONG', 'PROTOCOL', 'UPSTREAM_PROTOCOL'],
  ...['REQ(x-none)', 'REQ(x-none?x-a)', 'REQ(X-A):0', 'REQ(x-empty)', 'RESP(x-none)', 'TRAILER(x)'],
  ...['REQ(:PATH):3', 'RESP(:STATUS)', 'ROUTE_NAME', 'UPSTREAM_CLUSTER', 'VIRTUAL_CLUSTER_NAME'],
  ...['GRPC_STATUS', 'TRACE_ID', 'CUSTOM_FLAGS', 'ENVIRONMENT(NO_SUCH)', 'UPSTREAM_HOST'],
  ...['DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(8)', 'DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT'],
  ...['DOWNSTREAM_PEER_CERT_V_START(%Y)', 'DOWNSTREAM_TLS_VERSION', 'UPSTREAM_TLS_CIPHER'],
  ...['QUERY_PARAM(q)', 'QUERY_PARAM(none)', 'QUERY_PARAMS', 'PATH(NQ)', 'PATH(:ORIG)'],
  ...['START_TIME(plain %% %Q%)', 'START_TIME(%^a|%-m|%ET|%::z|%5C)', 'EMIT_TIME(%E0f%Z)'],
  'COALESCE({"operators":[{"command":"REQ","param":"x-none"},{"command":"REQ","param":":path","max_length":4}]}):3',
  'COALESCE({"operators":["TRACE_ID","RESPONSE_FLAGS"]})',
  'COALESCE({"operators":[{"command":"METADATA","param":"ROUTE:none"},{"command":"METADATA","param":"ROUTE:ns:number"}]}):2',
];

/** Only header values understand these. */
const OLD_OPERATORS = [
  ...['UPSTREAM_METADATA(["ns","of"])', 'UPSTREAM_METADATA( [ "ns" , "object", "b" ] )'],
  ...['UPSTREAM_METADATA(["ns"])', 'UPSTREAM_METADATA([])', 'UPSTREAM_METADATA(["ns",3])'],
  ...['DYNAMIC_METADATA(["ns","of"])', 'CLUSTER_METADATA(["ns","of"])', 'PER_REQUEST_STATE(x)'],
];

/** Two operators may change places, two values of the same operator cannot. */
const fields = (prefix: string, operators: readonly string[]): readonly Json[] =>
  operators.map((operator, index) => ({
    header: { key: `${prefix}-${index}`, value: `%${operator}%` },
    keep_empty_value: index % 2 === 0,
  }));

const HEADER_OPERATORS = [...OPERATORS, ...OLD_OPERATORS];

/** A message has room for some of them only. */
const SHARE = 30;
const shares = Array.from({ length: Math.ceil(HEADER_OPERATORS.length / SHARE) }, (_, index) =>
  HEADER_OPERATORS.slice(index * SHARE, (index + 1) * SHARE),
);

const formatter = (type: string): Json => ({
  name: type,
  typed_config: typed(`extensions.formatter.${type}`),
});
const formatters = [
  formatter('req_without_query.v3.ReqWithoutQuery'),
  formatter('metadata.v3.Metadata'),
];
const LINE_OPERATORS = [
  ...OPERATORS,
  ...['REQ_WITHOUT_QUERY(:PATH)', 'REQ_WITHOUT_QUERY(x-none?:PATH):2', 'REQ_WITHOUT_QUERY'],
];
const CLIENT = '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%';
const LABELLED = LINE_OPERATORS.map((operator, index) => `${index}=%${operator}%`);
const text = {
  text_format_source: { inline_string: `${CLIENT} |${LABELLED.join('|')}\n` },
  formatters,
};
const json = {
  json_format: Object.fromEntries([
    ['client', CLIENT],
    ...LINE_OPERATORS.map((operator, index) => [`n${index}`, `%${operator}%`]),
    ['mixed', 'a %METADATA(ROUTE:ns:object)% b %METADATA(ROUTE:none)% c'],
  ]),
  formatters,
};

const ROUTES: readonly Json[] = [
  {
    match: { prefix: '/own' },
    direct_response: { status: 200, body: { inline_string: 'own' } },
    metadata: twinMetadata('own route'),
  },
  { match: { prefix: '/dead' }, route: { cluster: 'dead' }, metadata: twinMetadata('dead') },
  {
    match: { prefix: '/host' },
    route: { cluster: 'main', host_rewrite_literal: 'other.test' },
    metadata: twinMetadata('rewriting route'),
  },
  { match: { prefix: '/void' }, route: { cluster: 'void' } },
  { match: { prefix: '/bare' }, route: { cluster: 'main' } },
];

const listener = (more: TwinListener): TwinListener => ({
  routes: ROUTES,
  listener: { metadata: twinMetadata('listener') },
  chain: { name: 'first chain', metadata: twinMetadata('chain') },
  ...more,
});

const virtualHost = (more: Json): Json => ({
  metadata: twinMetadata('virtual host'),
  domains: ['h.test', 'probe', 'spare'],
  ...more,
});

const LISTENERS: Readonly<Record<string, TwinListener>> = {
  text: listener({ virtualHost: virtualHost({}), logs: [{ format: { log_format: text } }] }),
  json: listener({ virtualHost: virtualHost({}), logs: [{ format: { log_format: json } }] }),
  ...Object.fromEntries(
    shares.map((operators, index) => [
      `headers${index}`,
      listener({
        logs: [],
        virtualHost: virtualHost({ request_headers_to_add: fields('x-q', operators) }),
        table: { response_headers_to_add: fields('x-p', operators) },
      }),
    ]),
  ),
};

const TARGETS = ['/own?q=1', '/dead', '/void', '/host?q=%20x&r', '/bare', '/other?', '/cut'];

const CASES: readonly TwinCase[] = Object.keys(LISTENERS).flatMap((name) => [
  ...TARGETS.map(
    (target): TwinCase => ({
      title: `${name}: ${target}`,
      listener: name,
      send: `GET ${target} HTTP/1.1\r\nhost: h.test\r\nx-a: abc\r\nx-empty:\r\n\r\n`,
      ...(target === '/cut' && {
        answer: { text: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc', end: 'fin' },
      }),
    }),
  ),
  {
    title: `${name}: no virtual host`,
    listener: name,
    send: 'GET / HTTP/1.1\r\nhost: nowhere\r\n\r\n',
  },
]);

const DEAD: Json = {
  name: 'dead',
  type: 'STATIC',
  metadata: twinMetadata('dead cluster'),
  load_assignment: {
    cluster_name: 'dead',
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              hostname: 'dead.test:8',
              address: { socket_address: { address: '127.0.0.1', port_value: 1 } },
            },
          },
        ],
      },
    ],
  },
};

const VOID: Json = {
  name: 'void',
  type: 'STATIC',
  metadata: twinMetadata('void cluster'),
  load_assignment: { cluster_name: 'void' },
};

t.test('operators print what they print in Envoy', { skip: withoutEnvoy }, async (t) => {
  const end = {
    format: { log_format: { text_format_source: { inline_string: '%REQ(:PATH)%\n' } } },
  };
  // The log's end is marked through the first listener.
  const listeners = { main: { logs: [end] }, ...LISTENERS };
  await withTwins({ listeners, moreClusters: [DEAD, VOID], log: null }, (twins) =>
    compareCases(t, twins, CASES),
  );
});
