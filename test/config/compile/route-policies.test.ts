import t from 'tap';
import { RouteConfigurationSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { compileRouteTable } from '../../../proxy/config/compile/route-table.ts';
import type { ForwardActionConfig, RouteTableConfig } from '../../../proxy/model/route.ts';
import { compileJson, problemLines, testEnvironment } from '../../support/compile-json.ts';

type Json = Parameters<typeof compileJson>[0]['json'];

function compile(action: object, runtime: ReadonlyMap<string, number> = new Map()) {
  const route = { match: { prefix: '/' }, route: { cluster: 'c', ...action } };
  const json = { virtual_hosts: [{ name: 'v', domains: ['*'], routes: [route] }] } as Json;
  const environment = testEnvironment({ runtime });
  return compileJson({ schema: RouteConfigurationSchema, json, environment }, (message, context) =>
    compileRouteTable(message, context),
  );
}

function forward(action: object, runtime?: ReadonlyMap<string, number>): ForwardActionConfig {
  const { value } = compile(action, runtime);
  return (value as RouteTableConfig).virtualHosts[0]?.routes[0]?.action as ForwardActionConfig;
}

function refusals(action: object): string {
  return problemLines(compile(action).rejections).join('\n');
}

t.test('a retry policy has Envoy’s defaults', async (t) => {
  const { retry } = forward({ retry_policy: { retry_on: '5xx' } });
  t.match(retry, {
    ...{ numRetries: 1, perTryTimeoutMs: 0, perTryIdleTimeoutMs: 0, hostSelectionAttempts: 1 },
    ...{ backOff: { baseMs: 25, maxMs: 250 }, rateLimited: null, usedPercent: 100 },
  });
  t.equal(forward({}).retry, null);
  const runtime = new Map([
    ['upstream.base_retry_backoff_ms', 40],
    ['upstream.use_retry', 5],
  ]);
  const tuned = forward({ retry_policy: { retry_on: '5xx' } }, runtime).retry;
  t.match(tuned, { backOff: { baseMs: 40, maxMs: 400 }, usedPercent: 5 });
});

t.test('words of retry_on that are unknown are told, and retry nothing', async (t) => {
  const { value, warnings } = compile({ retry_policy: { retry_on: '5xx, sometimes' } });
  t.not(value, null);
  t.match(problemLines(warnings).join('\n'), /'sometimes' is no condition/);
});

t.test('a longest back-off below the shortest is refused in Envoy’s words', async (t) => {
  const retry_back_off = { base_interval: '2s', max_interval: '1s' };
  t.match(
    refusals({ retry_policy: { retry_back_off } }),
    /retry_policy\.max_interval must greater than or equal to the base_interval/,
  );
});

t.test(
  'extensions of retries and redirects that are none are refused with those there are',
  async (t) => {
    const any = (name: string) => ({
      name,
      typed_config: { '@type': 'type.googleapis.com/google.protobuf.Empty' },
    });
    const policy = { retry_host_predicate: [any('x')], retry_priority: any('y') };
    t.match(refusals({ retry_policy: policy }), /no host predicate: use previous_hosts/);
    t.match(refusals({ retry_policy: policy }), /no retry priority: use previous_priorities/);
    const redirects = { internal_redirect_policy: { predicates: [any('z')] } };
    t.match(refusals(redirects), /no predicate: use previous_routes/);
  },
);

t.test('a mirror has one cluster', async (t) => {
  t.match(refusals({ request_mirror_policies: [{}] }), /Exactly one of cluster or cluster_header/);
  const both = [{ cluster: 'a', cluster_header: 'b' }];
  t.match(refusals({ request_mirror_policies: both }), /Only one of cluster, or cluster_header/);
});

t.test('redirects are followed as the policy, or the older action, says', async (t) => {
  const older = forward({ internal_redirect_action: 'HANDLE_INTERNAL_REDIRECT' }).internalRedirect;
  t.match(older, { maxRedirects: 1, statuses: new Set([302]), allowsCrossScheme: false });
  const policy = { redirect_response_codes: [303, 404], max_internal_redirects: 0 };
  const own = forward({ internal_redirect_policy: policy }).internalRedirect;
  t.match(own, { maxRedirects: 0, statuses: new Set([303]) });
  const copying = { response_headers_to_copy: [':path', 'Host', 'x-fine'] };
  t.match(refusals({ internal_redirect_policy: copying }), /response_headers_to_copy\[1\]/);
});
