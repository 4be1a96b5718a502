import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteConfigurationSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { compileRouteTable } from '../../../proxy/config/compile/route-table.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

const PREFIX = { prefix: '/' };
const TEMPLATE = {
  path_match_policy: {
    name: 'envoy.path.match.uri_template.uri_template_matcher',
    typed_config: typed('extensions.path.match.uri_template.v3.UriTemplateMatchConfig', {
      path_template: '/t/{a}',
    }),
  },
};

function policy(path_template_rewrite: string): JsonValue {
  return {
    name: 'envoy.path.rewrite.uri_template.uri_template_rewriter',
    typed_config: typed('extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig', {
      path_template_rewrite,
    }),
  };
}

/** What is refused of a route, below the route. */
function refusals(route: JsonValue): readonly string[] {
  const json = { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes: [route] }] };
  const compiled = compileJson({ schema: RouteConfigurationSchema, json }, (message, context) =>
    compileRouteTable(message, context),
  );
  return problemLines(compiled.rejections).map((line) =>
    line.replace('virtual_hosts[0].routes[0].', ''),
  );
}

function forward(match: JsonValue, action: { readonly [field: string]: JsonValue }) {
  return refusals({ match, route: { cluster: 'a', ...action } });
}

t.test('takes one rewrite of each kind', async (t) => {
  t.same(forward(PREFIX, { path_rewrite: '/%REQ(a)%', host_rewrite: '%REQ(a)%' }), []);
  t.same(forward(TEMPLATE, { path_rewrite_policy: policy('/x/{a}') }), []);
  const regex = { pattern: { regex: 'a' }, substitution: 'b' };
  t.same(forward(TEMPLATE, { regex_rewrite: regex }), []);
  t.same(refusals({ match: PREFIX, redirect: { path_rewrite: '/%REQ(a)%' } }), []);
});

t.test('refuses two path rewrites', async (t) => {
  const only = 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy';
  t.same(forward(PREFIX, { prefix_rewrite: '/x', path_rewrite: '/y' }), [`route: ${only}`]);
  t.same(forward(TEMPLATE, { path_rewrite_policy: policy('/x'), path_rewrite: '/y' }), [
    `route: ${only}`,
  ]);
});

t.test('refuses formats in Envoy’s words', async (t) => {
  const unknown = 'Not supported field in StreamInfo: FOO';
  t.same(forward(PREFIX, { path_rewrite: '/%FOO%' }), [
    `route.path_rewrite: Failed to create path rewrite formatter: ${unknown}`,
  ]);
  t.same(forward(PREFIX, { host_rewrite: '%FOO%' }), [
    `route.host_rewrite: Failed to create host rewrite formatter: ${unknown}`,
  ]);
  t.same(refusals({ match: PREFIX, redirect: { path_rewrite: '%FOO%' } }), [
    `redirect.path_rewrite: Failed to create path_rewrite formatter: ${unknown}`,
  ]);
});

t.test('refuses templates that do not fit the route', async (t) => {
  t.match(forward(PREFIX, { path_rewrite_policy: policy('/x') }), [
    /^route.path_rewrite_policy: unable to use .*rewriter extension without .*matcher extension$/,
  ]);
  t.same(forward(TEMPLATE, { path_rewrite_policy: policy('/x/{b}') }), [
    'route.path_rewrite_policy: mismatch between variables in path_match_policy /t/{a} and path_rewrite_policy /x/{b}',
  ]);
  t.match(forward(TEMPLATE, { path_rewrite_policy: policy('x') }), [
    /path_template_rewrite: path_rewrite_policy.path_template_rewrite x is invalid/,
  ]);
  t.match(forward(TEMPLATE, { prefix_rewrite: '/x' }), [
    /^route.prefix_rewrite: Cannot use prefix_rewrite with matcher extension/,
  ]);
  t.match(refusals({ match: TEMPLATE, redirect: { prefix_rewrite: '/x' } }), [
    /^redirect.prefix_rewrite: Cannot use redirect.prefix_rewrite with path_match_policy/,
  ]);
});

t.test('refuses a policy of another kind', async (t) => {
  const typed_config = typed('config.core.v3.Pipe', { path: '/x' });
  t.match(forward(TEMPLATE, { path_rewrite_policy: { name: 'n', typed_config } }), [
    /^route.path_rewrite_policy.typed_config: Didn't find a registered implementation for 'n'/,
  ]);
});
