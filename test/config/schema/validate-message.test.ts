import { create, type DescMessage } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import {
  MetadataSchema,
  TransportSocketSchema,
} from '../../../proxy/api/gen/envoy/config/core/v3/base_pb.js';
import { HttpUriSchema } from '../../../proxy/api/gen/envoy/config/core/v3/http_uri_pb.js';
import {
  RateLimit_ActionSchema,
  RouteSchema,
  VirtualHostSchema,
} from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { DynamicOtConfigSchema } from '../../../proxy/api/gen/envoy/config/trace/v3/dynamic_ot_pb.js';
import { decodeMessage } from '../../../proxy/config/schema/decode-message.ts';
import { ProblemWalk } from '../../../proxy/config/schema/problems.ts';
import { validateRules } from '../../../proxy/config/schema/validate-message.ts';

function validate(schema: DescMessage, json: unknown): { problems: string[]; warnings: string[] } {
  const message = decodeMessage(schema, json, new ProblemWalk());
  const walk = new ProblemWalk();
  validateRules(schema, message, walk);
  const text = ({ path, reason }: { path: string; reason: string }): string => `${path}: ${reason}`;
  return { problems: walk.rejections.map(text), warnings: walk.warnings.map(text) };
}

t.test('demands what is required, at any depth', (t) => {
  t.same(validate(ClusterSchema, {}).problems, [
    'name: value is required: value length must be at least 1 characters',
  ]);
  const virtualHost = { name: 'a', domains: [], routes: [{ match: {} }, {}] };
  t.same(validate(VirtualHostSchema, virtualHost).problems, [
    'domains: value must contain at least 1 item(s)',
    "routes[0]: 'action' is required: one of route, redirect, direct_response, filter_action, non_forwarding_action",
    "routes[0].match: 'path_specifier' is required: one of prefix, path, safe_regex, connect_matcher, path_separated_prefix, path_match_policy",
    "routes[1]: 'action' is required: one of route, redirect, direct_response, filter_action, non_forwarding_action",
    'routes[1].match: value is required',
  ]);
  t.end();
});

t.test('checks wrappers, durations, maps and items only where they are', (t) => {
  t.same(validate(ClusterSchema, { name: 'a' }).problems, []);
  t.same(validate(ClusterSchema, { name: 'a', connect_timeout: '0s' }).problems, [
    'connect_timeout: value must be greater than 0s',
  ]);
  t.same(validate(HttpUriSchema, { uri: 'u', cluster: 'c' }).problems, [
    'timeout: value is required',
  ]);
  const headers = { name: 'a', domains: ['*'], request_headers_to_remove: ['ok', 'x\ny'] };
  t.same(validate(VirtualHostSchema, headers).problems, [
    'request_headers_to_remove[1]: value is not a valid HTTP header name',
  ]);
  t.end();
});

t.test('every duration is positive and fits 64 bits of nanoseconds, as in Envoy', (t) => {
  const interval = (text: string) => validate(ClusterSchema, { name: 'a', cleanup_interval: text });
  t.same(interval('9223372035s').problems, []);
  t.same(interval('9223372036s').problems, ['cleanup_interval: Duration out-of-range']);
  const window = (text: string) =>
    validate(ClusterSchema, { name: 'a', common_lb_config: { update_merge_window: text } });
  t.same(window('-0.5s').problems, [
    'common_lb_config.update_merge_window: Expected positive duration',
  ]);
  t.same(window('0s').problems, []);
  t.same(validate(ClusterSchema, { name: 'a', connect_timeout: '-1s' }).problems, [
    'connect_timeout: value must be greater than 0s',
  ]);
  t.end();
});

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

t.test('looks into typed configurations', (t) => {
  const options = { a: { '@type': `x/${OPTIONS}` } };
  t.match(
    validate(ClusterSchema, { name: 'a', typed_extension_protocol_options: options }).problems,
    [/^typed_extension_protocol_options\["a"\]: 'upstream_protocol_options' is required/],
  );
  t.end();
});

t.test('but not into metadata, which Envoy never opens', (t) => {
  const metadata = { typed_filter_metadata: { a: { '@type': `x/${OPTIONS}` } } };
  t.same(validate(MetadataSchema, metadata).problems, []);
  t.end();
});

t.test('refuses an Any that cannot be opened', (t) => {
  const check = (typeUrl: string, value: Uint8Array): string[] => {
    const typedConfig = create(AnySchema, { typeUrl, value });
    const configType = { case: 'typedConfig', value: typedConfig } as const;
    const message = create(TransportSocketSchema, { name: 'a', configType });
    const walk = new ProblemWalk();
    validateRules(TransportSocketSchema, message, walk);
    return walk.rejections.map(({ path, reason }) => `${path}: ${reason}`);
  };
  t.same(check('x/none', new Uint8Array()), ["typed_config: unknown type 'none'"]);
  t.same(check(`x/${OPTIONS}`, Uint8Array.of(0xff)), [
    `typed_config: the content is no ${OPTIONS}`,
  ]);
  t.same(check('', new Uint8Array()), [], 'nothing in it');
  t.end();
});

t.test('warns of deprecated fields, and refuses those that Envoy refuses by default', (t) => {
  const tcp = validate(ClusterSchema, { name: 'a', use_tcp_for_dns_lookups: true });
  t.same(tcp.problems, []);
  t.match(tcp.warnings, [/^use_tcp_for_dns_lookups: envoy.*use_tcp_for_dns_lookups is deprecated/]);
  const ot = validate(DynamicOtConfigSchema, { library: 'a', config: {} });
  t.match(ot.problems, [/library is deprecated; Envoy refuses it by default/, /config is/]);
  t.end();
});

t.test('checks constants and undefined enum values', (t) => {
  t.match(validate(ClusterSchema, { name: 'a', lb_policy: 99 }).problems, [
    /^lb_policy: value must be one of the defined enum values/,
  ]);
  t.match(validate(RateLimit_ActionSchema, {}).problems, [/'action_specifier' is required/]);
  const route = { match: { grpc: {}, prefix: '/' }, redirect: { response_code: 9 } };
  t.match(validate(RouteSchema, route).problems, [
    /^redirect\.response_code: value must be one of/,
  ]);
  t.end();
});
