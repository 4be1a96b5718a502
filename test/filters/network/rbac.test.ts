// What the gate makes of a decision; how connections are judged is compared with Envoy.
import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { TimerWheel } from '../../../proxy/base/timer-wheel.ts';
import { networkRbacDefinition } from '../../../proxy/filters/network/rbac.ts';
import {
  ADMIT,
  DENY,
  type GuardedConnection,
  HOLD,
  type ListenerFacts,
  PASS,
  type WorkerServices,
} from '../../../proxy/filters/network-filter.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { filterProblems } from '../../support/filter-fixture.ts';
import { exchange, requestHead } from '../../support/route-fixtures.ts';

const ANY = { any: true };
const EVERYBODY = { p: { permissions: [ANY], principals: [ANY] } };

function rig(config: { readonly [key: string]: JsonValue }) {
  const { schema, compile } = networkRbacDefinition;
  const json = { stat_prefix: 'tcp.', ...config };
  const { value, rejections } = compileJson({ schema: schema as never, json }, compile as never);
  if (rejections.length > 0) throw new Error(problemLines(rejections).join('\n'));
  const clock = new FakeClock();
  const stats = new StatsStore(null);
  const timers = new TimerWheel(clock.nowMs());
  const services = { stats, clock, timers } as unknown as WorkerServices;
  const factory = networkRbacDefinition.gateFactory(value as never, services, {} as ListenerFacts);
  const gate = factory.createGate();
  const { info } = exchange(requestHead());
  const ends: string[] = [];
  const guarded = { account: info, end: () => ends.push('end') } as unknown as GuardedConnection;
  const counters = () =>
    Object.fromEntries(Object.entries(stats.snapshot().counters).filter(([, count]) => count > 0));
  return { gate, guarded, info, ends, clock, timers, counters };
}

t.test('a connection is decided on once, with its first octets', async (t) => {
  const { gate, guarded, counters } = rig({ rules: { policies: EVERYBODY } });
  t.equal(gate.onConnection(undefined as never), ADMIT, 'whoever only listens is let in');
  t.equal(gate.onData?.(guarded), ADMIT);
  t.same(counters(), { 'tcp.rbac.allowed': 1 });
});

t.test('CONTINUOUS decides anew with whatever comes', async (t) => {
  const { gate, guarded, counters } = rig({
    rules: { policies: EVERYBODY },
    enforcement_type: 'CONTINUOUS',
  });
  t.equal(gate.onData?.(guarded), PASS);
  t.equal(gate.onData?.(guarded), PASS);
  t.same(counters(), { 'tcp.rbac.allowed': 2 });
});

t.test('a denial says why', async (t) => {
  const { gate, guarded, info, counters } = rig({
    rules: { action: 'DENY', policies: { 'p q': EVERYBODY.p } },
  });
  t.equal(gate.onData?.(guarded), DENY);
  t.equal(info.connectionTerminationDetails, 'rbac_access_denied_matched_policy[p_q]');
  t.equal(info.downstreamLocalCloseReason, 'rbac_deny_close');
  t.equal(info.upstreamLocalCloseReason, '', 'there is no upstream');
  t.same(counters(), { 'tcp.rbac.denied': 1 });
});

t.test('who is denied may be kept waiting, unless it goes before', async (t) => {
  const config = { rules: { action: 'DENY', policies: EVERYBODY }, delay_deny: '1s' };
  const waits = rig(config);
  t.equal(waits.gate.onData?.(waits.guarded), HOLD);
  waits.clock.advance(990);
  waits.timers.advance(waits.clock.nowMs());
  t.same(waits.ends, []);
  waits.clock.advance(50);
  waits.timers.advance(waits.clock.nowMs());
  t.same(waits.ends, ['end']);
  const goes = rig(config);
  goes.gate.onData?.(goes.guarded);
  goes.gate.onClose?.();
  goes.clock.advance(5000);
  goes.timers.advance(goes.clock.nowMs());
  t.same(goes.ends, []);
});

t.test('conditions on fields are refused, wherever they stand', async (t) => {
  const header = { header: { name: 'x', present_match: true } };
  const problem = (policy: JsonValue): readonly string[] =>
    filterProblems(networkRbacDefinition as never, {
      stat_prefix: 's',
      shadow_rules: { policies: { p: policy } },
    });
  const text = 'Found header(x) rule,not supported by RBAC network filter';
  const at = 'shadow_rules.policies["p"]';
  t.match(
    problem({ permissions: [{ or_rules: { rules: [{ not_rule: header }] } }], principals: [ANY] }),
    [`${at}.permissions[0].or_rules.rules[0].not_rule.header: ${text}`],
  );
  t.match(problem({ permissions: [ANY], principals: [{ and_ids: { ids: [header] } }] }), [
    `${at}.principals[0].and_ids.ids[0].header: ${text}`,
  ]);
});
