import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileUpstreamHttp } from '../../../proxy/config/compile/upstream-http.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../../proxy/http/h2/options.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };
const KEY = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const COMMON: Json = {
  idle_timeout: '0s',
  max_connection_duration: '60s',
  max_headers_count: 7,
  max_requests_per_connection: 3,
};
const COMPILED_COMMON = {
  idleTimeoutMs: 0,
  maxConnectionDurationMs: 60_000,
  maxHeadersCount: 7,
  maxRequestsPerConnection: 3,
};

function compile(json: Json) {
  return compileJson({ schema: ClusterSchema, json: { name: 'c', ...json } }, compileUpstreamHttp);
}

function options(members: Json): Json {
  return {
    typed_extension_protocol_options: { [KEY]: typed(KEY.slice('envoy.'.length), members) },
  };
}

function refusals(json: Json): readonly string[] {
  return problemLines(compile(json).rejections);
}

t.test('reads typed options', (t) => {
  const explicit_http_config = {
    http_protocol_options: { enable_trailers: true, header_key_format: { proper_case_words: {} } },
  };
  const { value, rejections } = compile(
    options({ explicit_http_config, common_http_protocol_options: COMMON }),
  );
  t.same(rejections, []);
  t.match(value, {
    ...COMPILED_COMMON,
    http1: { enableTrailers: true, headerKeyFormat: 'proper-case' },
  });
  t.end();
});

t.test('reads the older fields of the cluster', (t) => {
  const json = {
    common_http_protocol_options: COMMON,
    http_protocol_options: { allow_chunked_length: true },
  };
  t.match(compile(json).value, { ...COMPILED_COMMON, http1: { allowChunkedLength: true } });
  t.equal(compile({ max_requests_per_connection: 9 }).value.maxRequestsPerConnection, 9);
  t.same(refusals({ max_requests_per_connection: 9, common_http_protocol_options: COMMON }), [
    'max_requests_per_connection: Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified',
  ]);
  t.end();
});

t.test('names are taken from requests where options say so', (t) => {
  const explicit_http_config = { http_protocol_options: {} };
  const names = { auto_sni: true, override_auto_sni_header: 'X-Name' };
  const { value, rejections } = compile(
    options({ explicit_http_config, upstream_http_protocol_options: names }),
  );
  t.same(rejections, []);
  t.same(value.requestNames, { setsServerName: true, verifiesName: false, header: 'x-name' });
  const old = compile({ upstream_http_protocol_options: { auto_san_validation: true } }).value;
  t.same(old.requestNames, { setsServerName: false, verifiesName: true, header: '' });
  const header = { override_auto_sni_header: 'x-name' };
  t.equal(compile({ upstream_http_protocol_options: header }).value.requestNames, undefined);
  t.end();
});

t.test('typed options take the place of the older fields, but for the number of requests', (t) => {
  const explicit_http_config = { http_protocol_options: {} };
  const json = {
    ...options({ explicit_http_config }),
    max_requests_per_connection: 9,
    common_http_protocol_options: COMMON,
    http_protocol_options: {},
    http2_protocol_options: { custom_settings_parameters: [{ identifier: 8, value: 1 }] },
  };
  const { value, rejections } = compile(json);
  t.same(rejections, []);
  t.match(value, { protocol: 'http1', idleTimeoutMs: 3_600_000, maxRequestsPerConnection: 9 });
  t.same(
    refusals({
      ...options({ explicit_http_config, common_http_protocol_options: COMMON }),
      max_requests_per_connection: 9,
    }),
    [
      'max_requests_per_connection: Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified',
    ],
  );
  t.end();
});

t.test('the explicit configuration decides the protocol', (t) => {
  const http2 = options({
    explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 5 } },
  });
  t.match(compile(http2).value, { protocol: 'http2', http2: { maxConcurrentStreams: 5 } });
  const http1 = options({ explicit_http_config: { http_protocol_options: {} } });
  t.match(compile(http1).value, {
    protocol: 'http1',
    http2: DEFAULT_H2_PROTOCOL_OPTIONS,
  });
  t.end();
});

t.test('the downstream protocol may be used, with options for either', (t) => {
  const plain = options({ use_downstream_protocol_config: {} });
  t.match(compile(plain).value, { protocol: 'downstream', http2: DEFAULT_H2_PROTOCOL_OPTIONS });
  const both = options({
    use_downstream_protocol_config: {
      http_protocol_options: { enable_trailers: true },
      http2_protocol_options: { hpack_table_size: 0 },
    },
  });
  t.match(compile(both).value, {
    protocol: 'downstream',
    http1: { enableTrailers: true },
    http2: { hpackTableSize: 0 },
  });
  t.end();
});

t.test('ALPN may choose, with options for either protocol', (t) => {
  const plain = options({ auto_config: {} });
  t.match(compile(plain), {
    value: { protocol: 'auto', http2: DEFAULT_H2_PROTOCOL_OPTIONS },
    rejections: [],
  });
  const both = options({
    auto_config: {
      http_protocol_options: { enable_trailers: true },
      http2_protocol_options: { hpack_table_size: 0 },
    },
  });
  t.match(compile(both).value, {
    protocol: 'auto',
    http1: { enableTrailers: true },
    http2: { hpackTableSize: 0 },
  });
  t.end();
});

t.test('the older fields decide the protocol as in Envoy', (t) => {
  t.equal(compile({}).value.protocol, 'http1');
  t.equal(compile({ http_protocol_options: {} }).value.protocol, 'http1');
  t.match(compile({ http2_protocol_options: { allow_connect: true } }).value, {
    protocol: 'http2',
    http2: { allowConnect: true },
  });
  const both: Json = { http_protocol_options: {}, http2_protocol_options: {} };
  t.same(refusals(both), [
    "http2_protocol_options: cluster: Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values",
  ]);
  const downstream = { ...both, protocol_selection: 'USE_DOWNSTREAM_PROTOCOL' };
  t.match(compile(downstream), { value: { protocol: 'downstream' }, rejections: [] });
  t.end();
});

t.test('problems of HTTP/2 options are told under their path', (t) => {
  const custom_settings_parameters = [{ identifier: 8, value: 1 }];
  const path = 'http2_protocol_options.custom_settings_parameters[0]';
  const place = `typed_extension_protocol_options["${KEY}"]`;
  const http2_protocol_options = { custom_settings_parameters };
  const start = (text: string | undefined): string => text?.slice(0, text.indexOf(':')) ?? '';
  const at = (json: Json): string => start(refusals(json)[0]);
  t.equal(at({ http2_protocol_options }), path);
  const explicit = options({ explicit_http_config: { http2_protocol_options } });
  t.equal(at(explicit), `${place}.explicit_http_config.${path}`);
  const downstream = options({ use_downstream_protocol_config: { http2_protocol_options } });
  t.equal(at(downstream), `${place}.use_downstream_protocol_config.${path}`);
  t.end();
});

t.test('demands a choice of protocol', (t) => {
  const place = `typed_extension_protocol_options["${KEY}"]`;
  t.same(refusals(options({})), [
    `${place}: 'upstream_protocol_options' is required: one of explicit_http_config, use_downstream_protocol_config, auto_config`,
  ]);
  t.same(refusals(options({ explicit_http_config: {} })), [
    `${place}.explicit_http_config: 'protocol_config' is required: use http_protocol_options or http2_protocol_options`,
  ]);
  t.end();
});

t.test('responses have limits, with other defaults for either protocol', (t) => {
  const limits = (json: Json, runtime = new Map<string, number>()) => {
    const environment = testEnvironment({ runtime });
    const source = { schema: ClusterSchema, json: { name: 'c', ...json }, environment };
    const { value } = compileJson(source, compileUpstreamHttp);
    return [value.maxResponseHeaderBytes, value.maxHttp2ResponseHeaderBytes, value.maxHeadersCount];
  };
  t.same(limits({}), [81_920, 61_440, 100]);
  const given = { common_http_protocol_options: { max_response_headers_kb: 3 } };
  t.same(limits(given), [3072, 3072, 100]);
  const prefix = 'envoy.reloadable_features.max_response_headers';
  const runtime = new Map([
    [`${prefix}_size_kb`, 10],
    [`${prefix}_count`, 11],
  ]);
  t.same(limits({}, runtime), [10_240, 10_240, 11]);
  t.same(limits(given, runtime), [3072, 3072, 11]);
  t.end();
});

t.test('streams may be bounded, and a field may be no longer than its head', (t) => {
  const common_http_protocol_options = { max_stream_duration: '1.5s' };
  t.equal(compile({ common_http_protocol_options }).value.maxStreamDurationMs, 1500);
  const http2_protocol_options = { max_header_field_size_kb: 128 };
  t.same(refusals({ http2_protocol_options }), []);
  const tight = { common_http_protocol_options: { max_response_headers_kb: 100 } };
  t.same(refusals({ ...tight, http2_protocol_options }), [
    'http2_protocol_options.max_header_field_size_kb: max_header_field_size_kb must not exceed max_response_headers_kb, which is 100',
  ]);
  t.end();
});

t.test('refuses options under another name or of another type', (t) => {
  const router = typed('extensions.filters.http.router.v3.Router');
  t.same(refusals({ typed_extension_protocol_options: { foo: router } }), [
    "typed_extension_protocol_options[\"foo\"]: Didn't find a registered network or http filter or protocol options implementation for name: 'foo'",
  ]);
  t.same(refusals({ typed_extension_protocol_options: { [KEY]: router } }), [
    `typed_extension_protocol_options["${KEY}"]: must have the @type ${KEY}`,
  ]);
  t.end();
});

t.test('reads policies that win over those of routes', (t) => {
  const explicit_http_config = { http_protocol_options: {} };
  const { value, rejections, warnings } = compile(
    options({
      explicit_http_config,
      retry_policy: { retry_on: '5xx', num_retries: 4, per_try_timeout: '1s' },
      hash_policy: [{ header: { header_name: 'X-Key' } }],
      request_mirror_policies: [{ cluster: 'copies' }],
    }),
  );
  t.same(rejections, []);
  t.match(value.policies, {
    retry: { numRetries: 4 },
    hashPolicies: [{ kind: 'header', name: 'x-key' }],
    mirrors: [{ cluster: 'copies' }],
  });
  t.same(problemLines(warnings), [
    `typed_extension_protocol_options["${KEY}"].retry_policy.per_try_timeout: attempts have the time that the retry_policy of their route gives them`,
  ]);
  t.equal(compile(options({ explicit_http_config })).value.policies, undefined);
  t.equal(
    compile(options({ explicit_http_config, retry_policy: {} })).value.policies?.retry?.on,
    0,
  );
  t.end();
});

t.test('refuses policies by their places', (t) => {
  const explicit_http_config = { http_protocol_options: {} };
  const at = `typed_extension_protocol_options["${KEY}"]`;
  t.same(refusals(options({ explicit_http_config, request_mirror_policies: [{}] })), [
    `${at}.request_mirror_policies[0]: Exactly one of cluster or cluster_header must be specified`,
  ]);
  t.end();
});
