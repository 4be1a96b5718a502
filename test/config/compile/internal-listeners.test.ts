import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import { compileBootstrap } from '../../../proxy/config/compile/bootstrap.ts';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { compileListener } from '../../../proxy/config/compile/listener.ts';
import { EXTENSIONS } from '../../../proxy/filters/extensions.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

const ECHO: Json = { name: 'e', typed_config: typed('extensions.filters.network.echo.v3.Echo') };
const EXTENSION = 'extensions.bootstrap.internal_listener.v3.InternalListener';
const ADDRESS: Json = { socket_address: { address: '127.0.0.1', port_value: 10001 } };
const named = (rule: string) => `error adding listener named 'inner': ${rule}`;

function listener(members: Json = {}, hasInternalListeners: boolean | null = true) {
  const filter_chains = [{ filters: [ECHO] }];
  const json = { name: 'inner', internal_listener: {}, filter_chains, ...members };
  const environment = testEnvironment({ extensions: EXTENSIONS, hasInternalListeners });
  return compileJson({ schema: ListenerSchema, json, environment }, compileListener);
}

function bootstrap(...extensions: readonly Json[]) {
  const json = { bootstrap_extensions: [...extensions] };
  return compileJson({ schema: BootstrapSchema, json }, compileBootstrap);
}

t.test('an internal listener has the address and the statistics of Envoy', (t) => {
  const { value: config } = listener();
  t.equal(config?.isInternal, true);
  t.equal(config?.statPrefix, 'envoy_internal_inner');
  t.same(
    config?.addresses.map(({ text }) => text),
    ['envoy://inner/'],
  );
  t.equal(listener({ stat_prefix: 'own' }).value?.statPrefix, 'own');
  t.equal(listener({ name: '' }).value?.statPrefix, 'envoy_internal_');
  t.end();
});

t.test('the bootstrap must have the extension', (t) => {
  const reason = named(
    'InternalListener bootstrap extension is mandatory: add envoy.bootstrap.internal_listener to bootstrap_extensions',
  );
  t.same(problemLines(listener({}, false).rejections), [`internal_listener: ${reason}`]);
  t.ok(listener({}, null).value, 'not known, not checked');
  t.end();
});

t.test('what needs a socket is refused as in Envoy', (t) => {
  const rule =
    "error adding listener 'inner': address should not be used when an internal listener config is provided";
  t.same(problemLines(listener({ address: ADDRESS }).rejections), [`address: ${rule}`]);
  const others = { additional_addresses: [{ address: ADDRESS }] };
  t.same(problemLines(listener(others).rejections), [`additional_addresses: ${rule}`]);
  const unsupported = named('has unsupported tcp listener feature');
  for (const [field, value] of [
    ['transparent', true],
    ['tcp_backlog_size', 5],
    ['tcp_fast_open_queue_length', 5],
    ['enable_reuse_port', true],
    ['connection_balance_config', { exact_balance: {} }],
  ] as const) {
    t.same(problemLines(listener({ [field]: value }).rejections), [`${field}: ${unsupported}`]);
  }
  t.ok(listener({ transparent: false }).value);
  t.end();
});

t.test('a listener with a socket cannot have an internal address', (t) => {
  const address = { envoy_internal_address: { server_listener_name: 'inner' } };
  const json = { name: 'l', address, filter_chains: [{ filters: [ECHO] }] };
  const environment = testEnvironment({ extensions: EXTENSIONS });
  const { rejections } = compileJson(
    { schema: ListenerSchema, json, environment },
    compileListener,
  );
  t.match(problemLines(rejections), [
    /use internal_listener field instead of address for internal listeners/,
  ]);
  t.end();
});

t.test('buffer_size_kb bounds what waits', (t) => {
  const size = (members: Json = {}) =>
    bootstrap({ name: 'i', typed_config: typed(EXTENSION, members) }).value?.internalBufferBytes;
  t.equal(size(), 1024 * 1024);
  t.equal(size({ buffer_size_kb: 3 }), 3072);
  t.equal(bootstrap().value?.internalBufferBytes, null);
  t.end();
});

t.test('other bootstrap extensions are refused', (t) => {
  const { rejections } = bootstrap({ name: 'w', typed_config: typed('config.core.v3.Node') });
  t.same(problemLines(rejections), [
    'bootstrap_extensions[0].typed_config: only envoy.bootstrap.internal_listener is supported yet',
  ]);
  t.end();
});

function cluster(address: Json, members: Json = {}) {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  const load_assignment = { cluster_name: 'c', endpoints };
  const json = { name: 'c', load_assignment, ...members };
  const environment = testEnvironment({ extensions: EXTENSIONS });
  return compileJson({ schema: ClusterSchema, json, environment }, compileCluster);
}

t.test('an endpoint may be an internal listener', (t) => {
  const envoy_internal_address = { server_listener_name: 'inner', endpoint_id: 'x' };
  const transport_socket = {
    name: 'i',
    typed_config: typed(
      'extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport',
      {
        transport_socket: {
          name: 'r',
          typed_config: typed('extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
        },
      },
    ),
  };
  const { value } = cluster({ envoy_internal_address }, { transport_socket });
  t.match(value?.endpoints, [{ address: 'inner', port: -2, endpointId: 'x' }]);
  t.end();
});
