// Nanoseconds per request for finding the route and making its filters, without and with
// typed_per_filter_config: what routes say to filters is worked out with the table, so the numbers
// are to be the same whatever the levels say.
// Run: node dist/bench/per-filter-config.bench.js [rounds]
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { HttpConnectionManagerSchema } from '../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { apiRegistry } from '../proxy/api/registry.ts';
import { SILENT_LOG } from '../proxy/base/log.ts';
import { compileHttpConnectionManager } from '../proxy/config/compile/http-connection-manager.ts';
import { ProblemSink } from '../proxy/config/schema/compile-context.ts';
import { EXTENSIONS } from '../proxy/filters/extensions.ts';
import type { HttpFilterCallbacks, HttpFilterServices } from '../proxy/filters/http-filter.ts';
import { type HttpFilterPlan, HttpFilterPlanner } from '../proxy/filters/http-filter-plan.ts';
import { buildRouteTable } from '../proxy/routing/build-route-table.ts';
import { StatsStore } from '../proxy/stats/store.ts';
import { testEnvironment } from '../test/support/compile-json.ts';
import { matchInput, requestHead } from '../test/support/route-fixtures.ts';
import { seededRandom } from '../test/support/seeded-random.ts';

const LOOP = 500_000;
const PREFIX = 'type.googleapis.com/envoy.extensions.filters';
const FILTERS = 3;

type Json = { readonly [field: string]: JsonValue };

const mutations = (value: string): Json => ({
  request_mutations: [{ append: { header: { key: 'x-mark', value } } }],
});
const perFilter = (value: string): Json => ({
  typed_per_filter_config: {
    header_mutation: {
      '@type': `${PREFIX}.http.header_mutation.v3.HeaderMutationPerRoute`,
      mutations: mutations(value),
    },
    cors: {
      '@type': `${PREFIX}.http.cors.v3.CorsPolicy`,
      allow_origin_string_match: [{ exact: 'http://a.test' }],
    },
    buffer: {
      '@type': `${PREFIX}.http.buffer.v3.BufferPerRoute`,
      buffer: { max_request_bytes: 9 },
    },
  },
});

/** Which levels say something to the filters. */
interface Levels {
  readonly route?: boolean;
  readonly host?: boolean;
  readonly table?: boolean;
}

/** The filters as the chain has them; `cors` does nothing without a route's word, hence a second buffer. */
function managerJson({ route, host, table }: Levels): JsonValue {
  const action = { match: { prefix: '/' }, route: { cluster: 'c' } };
  const routes = [{ ...action, ...(route === true && perFilter('route')) }];
  const virtualHost = {
    name: 'v',
    domains: ['*'],
    routes,
    ...(host === true && perFilter('host')),
  };
  const filter = (name: string, type: string, config: Json): JsonValue => ({
    name,
    typed_config: { '@type': `${PREFIX}.http.${type}`, ...config },
  });
  const always = filter('always', 'buffer.v3.Buffer', { max_request_bytes: 9 });
  return {
    stat_prefix: 'p',
    route_config: {
      name: 'r',
      virtual_hosts: [virtualHost],
      ...(table === true && perFilter('table')),
    },
    http_filters: [
      route === true || host === true || table === true
        ? filter('cors', 'cors.v3.Cors', {})
        : always,
      filter('header_mutation', 'header_mutation.v3.HeaderMutation', {
        mutations: mutations('own'),
      }),
      filter('buffer', 'buffer.v3.Buffer', { max_request_bytes: 9 }),
      filter('router', 'router.v3.Router', {}),
    ],
  };
}

let consumed = 0;

function requests(levels: Levels): () => void {
  const sink = new ProblemSink(testEnvironment({ extensions: EXTENSIONS }));
  const message = fromJson(HttpConnectionManagerSchema, managerJson(levels), {
    registry: apiRegistry,
  });
  const config = compileHttpConnectionManager(message, sink.context());
  if (config === null) throw new Error(JSON.stringify(sink.rejections));
  const stats = new StatsStore(null);
  const services = {
    ...{ scope: stats.scope('http.p'), root: stats, random: seededRandom(1), log: SILENT_LOG },
    clusters: { get: () => null },
  } as unknown as HttpFilterServices;
  const planner = new HttpFilterPlanner(config.httpFilters, services);
  const table = buildRouteTable(config.routeTable, { stats, planner });
  const head = requestHead();
  const input = matchInput();
  const callbacks = {} as HttpFilterCallbacks;
  return () => {
    for (let run = 0; run < LOOP; run += 1) {
      const lookup = table.match(head, input);
      const own = lookup.kind === 'route' ? lookup.route.filterPlan : null;
      const plan = (own as HttpFilterPlan | null) ?? planner.defaultPlan;
      for (const factory of plan.factories) consumed += factory.create(callbacks) === null ? 0 : 1;
    }
  };
}

const CASES: readonly (readonly [string, () => void])[] = [
  ['none', requests({})],
  ['route', requests({ route: true })],
  ['route, virtual host', requests({ route: true, host: true })],
  ['route, virtual host, table', requests({ route: true, host: true, table: true })],
];

const rounds = Number(process.argv[2] ?? 7);
const best = new Map<string, number>();
for (let round = 0; round < rounds; round += 1) {
  for (const [name, run] of CASES) {
    const start = process.cpuUsage();
    run();
    const used = process.cpuUsage(start);
    const ns = ((used.user + used.system) * 1000) / LOOP;
    best.set(name, Math.min(ns, best.get(name) ?? Number.POSITIVE_INFINITY));
  }
}
const made = consumed / (LOOP * rounds * CASES.length);
console.log(`node ${process.version}, best of ${rounds} rounds, ${made} of ${FILTERS} filters`);
for (const [name, ns] of best) console.log(`${name.padEnd(28)} ${ns.toFixed(0).padStart(6)} ns`);
