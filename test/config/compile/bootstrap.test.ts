import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { compileBootstrap } from '../../../proxy/config/compile/bootstrap.ts';
import type { BootstrapConfig } from '../../../proxy/model/bootstrap.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };
const ADDRESS: Json = { socket_address: { address: '127.0.0.1', port_value: 9901 } };

function compile(json: Json) {
  return compileJson({ schema: BootstrapSchema, json }, compileBootstrap);
}

function bootstrap(json: Json): BootstrapConfig {
  const { value, rejections } = compile(json);
  t.same(problemLines(rejections), []);
  if (value === null) throw new Error('refused');
  return value;
}

function refusals(json: Json): readonly string[] {
  const { value, rejections } = compile(json);
  t.equal(value, null);
  return problemLines(rejections);
}

t.test('an empty bootstrap has Envoy’s defaults', (t) => {
  const config = bootstrap({});
  t.same(config, {
    node: { id: '', cluster: '', locality: { region: '', zone: '', subZone: '' } },
    localClusterName: '',
    dynamic: null,
    loadStats: null,
    hds: null,
    admin: null,
    stats: { matcher: null, useAllDefaultTags: true, tags: [], histogramBuckets: [] },
    runtimeLayers: [],
    runtime: new Map(),
    globalConnectionLimit: null,
    overload: null,
    internalBufferBytes: null,
    outlierLogPath: '',
    statsFlushIntervalMs: 5000,
  });
  t.ok(Object.isFrozen(config) && Object.isFrozen(config.stats));
  t.end();
});

t.test('takes over node, admin and flush interval', (t) => {
  const config = bootstrap({
    node: { id: 'n', cluster: 'c', locality: { zone: 'z' } },
    admin: {
      address: ADDRESS,
      access_log: [
        { name: 'a', typed_config: typed('extensions.access_loggers.stream.v3.StdoutAccessLog') },
      ],
      access_log_path: '/admin.log',
    },
    stats_flush_interval: '0.5s',
  });
  t.match(config, {
    node: { id: 'n', cluster: 'c', locality: { region: '', zone: 'z' } },
    admin: {
      address: { text: '127.0.0.1:9901' },
      accessLogs: [
        { sink: { kind: 'stdout' } },
        { filter: null, sink: { kind: 'file', path: '/admin.log' } },
      ],
    },
    outlierLogPath: '',
    statsFlushIntervalMs: 500,
  });
  t.equal(bootstrap({ admin: {} }).admin, null, 'an admin without an address is none');
  t.match(refusals({ admin: { address: { socket_address: { address: 'x', port_value: 1 } } } }), [
    /^admin\.address\.socket_address\.address: malformed IP address: x/,
  ]);
  t.end();
});

t.test('merges static runtime layers; later ones win', (t) => {
  const layers = [
    { name: 'a', static_layer: { x: 1, 'a.b': 'text', deep: { er: { on: true } } } },
    { name: 'admin', admin_layer: {} },
    { name: 'b', static_layer: { x: 2, 'overload.global_downstream_max_connections': 50000 } },
  ];
  const { runtime, runtimeLayers } = bootstrap({ layered_runtime: { layers } });
  t.same(Object.fromEntries(runtime), {
    x: 2,
    'a.b': 'text',
    'deep.er.on': true,
    'overload.global_downstream_max_connections': 50000,
  });
  t.same(
    runtimeLayers.map(({ name, isAdmin }) => [name, isAdmin]),
    [
      ['a', false],
      ['admin', true],
      ['b', false],
    ],
  );
  t.end();
});

t.test('refuses runtime layers that do not work, in Envoy’s words', (t) => {
  const of = (...layers: Json[]) => refusals({ layered_runtime: { layers } });
  t.same(of({ name: 'x', static_layer: {} }, { name: 'x', static_layer: {} }), [
    'layered_runtime.layers[1].name: Duplicate layer name: x',
  ]);
  t.same(of({ name: 'x', admin_layer: {} }, { name: 'y', admin_layer: {} }), [
    'layered_runtime.layers: Too many admin layers specified in LayeredRuntime, at most one may be specified',
  ]);
  t.match(of({ name: 'x', static_layer: { a: [1], b: null } }), [
    /^layered_runtime\.layers\[0\]\.static_layer: Invalid runtime entry value for a/,
    /Invalid runtime entry value for b/,
  ]);
  t.match(of({ name: 'x' }), [/^layered_runtime\.layers\[0\]: layer_specifier is required/]);
  t.end();
});

t.test('fields with one supported value refuse all others', (t) => {
  t.ok(bootstrap({ header_prefix: 'x-envoy' }));
  t.match(refusals({ header_prefix: 'x-foo' }), [/^header_prefix: only x-envoy/]);
  t.ok(
    bootstrap({
      default_regex_engine: {
        name: 'r',
        typed_config: typed('extensions.regex_engines.v3.GoogleRE2'),
      },
    }),
  );
  const other = { name: 'r', typed_config: typed('extensions.filters.http.router.v3.Router') };
  t.match(refusals({ default_regex_engine: other }), [
    /^default_regex_engine: only envoy\.regex_engines\.google_re2/,
  ]);
  t.same(refusals({ stats_flush_interval: '1s', stats_flush_on_admin: true }), [
    'stats_flush_on_admin: Only one of stats_flush_interval or stats_flush_on_admin should be set!',
  ]);
  t.end();
});
