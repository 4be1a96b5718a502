import type { DescMessage, Message } from '@bufbuild/protobuf';
import { toJson } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import {
  BuildVersionSchema,
  MetadataSchema,
  NodeSchema,
} from '../../../proxy/api/gen/envoy/config/core/v3/base_pb.js';

import { apiRegistry } from '../../../proxy/api/registry.ts';
import { decodeMessage } from '../../../proxy/config/schema/decode-message.ts';
import { ProblemWalk } from '../../../proxy/config/schema/problems.ts';

interface Outcome {
  readonly message: Message;
  readonly json: unknown;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

function decode(schema: DescMessage, value: unknown): Outcome {
  const walk = new ProblemWalk();
  const message = decodeMessage(schema, value, walk);
  const text = ({ path, reason }: { path: string; reason: string }): string => `${path}: ${reason}`;
  return {
    message,
    json: toJson(schema, message, { registry: apiRegistry }),
    problems: walk.rejections.map(text),
    warnings: walk.warnings.map(text),
  };
}

function cluster(value: unknown): Outcome {
  return decode(ClusterSchema, value);
}

t.test('decodes both spellings of names, nested messages, lists, enums and wrappers', (t) => {
  const { json, problems } = cluster({
    name: 'a',
    connectTimeout: '1.5s',
    lb_policy: 'random',
    per_connection_buffer_limit_bytes: '0x10',
    circuitBreakers: { thresholds: [{ max_connections: 3 }, { priority: 1 }] },
  });
  t.same(problems, []);
  t.same(json, {
    name: 'a',
    connectTimeout: '1.500s',
    lbPolicy: 'RANDOM',
    perConnectionBufferLimitBytes: 16,
    circuitBreakers: { thresholds: [{ maxConnections: 3 }, { priority: 'HIGH' }] },
  });
  t.end();
});

t.test('collects every problem under its path', (t) => {
  const { problems } = cluster({
    nmae: 'a',
    connect_timeout: '1m',
    lb_policy: 'RANDON',
    circuit_breakers: { thresholds: [{ max_connections: -1 }, 'x', { foo: 1 }] },
    alt_stat_name: 5,
    load_assignment: [],
    typed_extension_protocol_options: { 'a"b': { '@type': 'x/envoy.None' }, c: 1 },
  });
  t.match(problems, [
    /^nmae: unknown field 'nmae' in envoy\.config\.cluster\.v3\.Cluster; did you mean 'name'\?$/,
    /^connect_timeout: expected a duration .* did you mean '60s'\?$/,
    /^lb_policy: 'RANDON' is not one of/,
    /^circuit_breakers\.thresholds\[0\]\.max_connections: -1 is outside of uint32/,
    /^circuit_breakers\.thresholds\[1\]: expected an object .*Thresholds\), found 'x'$/,
    /^circuit_breakers\.thresholds\[2\]\.foo: unknown field/,
    /^alt_stat_name: expected text/,
    /^load_assignment: expected an object .* found a list$/,
    /^typed_extension_protocol_options\["a\\"b"\]\.@type: unknown type 'envoy\.None'/,
    /^typed_extension_protocol_options\["c"\]: expected an object \(google\.protobuf\.Any\)/,
  ]);
  t.equal(problems.length, 10);
  t.end();
});

t.test('says where a field belongs that stands in the wrong message', (t) => {
  t.match(cluster({ max_connections: 1 }).problems, [/unknown field 'max_connections'/]);
  t.match(cluster({ thresholds: [] }).problems, [
    /it is a field of .*CircuitBreakers: did you mean to put it under 'circuit_breakers'\?/,
  ]);
  t.match(cluster({ circuit_breakers: { lb_policy: 'RANDOM' } }).problems, [
    /it is a field of the enclosing envoy\.config\.cluster\.v3\.Cluster: check the indentation/,
  ]);
  t.match(cluster({ '<<': {} }).problems, [/YAML merge keys are not supported/]);
  t.end();
});

t.test('takes one value for a list of one, and null for not set', (t) => {
  const { json, problems } = cluster({
    circuit_breakers: { thresholds: { max_requests: 1 } },
    name: null,
    connect_timeout: null,
    health_checks: null,
    typed_extension_protocol_options: null,
    lb_policy: null,
  });
  t.same(problems, []);
  t.same(json, { circuitBreakers: { thresholds: [{ maxRequests: 1 }] } });
  const nulls = cluster({ circuit_breakers: { thresholds: [null] } });
  t.same(nulls.json, { circuitBreakers: { thresholds: [{}] } }, 'an empty message in a list');
  const texts = decode(BootstrapSchema, { node_context_params: [null, 'a'] });
  t.same(texts.json, { nodeContextParams: ['', 'a'] });
  t.end();
});

t.test('warns when both spellings are given, and takes the last', (t) => {
  const { json, warnings } = cluster({ alt_stat_name: 'a', altStatName: 'b' });
  t.same(json, { altStatName: 'b' });
  t.match(warnings, [/^alt_stat_name: given in both spellings/]);
  t.end();
});

t.test('refuses a second field of a oneof, unless one is null', (t) => {
  const { problems } = cluster({ type: 'STATIC', cluster_type: { name: 'x' } });
  t.same(problems, [
    "cluster_type: only one of the 'cluster_discovery_type' fields may be set; 'type' is, too",
  ]);
  t.same(cluster({ type: 'STATIC', cluster_type: null }).problems, []);
  t.end();
});

t.test('maps have keys of their type', (t) => {
  const { json, problems } = decode(MetadataSchema, {
    filter_metadata: { 'a.b': { c: [1, 'x', null, { d: true }] }, e: null },
  });
  t.same(problems, []);
  t.same(json, { filterMetadata: { 'a.b': { c: [1, 'x', null, { d: true }] }, e: {} } });
  t.match(decode(MetadataSchema, { filter_metadata: [] }).problems, [/expected an object of keys/]);
  t.match(decode(MetadataSchema, { filter_metadata: { a: 'b' } }).problems, [
    /^filter_metadata\["a"\]: expected an object \(google\.protobuf\.Struct\), found 'b'$/,
  ]);
  t.end();
});

t.test('names of Object.prototype are keys like any other', (t) => {
  const fields = Object.assign(Object.create(null), { ['__proto__']: { polluted: true } });
  Object.defineProperty(fields, '__proto__', { value: { polluted: true }, enumerable: true });
  const { problems } = decode(NodeSchema, { metadata: fields });
  t.same(problems, []);
  t.equal(({} as { polluted?: unknown }).polluted, undefined);
  t.match(decode(NodeSchema, JSON.parse('{"__proto__": 1, "constructor": 2}')).problems, [
    /^__proto__: unknown field/,
    /^constructor: unknown field/,
  ]);
  t.end();
});

t.test('durations, timestamps and wrappers may be written as messages', (t) => {
  t.same(cluster({ connect_timeout: { seconds: 1, nanos: 5 } }).json, {
    connectTimeout: '1.000000005s',
  });
  t.same(cluster({ per_connection_buffer_limit_bytes: { value: 7 } }).json, {
    perConnectionBufferLimitBytes: 7,
  });
  t.match(cluster({ connect_timeout: { sec: 1 } }).problems, [/unknown field 'sec'/]);
  t.match(cluster({ per_connection_buffer_limit_bytes: 'x' }).problems, [/expected an integer/]);
  t.end();
});

t.test('durations are seconds with up to nine digits', (t) => {
  const good = ['0s', '-1s', '01s', '0.5s', '-0.000000001s', '315576000000s'];
  for (const text of good) t.same(cluster({ connect_timeout: text }).problems, [], text);
  const bad = ['1', '1m', '1h', '1.s', '.5s', '+1s', ' 1s', '1S', '1e1s', '0.1234567891s', 5, true];
  for (const it of bad) t.equal(cluster({ connect_timeout: it }).problems.length, 1, String(it));
  t.match(cluster({ connect_timeout: '250ms' }).problems, [/did you mean '0.25s'\?/]);
  t.match(cluster({ connect_timeout: 5 }).problems, [/did you mean '5s'\?/]);
  t.match(cluster({ connect_timeout: '315576000001s' }).problems, [/at most 315576000000s/]);
  t.end();
});

t.test('timestamps are read by the library', (t) => {
  const schema = BuildVersionSchema;
  t.same(decode(schema, { metadata: { a: 1 } }).json, { metadata: { a: 1 } });
  t.match(decode(schema, { metadata: [1] }).problems, [/expected an object \(.*Struct\)/]);
  t.end();
});

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function any(value: unknown): Outcome {
  return decode(MetadataSchema, { typed_filter_metadata: { a: value } });
}

t.test('an Any is decoded by its type, whatever the host and the order of keys', (t) => {
  const { json, problems } = any({
    explicit_http_config: { http_protocol_options: { accept_http_10: true } },
    '@type': `some.host/path/${HTTP_OPTIONS}`,
  });
  t.same(problems, []);
  t.match(json, {
    typedFilterMetadata: {
      a: { explicitHttpConfig: { httpProtocolOptions: { acceptHttp10: true } } },
    },
  });
  t.match(any({ '@type': `x/${HTTP_OPTIONS}`, foo: { bar: 1 } }).problems, [
    /^typed_filter_metadata\["a"\]\.foo: unknown field 'foo' in envoy\.extensions\.upstreams/,
  ]);
  t.same(any({}).problems, [], 'an Any of nothing');
  t.end();
});

t.test('an Any needs a known type with a host', (t) => {
  t.match(any({ a: 1 }).problems, [/expected '@type', the type of this configuration/]);
  t.match(any({ type_url: `x/${HTTP_OPTIONS}`, value: '' }).problems, [/'type_url' with bytes/]);
  t.match(any({ '@type': 5 }).problems, [/@type: expected a type URL, found the number 5/]);
  t.match(any({ '@type': HTTP_OPTIONS }).problems, [/is no type URL; write 'type\.googleapis/]);
  t.match(any({ '@type': `/${HTTP_OPTIONS}` }).problems, [/is no type URL/]);
  t.match(any({ '@type': 'x/' }).problems, [/is no type URL/]);
  t.match(any({ '@type': `x/${HTTP_OPTIONS}s` }).problems, [
    new RegExp(`did you mean '${HTTP_OPTIONS}'\\?`),
  ]);
  t.match(any([]).problems, [/expected an object \(google\.protobuf\.Any\), found a list/]);
  t.end();
});

t.test('an Any of a well-known type keeps its content under value', (t) => {
  const type = (name: string): string => `type.googleapis.com/google.protobuf.${name}`;
  t.match(any({ '@type': type('Duration'), value: '1s' }).json, {
    typedFilterMetadata: { a: { value: '1s' } },
  });
  t.same(any({ '@type': type('Struct'), value: { a: 'b' } }).problems, []);
  t.same(any({ '@type': type('StringValue'), value: 'q' }).problems, []);
  t.same(any({ '@type': type('Any'), value: { '@type': type('Empty') } }).problems, []);
  t.match(any({ '@type': type('Struct'), a: 'b' }).problems, [/has only the field 'value'/]);
  t.end();
});

t.test('a TypedStruct stands for the message of its type', (t) => {
  const typed = { '@type': 'x/xds.type.v3.TypedStruct', type_url: `x/${HTTP_OPTIONS}` };
  t.match(any({ ...typed, value: { upstream_http_protocol_options: { auto_sni: true } } }).json, {
    typedFilterMetadata: {
      a: { '@type': `x/${HTTP_OPTIONS}`, upstreamHttpProtocolOptions: { autoSni: true } },
    },
  });
  t.match(any({ ...typed, value: { foo: 1 } }).problems, [/\["a"\]\.value\.foo: unknown field/]);
  t.match(any({ ...typed, type_url: 'x/none' }).problems, [/type_url\.@type: unknown type 'none'/]);
  t.end();
});
