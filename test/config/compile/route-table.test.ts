import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteConfigurationSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { compileRouteTable } from '../../../proxy/config/compile/route-table.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import type { RouteTableConfig, VirtualHostConfig } from '../../../proxy/model/route.ts';
import { compileJson, problemLines, testEnvironment } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };
const ROUTE: Json = { match: { prefix: '/' }, route: { cluster: 'c' } };

function compile(json: JsonValue, environment: CompileEnvironment = testEnvironment()) {
  const source = { schema: RouteConfigurationSchema, json, environment };
  return compileJson(source, (message, context) => compileRouteTable(message, context));
}

function host(members: Json = {}): Json {
  return { name: 'v', domains: ['*'], routes: [ROUTE], ...members };
}

function table(json: JsonValue): RouteTableConfig {
  const { value, rejections } = compile(json);
  t.same(problemLines(rejections), []);
  if (value === null) throw new Error('refused');
  return value;
}

function problems(json: JsonValue, environment?: CompileEnvironment): readonly string[] {
  const compiled = compile(json, environment);
  t.equal(compiled.value, null);
  return problemLines(compiled.rejections);
}

t.test('fills in the defaults of a table and its virtual hosts', (t) => {
  const config = table({ name: 'r', virtual_hosts: [host({ domains: ['A.Test', '*.B'] })] });
  t.equal(config.name, 'r');
  t.equal(config.ignorePortInHostMatching, false);
  t.equal(config.mostSpecificHeaderMutationsWins, false);
  t.same(config.internalOnlyHeaders, []);
  t.same(config.mutations, { request: null, response: null });
  const [first] = config.virtualHosts as readonly [VirtualHostConfig];
  t.same(first.domains, ['a.test', '*.b']);
  t.equal(first.requireTls, 'none');
  t.equal(first.includeRequestAttemptCount, false);
  t.equal(first.includeAttemptCountInResponse, false);
  t.equal(first.perFilterConfig.size, 0);
  t.end();
});

t.test('takes over what the author set', (t) => {
  const config = table({
    ignore_port_in_host_matching: true,
    most_specific_header_mutations_wins: true,
    internal_only_headers: ['X-Secret'],
    virtual_hosts: [
      host({
        require_tls: 'EXTERNAL_ONLY',
        include_request_attempt_count: true,
        include_attempt_count_in_response: true,
      }),
      host({ name: 'w', domains: ['w'], require_tls: 'ALL' }),
    ],
  });
  t.equal(config.ignorePortInHostMatching, true);
  t.equal(config.mostSpecificHeaderMutationsWins, true);
  t.same(config.internalOnlyHeaders, ['x-secret']);
  const [first, second] = config.virtualHosts as readonly [VirtualHostConfig, VirtualHostConfig];
  t.equal(first.requireTls, 'external-only');
  t.equal(second.requireTls, 'all');
  t.ok(first.includeRequestAttemptCount && first.includeAttemptCountInResponse);
  t.end();
});

t.test('what it gives is frozen at every depth', (t) => {
  const config = table({ virtual_hosts: [host()] });
  t.ok(Object.isFrozen(config));
  t.ok(Object.isFrozen(config.virtualHosts));
  t.ok(Object.isFrozen(config.virtualHosts[0]?.routes[0]?.match.path));
  t.end();
});

t.test('refuses repeated domains in Envoy’s words', (t) => {
  const again = (domain: string) => [
    host({ domains: [domain] }),
    host({ domains: [domain.toUpperCase()] }),
  ];
  const repeated = (domain: string) =>
    `virtual_hosts[1].domains[0]: Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route r`;
  t.same(problems({ name: 'r', virtual_hosts: again('a.b') }), [repeated('a.b')]);
  t.same(problems({ name: 'r', virtual_hosts: again('*.b') }), [repeated('*.b')]);
  t.same(problems({ name: 'r', virtual_hosts: again('*') }), [
    'virtual_hosts[1].domains[0]: Only a single wildcard domain is permitted in route r',
  ]);
  t.end();
});

t.test('warns of a wildcard that is neither first nor last, and accepts it', (t) => {
  const { value, warnings } = compile({
    virtual_hosts: [host({ domains: ['a*b', '*a*', '*.x', 'x.*'] })],
  });
  t.not(value, null);
  t.same(
    warnings.map(({ path }) => path),
    ['virtual_hosts[0].domains[0]', 'virtual_hosts[0].domains[1]'],
  );
  t.end();
});

t.test('a static table must name known clusters, unless told otherwise', (t) => {
  const environment = testEnvironment({ clusterNames: new Set(['known']) });
  const weighted = {
    clusters: [
      { name: 'known', weight: 1 },
      { name: 'w', weight: 1 },
    ],
  };
  const routes = [ROUTE, { match: { prefix: '/' }, route: { weighted_clusters: weighted } }];
  const json = { virtual_hosts: [host({ routes })] };
  const lines = problems(json, environment);
  t.match(lines[0], /^virtual_hosts\[0\]\.routes\[0\]\.route\.cluster: route: unknown cluster 'c'/);
  t.match(
    lines[1],
    /^virtual_hosts\[0\]\.routes\[1\]\.route\.weighted_clusters\.clusters\[1\]\.name: route: unknown weighted cluster 'w'/,
  );
  t.equal(lines.length, 2);
  t.not(compile({ ...json, validate_clusters: false }, environment).value, null);
  const source = { schema: RouteConfigurationSchema, json, environment };
  const discovered = compileJson(source, (message, context) =>
    compileRouteTable(message, context, 'discovered'),
  );
  t.not(discovered.value, null, 'clusters may come later than a table from a control plane');
  t.end();
});

t.test('reports all problems of a table, each under its path', (t) => {
  const lines = problems({
    request_headers_to_remove: ['host'],
    virtual_hosts: [
      host({ routes: [{ match: { safe_regex: { regex: '(' } }, route: { cluster: 'c' } }] }),
      host({ domains: ['w'], routes: [{ match: {}, redirect: {} }] }),
    ],
  });
  t.same(
    lines.map((line) => line.slice(0, line.indexOf(': '))),
    [
      'virtual_hosts[0].routes[0].match.safe_regex.regex',
      'virtual_hosts[1].routes[0].match',
      'request_headers_to_remove[0]',
    ],
  );
  t.end();
});

t.test('compiles virtual clusters and the statistics prefix of routes', (t) => {
  const conditions = [{ name: 'X-A' }, { name: ':path', string_match: { prefix: '/a' } }];
  const config = table({
    virtual_hosts: [
      host({
        routes: [{ ...ROUTE, stat_prefix: 's' }, ROUTE],
        virtual_clusters: [{ name: 'vc', headers: conditions }],
      }),
    ],
  });
  const [first] = config.virtualHosts as readonly [VirtualHostConfig];
  t.same(
    first.routes.map(({ statPrefix }) => statPrefix),
    ['s', ''],
  );
  const [cluster] = first.virtualClusters;
  t.equal(cluster?.name, 'vc');
  t.same(
    cluster?.headers.map(({ name }) => name),
    ['x-a', ':path'],
  );
  t.end();
});

t.test('refuses a virtual cluster without conditions', (t) => {
  const hosts = [host({ virtual_clusters: [{ name: 'vc' }] })];
  t.same(problems({ virtual_hosts: hosts }), [
    "virtual_hosts[0].virtual_clusters[0].headers: virtual clusters must define 'headers'",
  ]);
  t.end();
});
