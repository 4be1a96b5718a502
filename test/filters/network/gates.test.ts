import type { JsonValue } from '@bufbuild/protobuf';

import t from 'tap';
import { socketAddress } from '../../../proxy/base/address.ts';
import { privateCells } from '../../../proxy/base/cells/shared-cells.ts';
import { connectionLimitDefinition } from '../../../proxy/filters/network/connection-limit.ts';
import { setFilterStateDefinition } from '../../../proxy/filters/network/set-filter-state.ts';
import { sniClusterDefinition } from '../../../proxy/filters/network/sni-cluster.ts';
import {
  ADMIT,
  type ConnectionGateDefinition,
  DENY,
  type GatedConnection,
  HOLD,
  type WorkerServices,
} from '../../../proxy/filters/network-filter.ts';
import type { DownstreamConnectionInfo } from '../../../proxy/http/stream-info.ts';
import type { Connection } from '../../../proxy/net/connection.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';
import { FakeClock } from '../../support/fake-clock.ts';

interface Gated extends GatedConnection {
  refusals: number;
}

/** A connection with a server name. */
function connection(requestedServerName = ''): Gated {
  const address = socketAddress('10.0.0.1', 80);
  const info: DownstreamConnectionInfo = {
    ...{ id: 1, directRemoteAddress: address, remoteAddress: address, localAddress: address },
    ...{ directLocalAddress: address, requestedServerName, filterChainName: '', tls: null },
    ...{ filterState: null },
  };
  const gated = { connection: {} as Connection, info, refusals: 0 };
  const refuse = (): void => {
    gated.refusals += 1;
  };
  return Object.assign(gated, { resume: () => {}, refuse });
}

type AnyGate = ConnectionGateDefinition<never, never>;

function rig(definition: unknown, json: JsonValue) {
  const { schema, compile, gateFactory } = definition as AnyGate;
  const clock = new FakeClock();
  const stats = new StatsStore(null);
  const cells = privateCells(() => 0);
  const services = { clock, timers: clock.timers, stats, cells } as unknown as WorkerServices;
  const listener = { scope: stats.scope('listener.l') } as never;
  const compiled = compileJson({ schema, json }, compile as never) as {
    value: never;
    rejections: Parameters<typeof problemLines>[0];
  };
  const problems = problemLines(compiled.rejections);
  const factory = problems.length > 0 ? null : gateFactory(compiled.value, services, listener);
  const makeGate = () => (factory as NonNullable<typeof factory>).createGate();
  return { clock, stats, problems, makeGate };
}

t.test('sni_cluster names the cluster by the server name', async (t) => {
  const { makeGate } = rig(sniClusterDefinition, {});
  const named = connection('db.test');
  t.equal(makeGate().onConnection(named), ADMIT);
  t.equal(named.info.filterState?.get('envoy.tcp_proxy.cluster'), 'db.test');
  const nameless = connection();
  t.equal(makeGate().onConnection(nameless), ADMIT);
  t.equal(nameless.info.filterState, null);
});

t.test('connection_limit counts who is in, and lets the next one in when one leaves', async (t) => {
  const { makeGate, stats } = rig(connectionLimitDefinition, {
    stat_prefix: 'l',
    max_connections: '1',
  });
  const first = makeGate();
  t.equal(first.onConnection(connection()), ADMIT);
  const second = makeGate();
  t.equal(second.onConnection(connection()), DENY);
  second.onClose?.();
  t.equal(stats.snapshot().gauges['connection_limit.l.active_connections'], 1);
  t.equal(stats.snapshot().counters['connection_limit.l.limited_connections'], 1);
  first.onClose?.();
  first.onClose?.();
  t.equal(stats.snapshot().gauges['connection_limit.l.active_connections'], 0);
  t.equal(makeGate().onConnection(connection()), ADMIT);
});

t.test('connection_limit keeps who is refused waiting', async (t) => {
  const json = { stat_prefix: 'l', max_connections: '1', delay: '1s' };
  const { makeGate, clock } = rig(connectionLimitDefinition, json);
  makeGate().onConnection(connection());
  const patient = connection();
  t.equal(makeGate().onConnection(patient), HOLD);
  const impatient = connection();
  const gate = makeGate();
  t.equal(gate.onConnection(impatient), HOLD);
  gate.onClose?.();
  clock.advance(1010);
  t.equal(patient.refusals, 1);
  t.equal(impatient.refusals, 0);
  t.equal(clock.timers.armedCount, 0);
});

t.test('connection_limit that is switched off admits everybody', async (t) => {
  const json = { stat_prefix: 'l', max_connections: '1', runtime_enabled: off() };
  const { makeGate } = rig(connectionLimitDefinition, json);
  t.equal(makeGate().onConnection(connection()), ADMIT);
  t.equal(makeGate().onConnection(connection()), ADMIT);
});

function off(): JsonValue {
  return { default_value: false, runtime_key: 'x' };
}

t.test('set_filter_state leaves formatted values in order', async (t) => {
  const { makeGate } = rig(setFilterStateDefinition, {
    on_new_connection: [
      value('envoy.tcp_proxy.cluster', 'first', { read_only: true }),
      value('envoy.tcp_proxy.cluster', '%REQUESTED_SERVER_NAME%'),
      value('my.key', 'x', { factory_key: 'envoy.string' }),
      value('other.key', '', { factory_key: 'envoy.string', skip_if_empty: true }),
    ],
  });
  const gated = connection('db.test');
  t.equal(makeGate().onConnection(gated), ADMIT);
  t.same(
    [...(gated.info.filterState ?? [])],
    [
      ['envoy.tcp_proxy.cluster', 'db.test'],
      ['my.key', 'x'],
    ],
  );
});

t.test('set_filter_state refuses keys that nothing reads', async (t) => {
  const { problems } = rig(setFilterStateDefinition, { on_new_connection: [value('a.b', 'x')] });
  t.match(problems, [
    /^on_new_connection\[0\]\.object_key: 'a\.b' does not have an object factory/,
  ]);
});

function value(key: string, text: string, members: { [key: string]: JsonValue } = {}): JsonValue {
  const format_string = { text_format_source: { inline_string: text }, omit_empty_values: true };
  return { object_key: key, format_string, ...members };
}
