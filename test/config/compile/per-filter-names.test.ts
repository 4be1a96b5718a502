import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteConfigurationSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import { warnOfUnreadFilterConfigs } from '../../../proxy/config/compile/per-filter-names.ts';
import { ProblemSink } from '../../../proxy/config/schema/compile-context.ts';
import { EXTENSIONS } from '../../../proxy/filters/extensions.ts';
import type { ExtensionInstance } from '../../../proxy/model/extension.ts';
import { problemLines, testEnvironment, typed } from '../../support/compile-json.ts';

function chain(...names: readonly string[]): readonly ExtensionInstance[] {
  return names.map((name) => {
    const definition = EXTENSIONS.httpFilters.find((each) => each.name.endsWith(`.${name}`));
    return { name, definition, config: null, disabled: false } as ExtensionInstance;
  });
}

function warnings(table: JsonValue): readonly string[] {
  const sink = new ProblemSink(testEnvironment());
  const message = fromJson(RouteConfigurationSchema, table, { registry: apiRegistry });
  warnOfUnreadFilterConfigs(message, chain('cors', 'buffer', 'router'), sink.context());
  return problemLines(sink.warnings);
}

const CORS = typed('extensions.filters.http.cors.v3.CorsPolicy');
const wrapped = (members: { [key: string]: JsonValue }): JsonValue =>
  typed('config.route.v3.FilterConfig', members);

t.test('names that no filter has are reported at each level', async (t) => {
  const clusters = [{ name: 'c', weight: 1, typed_per_filter_config: { entry: CORS } }];
  const route = {
    match: { prefix: '/' },
    route: { weighted_clusters: { clusters } },
    typed_per_filter_config: { route: CORS, cors: CORS },
  };
  const host = {
    name: 'v',
    domains: ['*'],
    routes: [route],
    typed_per_filter_config: { host: CORS },
  };
  const found = warnings({ virtual_hosts: [host], typed_per_filter_config: { table: CORS } });
  const text = 'has no effect: no filter of http_filters has this name';
  t.same(found, [
    `typed_per_filter_config["table"]: ${text}`,
    `virtual_hosts[0].typed_per_filter_config["host"]: ${text}`,
    `virtual_hosts[0].routes[0].typed_per_filter_config["route"]: ${text}`,
    `virtual_hosts[0].routes[0].route.weighted_clusters.clusters[0].typed_per_filter_config["entry"]: ${text}`,
  ]);
});

t.test(
  'what is meant for another type of filter is reported, what is optional is not',
  async (t) => {
    const of = (config: JsonValue) => warnings({ typed_per_filter_config: config as never });
    t.match(of({ buffer: CORS }), [/the filter of this name is a envoy\.filters\.http\.buffer/]);
    t.match(of({ buffer: wrapped({ config: CORS }) }), [/has no effect/]);
    t.same(of({ cors: wrapped({ config: CORS }), buffer: wrapped({ disabled: true }) }), []);
    t.same(of({ buffer: wrapped({ config: {} }) }), []);
    t.same(of({ nobody: wrapped({ is_optional: true, config: CORS }) }), []);
  },
);
