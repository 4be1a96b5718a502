// Sources and socket options of upstream connections.
import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

const V4 = { address: '127.0.0.9', port_value: 0 };
const V6 = { address: '::1', port_value: 7 };
const TOS = { level: 0, name: 1, int_value: 16 };
const TOS_CONFIG = { level: 0, name: 1, octets: 'EAAAAA==' };
const BYTES = { level: 1, name: 25, buf_value: 'bG8A', state: 'STATE_PREBIND' };

function compile(bind: Json, members: Json = {}) {
  const endpoint = {
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } },
  };
  const load_assignment = { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint] }] };
  const json = { name: 'c', load_assignment, upstream_bind_config: bind, ...members };
  return compileJson({ schema: ClusterSchema, json }, compileCluster);
}

t.test('a source for each IP version, the first one before the other', (t) => {
  const extra = { source_address: V4, extra_source_addresses: [{ address: V6 }] };
  const additional = { source_address: V4, additional_source_addresses: [V6] };
  for (const bind of [extra, additional]) {
    t.same(compile(bind).value?.sourceAddresses, [
      { ip: '127.0.0.9', port: 0, socketOptions: [] },
      { ip: '::1', port: 7, socketOptions: [] },
    ]);
  }
  t.end();
});

t.test('options are those of the bind configuration, or of an extra source', (t) => {
  const own = { address: V6, socket_options: { socket_options: [BYTES] } };
  const bind = { source_address: V4, socket_options: [TOS], extra_source_addresses: [own] };
  const { value } = compile(bind);
  t.same(value?.socketOptions, [TOS_CONFIG]);
  t.same(
    value?.sourceAddresses.map(({ socketOptions }) => socketOptions),
    [[TOS_CONFIG], [{ level: 1, name: 25, octets: 'bG8A' }]],
  );
  const free = compile({ freebind: true }).value?.socketOptions;
  t.match(free, [
    { level: 0, name: 15, family: 4 },
    { level: 41, name: 78, family: 6 },
  ]);
  t.end();
});

t.test('options of other states are never used, which is said', (t) => {
  const { value, warnings } = compile({ socket_options: [{ ...TOS, state: 'STATE_BOUND' }] });
  t.same(value?.socketOptions, []);
  t.match(problemLines(warnings), [/socket_options\[0\]\.state: is never reached/]);
  t.end();
});

t.test('sources that Envoy refuses are refused', (t) => {
  const refusal = (bind: Json) => problemLines(compile(bind).rejections).join();
  const extra = [{ address: V6 }];
  t.match(
    refusal({
      source_address: V4,
      extra_source_addresses: extra,
      additional_source_addresses: [V6],
    }),
    /Can't specify both `extra_source_addresses` and `additional_source_addresses`/,
  );
  t.match(refusal({ extra_source_addresses: extra }), /but no source_address/);
  t.match(
    refusal({ source_address: V4, extra_source_addresses: [...extra, ...extra] }),
    /more than one extra/,
  );
  t.match(refusal({ source_address: V6, extra_source_addresses: extra }), /two same IP version/);
  t.match(refusal({ source_address: { address: 'name', port_value: 0 } }), /malformed IP address/);
  t.end();
});

t.test('probes of keep-alive', (t) => {
  const tcp_keepalive = { keepalive_time: 3, keepalive_probes: 2, keepalive_interval: 5 };
  const { value } = compile({}, { upstream_connection_options: { tcp_keepalive } });
  t.same(value?.tcpKeepalive, { idleMs: 3000, probes: 2, intervalSeconds: 5 });
  t.end();
});
