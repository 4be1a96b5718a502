import t from 'tap';
import type { FormatEnvironment, FormatOptions } from '../../proxy/formatter/format-options.ts';
import type { FormatContext } from '../../proxy/formatter/formatter.ts';
import { DEFAULT_LOG_FORMAT, parseTextFormat } from '../../proxy/formatter/parse.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { HEADER_ID } from '../../proxy/http/header-names.ts';
import { RequestHead } from '../../proxy/http/message.ts';
import { emptyContext, grpcContext, proxiedContext } from '../support/format-context.ts';

const environment: FormatEnvironment = {
  hostname: 'vm',
  variable: (name) => (name === 'HOME' ? '/root' : null),
  uuid: () => 'a-new-uuid',
  utcOffsetMinutes: () => 330,
};
const LOG: FormatOptions = { forHeader: false, omitEmptyValues: false, environment };

function render(text: string, context: FormatContext, options: FormatOptions = LOG): string {
  const parsed = parseTextFormat(text, options);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.formatter.format(context);
}

function errorOf(text: string): string {
  const parsed = parseTextFormat(text, LOG);
  return parsed.ok ? 'OK' : parsed.error;
}

function requestFor(path: string, ...headers: string[]): FormatContext {
  const target = { path, authority: 'h', scheme: 'http' };
  const request = new RequestHead('HTTP/1.1', 'GET', target, HeaderList.of(...headers));
  return { ...emptyContext(), request };
}

/** Format, what a proxied exchange prints, what an empty one prints. */
const CASES: readonly (readonly [format: string, proxied: string, empty: string])[] = [
  ['START_TIME', '2026-11-21T02:53:41.061Z', '2026-11-21T02:53:41.061Z'],
  ['START_TIME()', '2026-11-21T02:53:41.061Z', '2026-11-21T02:53:41.061Z'],
  ['START_TIME(%H:%M)', '02:53', '02:53'],
  ['START_TIME_LOCAL(%H:%M %z)', '08:23 +0530', '08:23 +0530'],
  ['EMIT_TIME(%s)', '1795229626', '1795229621'],
  ['EMIT_TIME_LOCAL(%H)', '08', '08'],
  ['PROTOCOL', 'HTTP/1.1', 'HTTP/1.1'],
  ['UPSTREAM_PROTOCOL', 'HTTP/1.1', '-'],
  ['RESPONSE_CODE', '200', '0'],
  ['RESPONSE_CODE_DETAILS', 'via_upstream', '-'],
  ['RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)', 'via upstream', '-'],
  ['CONNECTION_TERMINATION_DETAILS', '-', '-'],
  ['RESPONSE_FLAGS', '-', '-'],
  ['RESPONSE_FLAGS_LONG', '-', '-'],
  ['BYTES_RECEIVED', '4', '0'],
  ['BYTES_SENT', '13', '0'],
  ['REQUEST_HEADERS_BYTES', '219', '0'],
  ['RESPONSE_HEADERS_BYTES', '30', '0'],
  ['RESPONSE_TRAILERS_BYTES', '5', '0'],
  ['DOWNSTREAM_WIRE_BYTES_RECEIVED', '120', '0'],
  ['DOWNSTREAM_WIRE_BYTES_SENT', '2804', '0'],
  ['UPSTREAM_WIRE_BYTES_RECEIVED', '179', '0'],
  ['UPSTREAM_WIRE_BYTES_SENT', '297', '0'],
  ['DOWNSTREAM_HEADER_BYTES_RECEIVED', '62', '0'],
  ['DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', '2772', '0'],
  ['UPSTREAM_HEADER_BYTES_RECEIVED', '141', '0'],
  ['UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', '239', '0'],
  ['DURATION', '2', '0'],
  ['REQUEST_DURATION', '0', '-'],
  ['REQUEST_TX_DURATION', '0', '-'],
  ['RESPONSE_DURATION', '1', '-'],
  ['RESPONSE_TX_DURATION', '1', '-'],
  ['ROUNDTRIP_DURATION', '-', '-'],
  ['DOWNSTREAM_HANDSHAKE_DURATION', '-', '-'],
  ['UPSTREAM_CONNECTION_POOL_READY_DURATION', '3', '-'],
  ['COMMON_DURATION(DS_RX_BEG:DS_RX_END:us)', '485', '-'],
  ['COMMON_DURATION(DS_RX_BEG:US_RX_BEG)', '1', '-'],
  ['COMMON_DURATION(US_TX_BEG:US_RX_END:ms)', '1', '-'],
  ['COMMON_DURATION(DS_TX_BEG:DS_TX_END:ns)', '1000000', '-'],
  ['COMMON_DURATION(US_CX_BEG:US_CX_END:us)', '25', '-'],
  ['COMMON_DURATION(DS_RX_BEG:US_HS_END:us)', '-', '-'],
  ['COMMON_DURATION(DS_TX_END:DS_RX_BEG:us)', '-', '-'],
  ['COMMON_DURATION(FOO:constructor:ns)', '-', '-'],
  ['ROUTE_NAME', 'rt', '-'],
  ['VIRTUAL_CLUSTER_NAME', '-', '-'],
  ['UPSTREAM_HOST', '127.0.0.1:19431', '-'],
  ['UPSTREAM_HOST_NAME', 'hn:81', '-'],
  ['UPSTREAM_HOST_NAME_WITHOUT_PORT', 'hn', '-'],
  ['UPSTREAM_HOSTS_ATTEMPTED', '127.0.0.1:19431', '-'],
  ['UPSTREAM_HOST_NAMES_ATTEMPTED', 'hn:81', '-'],
  ['UPSTREAM_CONNECTION_IDS_ATTEMPTED', '2,3', '-'],
  ['UPSTREAM_CLUSTER', 'calt', '-'],
  ['UPSTREAM_CLUSTER_RAW', 'c', '-'],
  ['UPSTREAM_REMOTE_ADDRESS', '127.0.0.1:19431', '-'],
  ['UPSTREAM_REMOTE_PORT', '19431', '-'],
  ['UPSTREAM_LOCAL_ADDRESS', '127.0.0.1:55244', '-'],
  ['UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', '127.0.0.1', '-'],
  ['UPSTREAM_CONNECTION_ID', '2', '0'],
  ['UPSTREAM_REQUEST_ATTEMPT_COUNT', '1', '0'],
  ['UPSTREAM_TRANSPORT_FAILURE_REASON', '-', '-'],
  ['DOWNSTREAM_TRANSPORT_FAILURE_REASON', '-', '-'],
  ['DOWNSTREAM_TLS_VERSION', '-', '-'],
  ['UPSTREAM_PEER_URI_SAN', '-', '-'],
  ['DOWNSTREAM_PEER_CERT_V_START(%Y)', '-', '-'],
  ['TLS_JA3_FINGERPRINT', '-', '-'],
  ['TLS_JA4_FINGERPRINT', '-', '-'],
  ['DOWNSTREAM_REMOTE_ADDRESS', '[2001:db8::1:2]:0', '127.0.0.1:57684'],
  ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', '2001:db8::1:2', '127.0.0.1'],
  ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)', '2001::/16', '127.0.0.0/16'],
  ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(33)', '2001:db8::/33', '127.0.0.1/32'],
  ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(0)', '::/0', '0.0.0.0/0'],
  ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16:64)', '2001:db8::1:2', '127.0.0.1'],
  ['UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(8)', '127.0.0.0/8', '-'],
  ['DOWNSTREAM_REMOTE_PORT', '0', '57684'],
  ['DOWNSTREAM_DIRECT_REMOTE_ADDRESS', '127.0.0.1:57684', '127.0.0.1:57684'],
  ['DOWNSTREAM_LOCAL_PORT', '19432', '19432'],
  ['DOWNSTREAM_DIRECT_LOCAL_PORT', '19432', '19432'],
  ['DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID', '', ''],
  ['DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID', '', ''],
  ['CONNECTION_ID', '7', '7'],
  ['STREAM_ID', '7d437576-7342-4809-89ed-9f2eabc7c04f', '-'],
  ['UNIQUE_ID', 'a-new-uuid', 'a-new-uuid'],
  ['REQ(:METHOD)', 'POST', '-'],
  ['REQ(:path):4', '/new', '-'],
  ['REQUEST_HEADER(:Scheme)', 'http', '-'],
  ['REQ(Host)', 'ex.test:99', '-'],
  ['REQ(:authority)', 'ex.test:99', '-'],
  ['REQ(x-envoy-original-path?:path)', '/orig/path?a=1%20x&b=hello&a=2&c', '-'],
  ['REQ(nope?X-A)', 'abc\\def"q"', '-'],
  ['REQ(x-a?)', 'abc\\def"q"', '-'],
  ['REQ(x-a):3', 'abc', '-'],
  ['REQ(x-a):0', '', '-'],
  ['REQ(x-a):99999999', 'abc\\def"q"', '-'],
  ['REQ(x-empty)', '', '-'],
  ['REQ(:unheard)', '-', '-'],
  ['RESP(X-Multi)', 'one', '-'],
  ['RESPONSE_HEADER(:status)', '200', '-'],
  ['TRAILER(x-t)', 'tv', '-'],
  ['RESPONSE_TRAILER(nope)', '-', '-'],
  ['PATH', '/orig/path?a=1%20x&b=hello&a=2&c', '-'],
  ['PATH(NQ)', '/orig/path', '-'],
  ['PATH(WQ:PATH)', '/new?a=1%20x&b=hello&a=2&c', '-'],
  ['PATH(NQ:PATH)', '/new', '-'],
  ['PATH(NQ:ORIG_OR_PATH)', '/orig/path', '-'],
  ['PATH(WQ:ORIG):5', '/orig', '-'],
  ['QUERY_PARAM(a)', '1 x', '-'],
  ['QUERY_PARAM(b):2', 'he', '-'],
  ['QUERY_PARAM(c)', '', '-'],
  ['QUERY_PARAM(d)', '-', '-'],
  ['QUERY_PARAMS', 'a=1%20x&b=hello&a=2&c', '-'],
  ['QUERY_PARAMS(ORIG):3', 'a=1', '-'],
  ['GRPC_STATUS', '-', '-'],
  ['GRPC_STATUS_NUMBER', '-', '-'],
  ['DYNAMIC_METADATA(ns:s)', 'text', '-'],
  ['DYNAMIC_METADATA(ns:n)', '1.5', '-'],
  ['DYNAMIC_METADATA(ns:b)', 'true', '-'],
  ['DYNAMIC_METADATA(ns:l)', '[1,"a"]', '-'],
  ['DYNAMIC_METADATA(ns:o)', '{"a":2,"z":"1"}', '-'],
  ['DYNAMIC_METADATA(ns:o):3', '{"a', '-'],
  ['DYNAMIC_METADATA(ns:o:z)', '1', '-'],
  ['DYNAMIC_METADATA(ns:s:z)', '-', '-'],
  ['DYNAMIC_METADATA(ns:toString)', '-', '-'],
  ['DYNAMIC_METADATA(other)', '-', '-'],
  ['DYNAMIC_METADATA(ns:u)', '\xc3\xbc\xe2\x82\xac', '-'],
  ['METADATA(DYNAMIC:ns:s)', 'text', '-'],
  ['METADATA(UPSTREAM_HOST:ns:k)', 'v', '-'],
  ['UPSTREAM_METADATA(ns:o)', '{"a":[true,"\xc3\xa9"],"b":1}', '-'],
  ['METADATA(CLUSTER:ns:k)', 'cluster', '-'],
  ['METADATA(ROUTE:ns:k):3', 'rou', '-'],
  ['METADATA(VIRTUAL_HOST:ns:k)', 'vhost', '-'],
  ['METADATA(LISTENER:ns)', '{"k":"listener"}', '-'],
  ['METADATA(LISTENER_FILTER_CHAIN:ns:k)', 'chain', '-'],
  ['METADATA(ROUTE)', '-', '-'],
  ['CLUSTER_METADATA(ns:n)', '1.5', '-'],
  ['ROUTE_RESOLUTION_COUNT', '0', '0'],
  ['ROUTE_RESOLUTION_TIME_US', '-', '-'],
  ['LISTENER_NAME', 'in', '-'],
  ['UPSTREAM_FILTER_STATE(fs)', '-', '-'],
  ['FILTER_STATE(fs:FIELD:field:more)', 'x', '-'],
  ['DOWNSTREAM_CX_RTT', '-', '-'],
  ['DOWNSTREAM_DETECTED_CLOSE_TYPE', 'Normal', 'Normal'],
  ['UPSTREAM_DETECTED_CLOSE_TYPE', 'Normal', '-'],
  ['DOWNSTREAM_LOCAL_CLOSE_REASON', '-', '-'],
  ['UPSTREAM_LOCAL_CLOSE_REASON', '-', '-'],
  ['UPSTREAM_SERVER_NAME', '-', '-'],
  ['UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID', '', '-'],
  ['UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT', '127.0.0.1', '-'],
  ['UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT', 'hn', '-'],
  ['FILTER_STATE(fs)', '{"10":1,"9":2,"field":"x"}', '-'],
  ['FILTER_STATE(fs:PLAIN):3', '{"1', '-'],
  ['FILTER_STATE(plain)', '"a\\"\xc3\xbc"', '-'],
  ['FILTER_STATE(plain:TYPED):3', '"a\\', '-'],
  ['FILTER_STATE(plain:PLAIN)', 'a"\xc3\xbc', '-'],
  ['DYNAMIC_METADATA(ns:p)', '{"v":"\xc3\xbc"}', '-'],
  ['FILTER_STATE(fs:FIELD:field)', 'x', '-'],
  ['REQUESTED_SERVER_NAME', '-', '-'],
  ['REQUESTED_SERVER_NAME(SNI_ONLY)', '-', '-'],
  ['REQUESTED_SERVER_NAME(HOST_FIRST)', 'ex.test:99', '-'],
  ['REQUESTED_SERVER_NAME(SNI_FIRST)', 'ex.test:99', '-'],
  ['REQUESTED_SERVER_NAME(SNI_FIRST:ORIG)', '-', '-'],
  ['REQUESTED_SERVER_NAME(HOST_FIRST:HOST)', 'ex.test:99', '-'],
  ['HOSTNAME', 'vm', 'vm'],
  ['FILTER_CHAIN_NAME', '-', '-'],
  ['LOCAL_REPLY_BODY', '', ''],
  ['ACCESS_LOG_TYPE', 'DownstreamEnd', 'NotSet'],
  ['ENVIRONMENT(HOME):2', '/r', '/r'],
  ['ENVIRONMENT(FOOBAR)', '-', '-'],
  ['TRACE_ID', '-', '-'],
  ['SPAN_ID', '-', '-'],
  ['CUSTOM_FLAGS', '', ''],
  ['BYTES_RETRANSMITTED', '0', '0'],
  ['PACKETS_RETRANSMITTED', '0', '0'],
  ['COALESCE({"operators":[{"command":"REQ","param":"no"},"PROTOCOL"]})', 'HTTP/1.1', 'HTTP/1.1'],
  ['COALESCE({"operators":[{"command":"REQ","param":"x-a","max_length":2}]}):1', 'a', '-'],
  [
    'COALESCE({"operators":[{"command":"REQ","param":"x-a","max_length":2},"RESPONSE_CODE"]})',
    'ab',
    '0',
  ],
];

t.test('every operator prints what Envoy prints', async (t) => {
  for (const [format, proxied, empty] of CASES) {
    t.equal(render(`%${format}%`, proxiedContext()), proxied, `${format} of a proxied exchange`);
    t.equal(render(`%${format}%`, emptyContext()), empty, `${format} when nothing is known`);
  }
});

t.test('the default format is one line with its newline', async (t) => {
  t.equal(
    render(DEFAULT_LOG_FORMAT, proxiedContext()),
    '[2026-11-21T02:53:41.061Z] "POST /orig/path?a=1%20x&b=hello&a=2&c HTTP/1.1" 200 - 4 13 2 - ' +
      '"-" "curl/8" "7d437576-7342-4809-89ed-9f2eabc7c04f" "ex.test:99" "127.0.0.1:19431"\n',
  );
});

t.test('flags print in the order in which they were set', async (t) => {
  const context = proxiedContext();
  context.info.addFlag('URX');
  context.info.addFlag('UF');
  t.equal(
    render('%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%', context),
    'URX,UF UpstreamRetryLimitExceeded,UpstreamConnectionFailure',
  );
});

t.test('the duration of what is not over is that so far', async (t) => {
  const context = proxiedContext();
  context.info.endMs = -1;
  t.equal(render('%DURATION%', context), '5000');
});

t.test('a cluster is known even when no host was picked', async (t) => {
  const context = emptyContext();
  context.info.clusterName = 'chosen';
  t.equal(render('%UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW%', context), 'chosen chosen');
});

t.test('a host without a name prints its address', async (t) => {
  const context = proxiedContext();
  const upstreamHost = { ...context.info.upstreamHost!, hostname: '' };
  context.info.upstreamHost = upstreamHost;
  t.equal(
    render('%UPSTREAM_HOST_NAME% %UPSTREAM_HOST_NAME_WITHOUT_PORT%', context),
    '127.0.0.1:19431 127.0.0.1',
  );
});

t.test('a pipe has no port and no network', async (t) => {
  const context = emptyContext();
  context.info.remoteAddress = { ip: '/run/s', port: -1, text: '/run/s' };
  t.equal(
    render(
      '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_PORT% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)%',
      context,
    ),
    '/run/s - /run/s',
  );
  context.info.remoteAddress = { ip: 'odd', port: 1, text: 'odd:1' };
  t.equal(render('%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)%', context), 'odd');
});

t.test('gRPC status comes from trailers, then the head, then the HTTP status', async (t) => {
  const all =
    '%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%';
  t.equal(render(all, grpcContext(200, '3', '5')), 'NotFound NOT_FOUND 5 5');
  t.equal(render(all, grpcContext(200, '3', null)), 'InvalidArgument INVALID_ARGUMENT 3 3');
  t.equal(render(all, grpcContext(200, null, '99')), '99 99 99 99');
  t.equal(render(all, grpcContext(200, null, 'x')), '-1 -1 -1 -1');
  t.equal(render(all, grpcContext(0, null, null)), '- - - -');
  const byHttp: Readonly<Record<number, number>> = {
    ...{ 200: 2, 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14, 501: 2 },
  };
  for (const [http, grpc] of Object.entries(byHttp)) {
    t.equal(render('%GRPC_STATUS_NUMBER%', grpcContext(Number(http), null, null)), `${grpc}`);
  }
  t.equal(render('%GRPC_STATUS%', requestFor('/', 'content-type', 'application/grpc-web')), '-');
});

t.test('query parameters are decoded, whole queries but for what no URL may hold', async (t) => {
  const context = requestFor('/p?%61%0a=%26%4g&x=%41%0a%20%26+z');
  t.equal(render('%QUERY_PARAM(x)%', context), 'A\\x0a &+z');
  t.equal(render('%QUERY_PARAMS%', context), '%61%0a=%26%4g&x=%41%0a%20%26+z');
  t.equal(render('%QUERY_PARAMS(DECODED)%', context), 'a%0a=&4g&x=A%0a%20&+z');
  t.equal(render('%QUERY_PARAMS% %PATH(NQ)%', requestFor('/p?')), ' /p');
  t.equal(render('%PATH(NQ)%', requestFor('/p')), '/p');
  t.equal(render('%PATH%', requestFor('')), '-');
});

t.test('values cannot break a line, in logs and in headers', async (t) => {
  const context = requestFor('/');
  // Not by `add`, which refuses what could not stand on the wire.
  context.request?.headers.addKnown(HEADER_ID.referer, 'a\tb\x1b[31m\x7f');
  t.equal(render('%REQ(referer)%\t%REQ(x-no)%\n', context), 'a\\x09b\\x1b[31m\\x7f\t-\n');
  const header = { forHeader: true, omitEmptyValues: false };
  t.equal(render('%REQ(referer)%', context, header), 'a\tb\\x1b[31m\\x7f');
});

t.test('values on log lines are bounded, header values are not', async (t) => {
  const context = requestFor('/', 'x-long', 'v'.repeat(20_000));
  t.equal(render('%REQ(x-long)%', context).length, 16_384);
  t.equal(render('%REQ(x-long):19000%', context).length, 16_384);
  const header = { forHeader: true, omitEmptyValues: false };
  t.equal(render('%REQ(x-long)%', context, header).length, 20_000);
  t.equal(render('%REQ(x-long):3%', context, header), 'vvv');
});

t.test('missing values print nothing in headers and with omit_empty_values', async (t) => {
  const text = '[%REQ(no)%%UPSTREAM_HOST%%RESPONSE_FLAGS%%ENVIRONMENT(no)%%HOSTNAME%%UNIQUE_ID%]';
  t.equal(render(text, emptyContext(), { forHeader: true, omitEmptyValues: false }), '[--]');
  t.equal(render(text, emptyContext(), { forHeader: false, omitEmptyValues: true }), '[--]');
});

t.test('literal text is sent as UTF-8 and %% is a percent sign', async (t) => {
  t.equal(render('100%% é %%%PROTOCOL%%%', emptyContext()), '100% \xc3\xa9 %HTTP/1.1%');
  t.equal(render('%START_TIME(é%Y)%', emptyContext()), '\xc3\xa92026');
  t.equal(render('', emptyContext()), '');
});

t.test('without an environment local time is UTC', async (t) => {
  const options = { forHeader: false, omitEmptyValues: false };
  t.equal(render('%START_TIME_LOCAL(%H %z %Z)%', emptyContext(), options), '02 +0000 UTC');
});

t.test('what cannot be parsed is refused in the words of Envoy', async (t) => {
  const noCommand = (text: string, at: number): string =>
    `Incorrect configuration: ${text}. Couldn't find valid command at position ${at}`;
  const errors: Readonly<Record<string, string>> = {
    '%FOO%': 'Not supported field in StreamInfo: FOO',
    '%constructor%': noCommand('%constructor%', 0),
    '%START_TIME': noCommand('%START_TIME', 0),
    'abc % def': noCommand('abc % def', 4),
    '%%%': noCommand('%%%', 2),
    '%REQ(a):x%': noCommand('%REQ(a):x%', 0),
    '%REQ(a)x%': noCommand('%REQ(a)x%', 0),
    '%%REQ(a)%': noCommand('%%REQ(a)%', 8),
    '%REQ%': 'REQ requires parameters',
    '%REQ()%': 'REQ requires parameters',
    '%REQ(a?b?c)%': 'More than 1 alternative header specified in token: a?b?c',
    '%REQ(bad name)%': 'Invalid header configuration. Format string contains invalid characters.',
    '%PROTOCOL(x)%': 'PROTOCOL does not take any parameters or length',
    '%DURATION:2%': 'DURATION does not take any parameters or length',
    '%START_TIME(%s):3%': 'START_TIME does not allow length to be specified.',
    '%START_TIME(%n)%': 'Invalid header configuration. Format string contains newline.',
    '%UPSTREAM_METADATA(a:b):4%': 'UPSTREAM_METADATA does not allow length to be specified.',
    '%COMMON_DURATION(A)%': 'Invalid common duration configuration: A.',
    '%COMMON_DURATION(A:B:ms:x)%': 'Invalid common duration configuration: A:B:ms:x.',
    '%COMMON_DURATION(A:B:xx)%': 'Invalid common duration precision: xx.',
    '%GRPC_STATUS(FOO)%':
      'GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: FOO',
    '%PATH(XX)%': `Invalid PATH option: 'XX', only 'WQ'/'NQ' are allowed`,
    '%PATH(WQ:FOO)%': `Invalid PATH option: 'FOO', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed`,
    '%QUERY_PARAMS(FOO)%': `Invalid QUERY_PARAMS option: 'FOO', only 'ORIG'/'DECODED' are allowed`,
    '%FILTER_STATE%': 'Invalid filter state configuration, key cannot be empty.',
    '%FILTER_STATE(a:FOO)%': 'Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.',
    '%FILTER_STATE(a:FIELD)%':
      'Invalid filter state serialize type, FIELD should be used with the field name.',
    '%METADATA(FOO:a)%': 'FOO is not supported type of metadata',
    '%METADATA%': ' is not supported type of metadata',
    '%REQUESTED_SERVER_NAME(X)%': `Invalid REQUESTED_SERVER_NAME option: 'X', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed`,
    '%REQUESTED_SERVER_NAME(HOST_FIRST:X)%': `Invalid REQUESTED_SERVER_NAME option: 'X', only 'ORIG_OR_HOST'/'HOST'/'ORIG' are allowed`,
    '%CEL(request.path)%':
      'CEL is not supported: CEL expressions are not evaluated; print the parts by their own operators, such as REQ and RESP',
    '%CLUSTER_METADATA(a:b):3%': 'CLUSTER_METADATA does not allow length to be specified.',
    '%UPSTREAM_FILTER_STATE%': 'Invalid filter state configuration, key cannot be empty.',
    '%DOWNSTREAM_CX_RTT(ms)%': 'DOWNSTREAM_CX_RTT does not take any parameters or length',
    '%PER_REQUEST_STATE(x)%': 'Not supported field in StreamInfo: PER_REQUEST_STATE',
    '%REQ_WITHOUT_QUERY(x)%': 'Not supported field in StreamInfo: REQ_WITHOUT_QUERY',
    '%DOWNSTREAM_PEER_CERT_V_START(%n)%':
      'Invalid header configuration. Format string contains newline.',
    '%REQ(a):18446744073709551616%': noCommand('%REQ(a):18446744073709551616%', 0),
    '%COALESCE({"operators":[{"command":"REQ","param":"a","max_length":0}]})%':
      "COALESCE: failed to parse operator at index 0: 'max_length' must be a positive integer",
    '%COALESCE({"operators":[{"command":"REQ","param":3}]})%':
      "COALESCE: failed to parse operator at index 0: 'param' field must be a string",
    '%COALESCE(xx)%': 'COALESCE: failed to parse JSON configuration: xx',
    '%COALESCE([])%': `COALESCE: JSON configuration must contain 'operators' array`,
    '%COALESCE({"operators":[]})%': `COALESCE: 'operators' array must not be empty`,
    '%COALESCE({"operators":["A"]})%':
      "COALESCE: failed to parse operator at index 0: unknown command: 'A'",
    '%COALESCE({"operators":["REQ"]})%':
      'COALESCE: failed to parse operator at index 0: REQ requires parameters',
    '%COALESCE({"operators":["PROTOCOL",3]})%':
      "COALESCE: failed to parse operator at index 1: operator entry must be either a string (command name) or an object with 'command' field",
    '%COALESCE({"operators":[{"param":"x"}]})%':
      "COALESCE: failed to parse operator at index 0: operator object must have 'command' field",
  };
  for (const [text, error] of Object.entries(errors)) t.equal(errorOf(text), error, text);
});
