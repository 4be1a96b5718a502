import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteConfigurationSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import type { CorsPolicyConfig } from '../../../proxy/config/compile/cors-policy.ts';
import { compileRouteTable } from '../../../proxy/config/compile/route-table.ts';
import { ProblemSink } from '../../../proxy/config/schema/compile-context.ts';
import { EXTENSIONS } from '../../../proxy/filters/extensions.ts';
import { type PerFilterConfigs, perFilterKeyOfField } from '../../../proxy/model/extension.ts';
import { problemLines, testEnvironment } from '../../support/compile-json.ts';

const KEY = perFilterKeyOfField('envoy.filters.http.cors');

function compile(cors: JsonValue, hostCors: JsonValue = {}) {
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'c', cors } }];
  const json = { virtual_hosts: [{ name: 'v', domains: ['*'], cors: hostCors, routes }] };
  const sink = new ProblemSink(testEnvironment({ extensions: EXTENSIONS }));
  const message = fromJson(RouteConfigurationSchema, json, { registry: apiRegistry });
  const table = compileRouteTable(message, sink.context());
  return { host: table?.virtualHosts[0], rejections: problemLines(sink.rejections) };
}

function policy(configs: PerFilterConfigs | undefined): CorsPolicyConfig {
  return configs?.get(KEY)?.config as CorsPolicyConfig;
}

t.test('deprecated policies of routes and virtual hosts become filter configuration', async (t) => {
  const enabled = { default_value: { numerator: 5, denominator: 'TEN_THOUSAND' } };
  const { host } = compile({ max_age: '5', filter_enabled: enabled }, { allow_methods: 'GET' });
  t.match(policy(host?.routes[0]?.perFilterConfig), {
    maxAge: '5',
    allowMethods: '',
    filterEnabled: { numerator: 5, denominator: 10_000 },
    shadowEnabled: null,
  });
  t.match(policy(host?.perFilterConfig), { allowMethods: 'GET', filterEnabled: null });
});

t.test('an origin that cannot be matched is refused at its place', async (t) => {
  const { rejections } = compile({
    allow_origin_string_match: [{ exact: 'a' }, { safe_regex: { regex: '(' } }],
  });
  t.match(rejections, [
    /^virtual_hosts\[0\]\.routes\[0\]\.route\.cors\.allow_origin_string_match\[1\]\.safe_regex\.regex: /,
  ]);
});

t.test('an entry that takes * is noticed', async (t) => {
  const { host } = compile({ allow_origin_string_match: [{ prefix: '' }] });
  t.equal(policy(host?.routes[0]?.perFilterConfig).allowsAnyOrigin, true);
});
