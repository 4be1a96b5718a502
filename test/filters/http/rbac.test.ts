// What the filter makes of a decision; how requests are judged is compared with Envoy.
import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { rbacDefinition } from '../../../proxy/filters/http/rbac.ts';
import { typed } from '../../support/compile-json.ts';
import { FilterFixture, filterProblems } from '../../support/filter-fixture.ts';
import { requestHead } from '../../support/route-fixtures.ts';

const ANY = { any: true };
const X = { header: { name: 'x', string_match: { exact: '1' } } };
const POLICY = { permissions: [X], principals: [ANY] };
const HTTP_RBAC = 'envoy.filters.http.rbac';

function fixture(config: JsonValue, ...levels: readonly JsonValue[]): FilterFixture {
  return new FilterFixture(rbacDefinition, { config, levels });
}

const matching = requestHead({ headers: ['x', '1'] });
const other = requestHead();

t.test('denies with 403 and says which policy it was', async (t) => {
  const filter = fixture({ rules: { action: 'DENY', policies: { 'a b\tc': POLICY } } });
  const denied = filter.run(matching);
  t.same(denied.replies, ['rbac_access_denied_matched_policy[a_b_c]']);
  t.equal(denied.client.start?.status, 403);
  t.equal(denied.client.content, 'RBAC: access denied');
  t.same(denied.info.dynamicMetadata?.get(HTTP_RBAC), {
    enforced_effective_policy_id: 'a b\tc',
    enforced_engine_result: 'denied',
  });
  const allowed = filter.run(other);
  t.same(allowed.replies, []);
  t.same(allowed.info.dynamicMetadata?.get(HTTP_RBAC), { enforced_engine_result: 'allowed' });
  t.same(filter.counters(), { 'rbac.allowed': 1, 'rbac.denied': 1 });
});

t.test('rules that are only tried neither deny nor ask for a log line', async (t) => {
  const filter = fixture({
    shadow_rules: { action: 'LOG', policies: { p: POLICY } },
    shadow_rules_stat_prefix: 'dry_',
    track_per_rule_stats: true,
  });
  const rig = filter.run(matching);
  t.same(rig.replies, []);
  t.same(
    [...(rig.info.dynamicMetadata ?? [])],
    [[HTTP_RBAC, { dry_shadow_effective_policy_id: 'p', dry_shadow_engine_result: 'allowed' }]],
  );
  t.same(filter.counters(), {
    'rbac.dry_.shadow_allowed': 1,
    'rbac.dry_.policy.p.shadow_allowed': 1,
  });
});

t.test('only LOG says whether a request is to be logged', async (t) => {
  const audit = fixture({ rules: { action: 'LOG', policies: { audit: POLICY } } });
  const rig = audit.run(matching);
  const metadata = rig.info.dynamicMetadata;
  t.same(metadata?.get('envoy.common'), { access_log_hint: true });
  t.same(audit.run(other).info.dynamicMetadata?.get('envoy.common'), { access_log_hint: false });
});

t.test('without rules, or switched off by a route, streams do without it', async (t) => {
  const rules = { action: 'DENY', policies: { p: POLICY } };
  t.equal(fixture({}).isIdle, true);
  t.equal(fixture({ rules }, {}).isIdle, true, 'RBACPerRoute without rbac');
  t.equal(fixture({ rules }, { rbac: {} }).isIdle, true);
  t.equal(fixture({}, { rbac: { rules } }).isIdle, false);
  t.equal(fixture({ rules: {} }).isIdle, false, 'empty rules deny everything');
});

t.test('the most specific level alone counts', async (t) => {
  const rules = (action: string) => ({ rbac: { rules: { action, policies: { p: POLICY } } } });
  const filter = fixture({}, rules('DENY'), rules('ALLOW'));
  t.same(filter.run(matching).replies, ['rbac_access_denied_matched_policy[p]']);
  t.same(filter.run(other).replies, []);
});

t.test('what cannot be decided as asked is refused', async (t) => {
  const problem = (permission: JsonValue): readonly string[] =>
    filterProblems(rbacDefinition as never, {
      rules: { policies: { 'p"q': { permissions: [permission], principals: [ANY] } } },
    });
  const at = 'rules.policies["p\\"q"].permissions[0]';
  t.match(problem({}), [`${at}: rule is required`]);
  t.match(problem({ destination_ip: { address_prefix: 'h.test' } }), [
    `${at}.destination_ip.address_prefix: malformed IP address: h.test`,
  ]);
  t.match(problem({ destination_port_range: { start: 5, end: 5 } }), [
    `${at}.destination_port_range: range start 5 cannot be greater or equal than range end 5`,
  ]);
  t.match(problem({ destination_port_range: { start: -1, end: 5 } }), [
    `${at}.destination_port_range: range start -1 is out of bounds`,
  ]);
  t.match(problem({ destination_port_range: { start: 1, end: 65_537 } }), [
    `${at}.destination_port_range: range end 65537 is out of bounds`,
  ]);
  t.match(problem({ url_path: { path: { safe_regex: { regex: '(' } } } }), [
    `${at}.url_path.path.safe_regex.regex: `,
  ]);
  t.match(problem({ not_rule: { and_rules: { rules: [X, {}] } } }), [
    `${at}.not_rule.and_rules.rules[1]: rule is required`,
  ]);
});

t.test('principals of extensions are refused but for the one that is known', async (t) => {
  const problem = (custom: JsonValue): readonly string[] =>
    filterProblems(rbacDefinition as never, {
      rules: { policies: { p: { permissions: [ANY], principals: [{ custom }] } } },
    });
  const at = 'rules.policies["p"].principals[0].custom.typed_config';
  const config = 'extensions.rbac.principals.mtls_authenticated.v3.Config';
  t.match(problem({ name: 'n' }), [`${at}: Didn't find a registered implementation for 'n'`]);
  t.match(problem({ name: 'n', typed_config: typed(config) }), [
    `${at}: envoy.rbac.principals.mtls_authenticated did not have any configured validation`,
  ]);
  const any = typed(config, { any_validated_client_certificate: true });
  t.same(problem({ name: 'n', typed_config: any }), []);
});

t.test('a matcher takes the place of rules, and denies what it does not match', async (t) => {
  const on = (name: string, action: string): JsonValue => ({
    action: { name, typed_config: typed('config.rbac.v3.Action', { name, action }) },
  });
  const input = {
    name: 'input',
    typed_config: typed('type.matcher.v3.HttpRequestHeaderMatchInput', { header_name: 'x' }),
  };
  const map = { 1: on('one', 'ALLOW'), 2: on('two', 'LOG'), 3: on('three', 'DENY') };
  const filter = fixture({
    rules: { action: 'ALLOW', policies: { p: { permissions: [ANY], principals: [ANY] } } },
    matcher: { matcher_tree: { input, exact_match_map: { map } } },
  });
  const run = (value: string) => filter.run(requestHead({ headers: ['x', value] }));
  t.same(run('1').replies, []);
  t.same(run('1').info.dynamicMetadata?.get('envoy.common'), { access_log_hint: false });
  t.same(run('2').info.dynamicMetadata?.get('envoy.common'), { access_log_hint: true });
  t.same(run('3').replies, ['rbac_access_denied_matched_policy[three]']);
  const none = run('4');
  t.same(none.replies, ['rbac_access_denied_matched_policy[none]']);
  t.equal(none.info.dynamicMetadata?.has('envoy.common'), false);
});
