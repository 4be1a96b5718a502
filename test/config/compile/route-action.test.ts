import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { compileRouteAction } from '../../../proxy/config/compile/route-action.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import { compileJson, problemLines, testEnvironment } from '../../support/compile-json.ts';

const RULES = { name: 'r', clusterNames: null, maxDirectResponseBodyBytes: 10 };

function compile(json: JsonValue, environment: CompileEnvironment = testEnvironment()) {
  return compileJson({ schema: RouteSchema, json, environment }, ({ action }, context) =>
    compileRouteAction(action, RULES, context),
  );
}

function refusals(json: JsonValue, environment?: CompileEnvironment): readonly string[] {
  return problemLines(compile(json, environment).rejections);
}

t.test('forwarding has Envoy’s defaults', (t) => {
  t.same(compile({ route: { cluster: 'c' } }).value, {
    kind: 'forward',
    cluster: { kind: 'cluster', name: 'c' },
    clusterNotFoundStatus: 503,
    timeoutMs: 15_000,
    idleTimeoutMs: null,
    streamDuration: null,
    upgrades: new Map(),
    prefixRewrite: '',
    regexRewrite: null,
    hostRewriteLiteral: '',
    autoHostRewrite: false,
    appendXForwardedHost: false,
    metadataMatch: {},
    hashPolicies: [],
    mirrors: [],
    internalRedirect: null,
    rateLimits: [],
    includeVhRateLimits: false,
    priority: 'default',
    retry: null,
    hedge: null,
  });
  t.end();
});

t.test('forwarding takes over what is set; a timeout of 0 stays 0', (t) => {
  const route = {
    cluster_header: 'X-Cluster',
    cluster_not_found_response_code: 'NOT_FOUND',
    timeout: '0s',
    idle_timeout: '1.5s',
    prefix_rewrite: '/x',
    host_rewrite_literal: 'h',
    append_x_forwarded_host: true,
    upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }],
    max_stream_duration: { max_stream_duration: '2s' },
  };
  t.match(compile({ route }).value, {
    cluster: { kind: 'header', name: 'x-cluster' },
    clusterNotFoundStatus: 404,
    timeoutMs: 0,
    idleTimeoutMs: 1500,
    prefixRewrite: '/x',
    hostRewriteLiteral: 'h',
    appendXForwardedHost: true,
    upgrades: new Map([['websocket', { isEnabled: false, connect: null }]]),
    streamDuration: { bounds: 'stream', maxMs: 2000 },
  });
  const auto = {
    cluster: 'c',
    auto_host_rewrite: true,
    cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR',
  };
  t.match(compile({ route: auto }).value, { autoHostRewrite: true, clusterNotFoundStatus: 500 });
  t.match(compile({ route: { cluster: 'c', auto_host_rewrite: false } }).value, {
    autoHostRewrite: false,
  });
  const regex = { pattern: { regex: 'a(b)' }, substitution: '\\1' };
  const value = compile({ route: { cluster: 'c', regex_rewrite: regex } }).value;
  t.match(value, { regexRewrite: { substitution: '\\1' } });
  t.end();
});

t.test('refuses rewrites that exclude each other, and bad expressions', (t) => {
  const regex_rewrite = { pattern: { regex: '(' }, substitution: 'x' };
  t.same(
    refusals({ route: { cluster: 'c', prefix_rewrite: '/', regex_rewrite } }).map(
      (line) => line.split(': ')[0],
    ),
    ['route.regex_rewrite.pattern.regex', 'route.regex_rewrite'],
  );
  t.same(refusals({ route: { cluster: 'c', timeout: '-1s' } }), [
    'route.timeout: Invalid duration: expected a positive duration such as 5s or 0.25s',
  ]);
  t.match(refusals({ route: {} })[0], /^route: cluster_specifier is required/);
  t.end();
});

t.test('weights of clusters are summed, and runtime may change them', (t) => {
  const weighted_clusters = {
    runtime_key_prefix: 'split',
    clusters: [
      { name: 'a', weight: 3 },
      { name: 'b', weight: 0 },
    ],
  };
  t.match(compile({ route: { weighted_clusters } }).value, {
    cluster: {
      kind: 'weighted',
      totalWeight: 3,
      clusters: [
        { name: 'a', weight: 3 },
        { name: 'b', weight: 0 },
      ],
    },
  });
  const environment = testEnvironment({ runtime: new Map([['split.b', 7]]) });
  t.match(compile({ route: { weighted_clusters } }, environment).value, {
    cluster: { totalWeight: 10, clusters: [{ weight: 3 }, { weight: 7 }] },
  });
  t.end();
});

t.test('a weighted cluster has its own header work, host and way to its name', (t) => {
  const weighted_clusters = {
    header_name: 'X-Draw',
    clusters: [
      {
        cluster_header: 'X-Cluster',
        weight: 1,
        request_headers_to_remove: ['X-Out'],
        host_rewrite_literal: 'h',
      },
    ],
  };
  t.match(compile({ route: { weighted_clusters } }).value, {
    cluster: {
      headerName: 'x-draw',
      clusters: [
        {
          name: '',
          clusterHeader: 'x-cluster',
          hostRewriteLiteral: 'h',
          mutations: { request: { remove: ['x-out'], set: [] }, response: null },
        },
      ],
    },
  });
  t.end();
});

t.test('takes a new host from a field or from the path', (t) => {
  t.match(compile({ route: { cluster: 'c', host_rewrite_header: 'X-Host' } }).value, {
    hostRewriteLiteral: '',
    hostRewriteHeader: 'x-host',
  });
  const rewrite = (regex: string): JsonValue => ({
    route: {
      cluster: 'c',
      host_rewrite_path_regex: { pattern: { regex }, substitution: 's' },
    },
  });
  t.match(compile(rewrite('^/(.*)')).value, { hostRewritePathRegex: { substitution: 's' } });
  t.match(refusals(rewrite('('))[0], /^route\.host_rewrite_path_regex\.pattern/);
  t.end();
});

t.test('refuses weighted clusters that nothing can be chosen from, in Envoy’s words', (t) => {
  const of = (...clusters: JsonValue[]): readonly string[] =>
    refusals({ route: { weighted_clusters: { clusters } } });
  const at = 'route.weighted_clusters.clusters';
  t.same(of({ name: 'a', weight: 0 }), [
    `${at}: Sum of weights in the weighted_cluster must be greater than 0.`,
  ]);
  t.same(of({ name: 'a', weight: 4294967295 }, { name: 'b', weight: 1 }), [
    `${at}: The sum of weights of all weighted clusters of route r exceeds 4294967295`,
  ]);
  t.same(of({ weight: 1 }), [
    `${at}[0]: At least one of name or cluster_header need to be specified`,
  ]);
  t.same(of({ name: 'a', cluster_header: 'b', weight: 1 }), [
    `${at}[0]: Only one of name or cluster_header can be specified`,
  ]);
  t.match(
    of({ name: 'a' })[0],
    /^route\.weighted_clusters\.clusters\[0\]\.weight: Field 'weight' is missing/,
  );
  t.end();
});

t.test('redirects have Envoy’s defaults and take over what is set', (t) => {
  t.same(compile({ redirect: {} }).value, {
    kind: 'redirect',
    status: 301,
    scheme: '',
    httpsRedirect: false,
    host: '',
    port: 0,
    path: '',
    prefixRewrite: '',
    regexRewrite: null,
    stripQuery: false,
  });
  const redirect = {
    https_redirect: true,
    host_redirect: 'h',
    port_redirect: 8443,
    path_redirect: '/p',
    response_code: 'PERMANENT_REDIRECT',
    strip_query: true,
  };
  t.match(compile({ redirect }).value, {
    httpsRedirect: true,
    host: 'h',
    port: 8443,
    path: '/p',
    status: 308,
    stripQuery: true,
  });
  const codes = ['FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT'];
  const statuses = codes.map(
    (response_code) => compile({ redirect: { response_code, scheme_redirect: 's' } }).value,
  );
  t.match(statuses, [{ status: 302, scheme: 's' }, { status: 303 }, { status: 307 }]);
  t.match(compile({ redirect: { prefix_rewrite: '/q' } }).value, { prefixRewrite: '/q', path: '' });
  t.match(
    refusals({ redirect: { regex_rewrite: { pattern: { regex: '(' } } } })[0],
    /^redirect\.regex_rewrite\.pattern\.regex: /,
  );
  t.end();
});

t.test('direct responses take their body from wherever the author says', (t) => {
  const environment = testEnvironment({
    readFile: (path) => (path === '/f' ? new TextEncoder().encode('file') : null),
    format: { ...testEnvironment().format, variable: (name) => (name === 'V' ? 'var' : null) },
  });
  const answer = (body: JsonValue) =>
    compile({ direct_response: { status: 418, body } }, environment);
  t.same(compile({ direct_response: { status: 204 } }).value, {
    kind: 'direct-response',
    status: 204,
    body: '',
  });
  t.match(answer({ inline_string: 'text' }).value, { status: 418, body: 'text' });
  t.match(answer({ inline_bytes: 'aGk=' }).value, { body: 'hi' });
  t.match(answer({ filename: '/f' }).value, { body: 'file' });
  t.match(answer({ environment_variable: 'V' }).value, { body: 'var' });
  const reasons = [
    { filename: '/nope' },
    { environment_variable: 'NOPE' },
    { inline_bytes: '/w==' },
  ].map((body) => problemLines(answer(body).rejections)[0]);
  t.match(reasons, [
    /^direct_response\.body\.filename: file \/nope does not exist/,
    /^direct_response\.body\.environment_variable: Environment variable doesn't exist: NOPE/,
    /^direct_response\.body\.inline_bytes: is not UTF-8 text/,
  ]);
  t.end();
});

t.test('a direct response longer than the table allows is refused', (t) => {
  const body = { inline_string: 'é'.repeat(6) };
  t.match(
    refusals({ direct_response: { status: 200, body } })[0],
    /response body size is 12 bytes; maximum is 10/,
  );
  t.end();
});

t.test('a route may serve filters only, but it must do something', (t) => {
  t.same(compile({ non_forwarding_action: {} }).value, { kind: 'non-forwarding' });
  t.match(refusals({})[0], /^: action is required/);
  t.end();
});
