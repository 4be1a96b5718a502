import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileUpstreamHttp } from '../../../proxy/config/compile/upstream-http.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

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

t.test('typed options take the place of the older fields', (t) => {
  const explicit_http_config = { http_protocol_options: {} };
  const json = {
    ...options({ explicit_http_config }),
    max_requests_per_connection: 9,
    common_http_protocol_options: COMMON,
  };
  const { value, rejections } = compile(json);
  t.same(rejections, []);
  t.match(value, { idleTimeoutMs: 3_600_000, maxRequestsPerConnection: 0 });
  t.end();
});

t.test('refuses what is not HTTP/1.1, under its path', (t) => {
  const required = `typed_extension_protocol_options["${KEY}"]: explicit_http_config with http_protocol_options is required`;
  t.same(refusals(options({})), [required]);
  t.same(refusals(options({ explicit_http_config: { http2_protocol_options: {} } })), [required]);
  t.same(refusals(options({ auto_config: {} })), [required]);
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

t.test('refuses what only works downstream', (t) => {
  t.match(
    refusals({
      common_http_protocol_options: {
        max_stream_duration: '1s',
        headers_with_underscores_action: 'DROP_HEADER',
      },
    }),
    [
      /^common_http_protocol_options\.max_stream_duration: is not supported yet for clusters/,
      /^common_http_protocol_options\.headers_with_underscores_action: is not supported yet for clusters/,
    ],
  );
  t.match(
    refusals({ http_protocol_options: { override_stream_error_on_invalid_http_message: true } }),
    [/^http_protocol_options\.override_stream_error_on_invalid_http_message: /],
  );
  t.end();
});
