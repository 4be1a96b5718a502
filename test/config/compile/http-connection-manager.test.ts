import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { HttpConnectionManagerSchema } from '../../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { compileHttpConnectionManager } from '../../../proxy/config/compile/http-connection-manager.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../../proxy/http/h2/options.ts';
import { SANITIZED_CLIENT_CERT } from '../../../proxy/model/client-cert.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import type { HttpConnectionManagerConfig } from '../../../proxy/model/http-connection-manager.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

const ROUTER: Json = {
  name: 'router',
  typed_config: typed('extensions.filters.http.router.v3.Router'),
};
const BUFFER: Json = {
  name: 'buf',
  typed_config: typed('extensions.filters.http.buffer.v3.Buffer'),
};

function compile(members: Json = {}, environment: CompileEnvironment = testEnvironment()) {
  const base = { stat_prefix: 's', http_filters: [ROUTER] };
  const json = {
    ...base,
    ...('rds' in members || 'scoped_routes' in members ? {} : { route_config: { name: 'r' } }),
    ...members,
  };
  return compileJson(
    { schema: HttpConnectionManagerSchema, json, environment },
    compileHttpConnectionManager,
  );
}

function manager(members?: Json, environment?: CompileEnvironment): HttpConnectionManagerConfig {
  const { value, rejections } = compile(members, environment);
  t.same(problemLines(rejections), []);
  if (value === null) throw new Error('refused');
  return value;
}

function refusals(members: Json): readonly string[] {
  const { value, rejections } = compile(members);
  t.equal(value, null);
  return problemLines(rejections);
}

t.test('fills in defaults and freezes the whole', (t) => {
  const { httpFilters, routeTable, ...rest } = manager();
  t.same(rest, {
    statPrefix: 's',
    scopedRoutes: null,
    localReply: null,
    accessLogs: [],
    serverName: 'envoy',
    serverHeader: 'overwrite',
    via: '',
    useRemoteAddress: false,
    xffNumTrustedHops: 0,
    skipXffAppend: false,
    appendXForwardedPort: false,
    clientCert: SANITIZED_CLIENT_CERT,
    internalCidrs: [],
    generateRequestId: true,
    preserveExternalRequestId: false,
    alwaysSetRequestIdInResponse: false,
    normalizePath: false,
    mergeSlashes: false,
    escapedSlashes: 'keep',
    stripHostPort: 'no',
    stripTrailingHostDot: false,
    schemeOverwrite: '',
    addUserAgent: false,
    proxy100Continue: false,
    maxRequestHeaderBytes: 61_440,
    maxHeadersCount: 100,
    headersWithUnderscores: 'allow',
    maxRequestsPerConnection: 0,
    idleTimeoutMs: 3_600_000,
    maxConnectionDurationMs: 0,
    maxStreamDurationMs: 0,
    streamIdleTimeoutMs: 300_000,
    streamFlushTimeoutMs: 300_000,
    requestTimeoutMs: 0,
    requestHeadersTimeoutMs: 10_000,
    drainTimeoutMs: 5000,
    delayedCloseTimeoutMs: 1000,
    http1: {
      allowAbsoluteUrl: true,
      acceptHttp10: false,
      defaultHostForHttp10: '',
      enableTrailers: false,
      allowChunkedLength: false,
      allowCustomMethods: false,
      headerKeyFormat: 'lower',
      streamErrorOnInvalidHttpMessage: false,
    },
    codecType: 'auto',
    http2: DEFAULT_H2_PROTOCOL_OPTIONS,
    upgrades: new Map(),
  });
  t.match(httpFilters, [{ name: 'router', disabled: false }]);
  t.equal(routeTable.name, 'r');
  t.ok(Object.isFrozen(rest.http1) && Object.isFrozen(httpFilters) && Object.isFrozen(routeTable));
  t.end();
});

t.test('takes over names, ids and headers', (t) => {
  const config = manager({
    codec_type: 'HTTP1',
    server_name: 'me',
    server_header_transformation: 'APPEND_IF_ABSENT',
    via: 'edge',
    generate_request_id: false,
    preserve_external_request_id: true,
    always_set_request_id_in_response: true,
    scheme_header_transformation: { scheme_to_overwrite: 'https' },
    add_user_agent: true,
    proxy_100_continue: true,
    access_log: [
      { name: 'a', typed_config: typed('extensions.access_loggers.stream.v3.StderrAccessLog') },
    ],
    request_id_extension: {
      typed_config: typed('extensions.request_id.uuid.v3.UuidRequestIdConfig'),
    },
  });
  t.match(config, {
    serverName: 'me',
    serverHeader: 'append-if-absent',
    via: 'edge',
    generateRequestId: false,
    preserveExternalRequestId: true,
    alwaysSetRequestIdInResponse: true,
    schemeOverwrite: 'https',
    addUserAgent: true,
    proxy100Continue: true,
    accessLogs: [{ sink: { kind: 'stderr' } }],
  });
  t.equal(manager({ server_header_transformation: 'PASS_THROUGH' }).serverHeader, 'pass-through');
  t.equal(manager({ scheme_header_transformation: {} }).schemeOverwrite, '');
  t.end();
});

t.test('takes over addresses and paths', (t) => {
  const config = manager({
    use_remote_address: true,
    xff_num_trusted_hops: 2,
    skip_xff_append: true,
    append_x_forwarded_port: true,
    internal_address_config: {
      cidr_ranges: [
        { address_prefix: '10.0.0.0', prefix_len: 8 },
        { address_prefix: '1.2.3.4', prefix_len: 33 },
        { address_prefix: '::1' },
      ],
    },
    normalize_path: true,
    merge_slashes: true,
    strip_any_host_port: true,
    strip_trailing_host_dot: true,
  });
  t.match(config, {
    useRemoteAddress: true,
    xffNumTrustedHops: 2,
    skipXffAppend: true,
    appendXForwardedPort: true,
    internalCidrs: ['10.0.0.0/8', '1.2.3.4/32', '::1/0'],
    normalizePath: true,
    mergeSlashes: true,
    stripHostPort: 'any',
    stripTrailingHostDot: true,
  });
  t.equal(manager({ strip_matching_host_port: true }).stripHostPort, 'matching');
  const actions = [
    'KEEP_UNCHANGED',
    'REJECT_REQUEST',
    'UNESCAPE_AND_REDIRECT',
    'UNESCAPE_AND_FORWARD',
  ];
  const slashes = actions.map(
    (path_with_escaped_slashes_action) =>
      manager({ path_with_escaped_slashes_action }).escapedSlashes,
  );
  t.same(slashes, ['keep', 'reject', 'redirect', 'forward']);
  t.end();
});

t.test('takes over limits and timers; 0 stays 0', (t) => {
  const config = manager({
    max_request_headers_kb: 96,
    common_http_protocol_options: {
      max_headers_count: 5,
      headers_with_underscores_action: 'DROP_HEADER',
      max_requests_per_connection: 8,
      idle_timeout: '0s',
      max_connection_duration: '1s',
      max_stream_duration: '2s',
    },
    stream_idle_timeout: '0s',
    stream_flush_timeout: '7s',
    request_timeout: '3s',
    request_headers_timeout: '4s',
    drain_timeout: '6s',
    delayed_close_timeout: '0.0015s',
    http_protocol_options: { accept_http_10: true, default_host_for_http_10: 'h' },
  });
  t.equal(manager({ stream_idle_timeout: '9s' }).streamFlushTimeoutMs, 9000);
  t.match(config, {
    maxRequestHeaderBytes: 98_304,
    maxHeadersCount: 5,
    headersWithUnderscores: 'drop',
    maxRequestsPerConnection: 8,
    idleTimeoutMs: 0,
    maxConnectionDurationMs: 1000,
    maxStreamDurationMs: 2000,
    streamIdleTimeoutMs: 0,
    streamFlushTimeoutMs: 7000,
    requestTimeoutMs: 3000,
    requestHeadersTimeoutMs: 4000,
    drainTimeoutMs: 6000,
    delayedCloseTimeoutMs: 1,
    http1: { acceptHttp10: true, defaultHostForHttp10: 'h' },
  });
  const reject = { headers_with_underscores_action: 'REJECT_REQUEST' };
  t.equal(manager({ common_http_protocol_options: reject }).headersWithUnderscores, 'reject');
  t.end();
});

t.test('runtime sets the defaults of header limits', (t) => {
  const prefix = 'envoy.reloadable_features.max_request_headers';
  const runtime = new Map([
    [`${prefix}_size_kb`, 10],
    [`${prefix}_count`, 11],
  ]);
  const environment = testEnvironment({ runtime });
  t.match(manager({}, environment), { maxRequestHeaderBytes: 10_240, maxHeadersCount: 11 });
  t.match(manager({ max_request_headers_kb: 1 }, environment), { maxRequestHeaderBytes: 1024 });
  t.end();
});

t.test('refuses codecs and sources of routes that are not there', (t) => {
  t.same(refusals({ codec_type: 'HTTP3' }), [
    'codec_type: HTTP/3 codec configured on non-QUIC listener. HTTP/3 needs UDP with QUIC, which is not supported: use AUTO, HTTP1 or HTTP2',
  ]);
  t.match(refusals({ rds: { route_config_name: 'r' } }), [
    /^rds\.config_source: value is required/,
  ]);
  t.end();
});

t.test('refuses contradictions in Envoy’s words', (t) => {
  t.same(refusals({ strip_any_host_port: true, strip_matching_host_port: true }), [
    'strip_any_host_port: Error: Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.',
  ]);
  t.same(
    refusals({
      internal_address_config: { cidr_ranges: [{ address_prefix: 'foo', prefix_len: 3 }] },
    }),
    [
      "internal_address_config.cidr_ranges[0].address_prefix: invalid ip/mask combo 'foo/3' (format is <ip>/<# mask bits>)",
    ],
  );
  t.match(refusals({ scheme_header_transformation: { scheme_to_overwrite: 'ftp' } }), [
    /^scheme_header_transformation\.scheme_to_overwrite: value must be in list \[http, https\]/,
  ]);
  t.match(
    refusals({
      request_id_extension: { typed_config: typed('extensions.filters.http.router.v3.Router') },
    }),
    [
      /^request_id_extension\.typed_config: Didn't find a registered implementation for type: 'envoy\.extensions\.filters\.http\.router\.v3\.Router'/,
    ],
  );
  t.match(refusals({ request_id_extension: {} }), [/for type: ''/]);
  t.end();
});

t.test('flags that ask for what is not there are refused', (t) => {
  t.match(refusals({ scheme_header_transformation: { match_upstream: true } }), [
    /^scheme_header_transformation\.match_upstream: /,
  ]);
  t.match(refusals({ internal_address_config: { unix_sockets: true } }), [
    /^internal_address_config\.unix_sockets: /,
  ]);
  t.match(refusals({ http2_protocol_options: { disallow_obs_text: true } }), [
    /^http2_protocol_options\.disallow_obs_text: /,
  ]);
  t.end();
});

t.test('takes over the codec and the options of both protocols', (t) => {
  const codecs = ['AUTO', 'HTTP1', 'HTTP2'].map((codec_type) => manager({ codec_type }).codecType);
  t.same(codecs, ['auto', 'http1', 'http2']);
  const config = manager({
    http2_protocol_options: { max_concurrent_streams: 7, allow_connect: true },
    upgrade_configs: [{ upgrade_type: 'websocket' }],
  });
  t.match(config, { http2: { maxConcurrentStreams: 7, allowConnect: true } });
  t.same([...config.upgrades], [['websocket', { isEnabled: true, connect: null, filters: [] }]]);
  t.end();
});

t.test('what is said of one protocol’s invalid messages wins over what is said of both', (t) => {
  const lenient = (members: Json): readonly boolean[] => {
    const { http1, http2 } = manager(members);
    return [http1.streamErrorOnInvalidHttpMessage, http2.streamErrorOnInvalidHttpMessage];
  };
  const own = (override_stream_error_on_invalid_http_message: boolean) => ({
    override_stream_error_on_invalid_http_message,
  });
  const both = { stream_error_on_invalid_http_message: true };
  t.same(lenient({}), [false, false]);
  t.same(lenient(both), [true, true]);
  t.same(lenient({ ...both, http_protocol_options: {}, http2_protocol_options: {} }), [true, true]);
  t.same(lenient({ ...both, http_protocol_options: own(false) }), [false, true]);
  t.same(lenient({ ...both, http2_protocol_options: own(false) }), [true, false]);
  t.same(
    lenient({
      stream_error_on_invalid_http_message: false,
      http_protocol_options: own(true),
      http2_protocol_options: own(true),
    }),
    [true, true],
  );
  t.end();
});

t.test('a limit of responses has no place here', (t) => {
  t.same(refusals({ common_http_protocol_options: { max_response_headers_kb: 9 } }), [
    'common_http_protocol_options.max_response_headers_kb: Error: max_response_headers_kb cannot be set on http_connection_manager.',
  ]);
  t.end();
});

t.test('the router comes last, once, and enabled', (t) => {
  const of = (...http_filters: Json[]) => refusals({ http_filters });
  const terminal = (name: string) =>
    `Error: terminal filter named ${name} of type envoy.filters.http.router must be the last filter in a http filter chain.`;
  t.same(of(ROUTER, ROUTER), [`http_filters[0]: ${terminal('router')}`]);
  t.same(of(ROUTER, BUFFER), [
    `http_filters[0]: ${terminal('router')}`,
    'http_filters[1]: Error: non-terminal filter named buf of type envoy.filters.http.buffer is the last filter in a http filter chain.',
  ]);
  t.same(of({ ...ROUTER, disabled: true }), [
    'http_filters[0].disabled: Error: the last (terminal) filter (router) in the chain cannot be disabled by default.',
  ]);
  const [first, second] = manager({
    http_filters: [{ ...BUFFER, disabled: true }, ROUTER],
  }).httpFilters;
  t.match(
    [first, second],
    [
      { name: 'buf', disabled: true },
      { name: 'router', disabled: false },
    ],
  );
  t.end();
});

t.test('a chain without filters is accepted with a warning', (t) => {
  const { value, warnings } = compile({ http_filters: [] });
  t.same(value?.httpFilters, []);
  t.match(problemLines(warnings), [/^http_filters: without filters no request is ever answered/]);
  t.end();
});

t.test('names the filter that it does not have', (t) => {
  const of = (typed_config: JsonValue) =>
    refusals({ http_filters: [{ name: 'f', typed_config }, ROUTER] });
  t.match(of(typed('extensions.filters.http.cors.v3.Cors')), [
    /^http_filters\[0\]\.typed_config: .*this HTTP filter is known but not supported yet$/,
  ]);
  t.match(of(typed('extensions.filters.network.rbac.v3.RBAC')), [
    /that type configures no HTTP filter$/,
  ]);
  t.end();
});

t.test('compiles scopes, and refuses what they would have to fetch', (t) => {
  const table = { name: 't', virtual_hosts: [] };
  const scope = (members: Json): Json => ({
    ...{ name: 'a', key: { fragments: [{ string_key: 'k' }] } },
    ...members,
  });
  const scoped = (scopes: readonly Json[], extractor: Json = { name: 'X-S', index: 0 }): Json => ({
    scoped_routes: {
      name: 's',
      scope_key_builder: { fragments: [{ header_value_extractor: extractor }] },
      scoped_route_configurations_list: { scoped_route_configurations: [...scopes] },
    },
  });
  t.match(compile(scoped([scope({ route_configuration: table })])).value, {
    routeTable: { name: 's', virtualHosts: [] },
    scopedRoutes: {
      fragments: [{ header: 'x-s', elementSeparator: '', extract: { kind: 'index', index: 0 } }],
      scopes: [{ name: 'a', key: ['k'], table: { name: 't' } }],
    },
  });
  const refused = (...wanted: readonly [Json, RegExp][]): void => {
    for (const [members, reason] of wanted) t.match(refusals(members), [reason]);
  };
  const good = scope({ route_configuration: table });
  refused(
    [scoped([scope({})]), /You must specify a route_configuration with inline scoped routes/],
    [scoped([scope({ route_configuration_name: 'r' })]), /RDS .* is not supported with inline/],
    [scoped([good], { name: 'x', index: 1 }), /Index > 0 for empty string element separator/],
    [scoped([good], { name: 'x' }), /extract_type not set: use index or element/],
    [
      scoped([scope({ route_configuration: { ...table, internal_only_headers: ['x'] } })]),
      /internal_only_headers: is not supported in scoped routes/,
    ],
  );
  const { warnings } = compile(
    scoped([
      good,
      { ...good, name: 'b' },
      scope({
        name: 'c',
        route_configuration: table,
        key: { fragments: [{ string_key: 'k' }, { string_key: 'l' }] },
      }),
    ]),
  );
  t.match(problemLines(warnings), [
    /key: has 2 fragments where scope_key_builder makes 1/,
    /scopes 'a' and 'b' have the same key/,
  ]);
  t.end();
});

t.test('forwards client certificates by one policy, or by a matcher in front of it', (t) => {
  const action = typed(
    'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertConfig',
    { forward_client_cert_details: 'FORWARD_ONLY' },
  );
  const { clientCert } = manager({
    forward_client_cert_details: 'APPEND_FORWARD',
    set_current_client_cert_details: { subject: true, format: 'JSON', chain: true },
    forward_client_cert_matcher: {
      on_no_match: { action: { name: 'a', typed_config: action } },
    },
  });
  t.match(clientCert, {
    policy: {
      mode: 'append-forward',
      details: { subject: true, chain: true, uri: false, format: 'json' },
    },
    matcher: { onNoMatch: { action: { mode: 'forward-only' } } },
  });
  const other = { name: 'a', typed_config: ROUTER['typed_config'] as Json };
  const refused = refusals({ forward_client_cert_matcher: { on_no_match: { action: other } } });
  t.match(refused.join(), /registered implementation for an action with type URL/);
  t.end();
});
