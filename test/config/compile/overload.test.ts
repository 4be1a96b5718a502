import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { compileOverload } from '../../../proxy/config/compile/overload.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

const CONNECTIONS = {
  name: 'envoy.resource_monitors.global_downstream_max_connections',
  typed_config: typed(
    'extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
    { max_active_downstream_connections: '1000' },
  ),
};
const FIXED_HEAP = 'extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig';
const HEAP = {
  name: 'envoy.resource_monitors.fixed_heap',
  typed_config: typed(FIXED_HEAP, { max_heap_size_bytes: '5000' }),
};

function compile(resource_monitors: JsonValue[], actions: JsonValue[] = []) {
  const json = { overload_manager: { resource_monitors, actions } };
  return compileJson({ schema: BootstrapSchema, json }, compileOverload);
}

function action(name: string, ...triggers: JsonValue[]): JsonValue {
  return { name: `envoy.overload_actions.${name}`, triggers };
}

function at(value: number): JsonValue {
  return { name: HEAP.name, threshold: { value } };
}

t.test('knows the limits of connections and of the heap', (t) => {
  t.strictSame(compile([CONNECTIONS]).value, { globalConnectionLimit: 1000, overload: null });
  t.strictSame(compile([HEAP]).value, {
    globalConnectionLimit: null,
    overload: {
      ...{ refreshIntervalMs: 1000, actions: [], shedPoints: [], timers: [] },
      monitors: [{ name: HEAP.name, kind: 'heap', maxBytes: 5000 }],
    },
  });
  t.strictSame(compile([]).value, { globalConnectionLimit: null, overload: null });
  t.end();
});

t.test('actions have thresholds, sharp or scaled', (t) => {
  const scaled = { name: HEAP.name, scaled: { scaling_threshold: 0.5, saturation_threshold: 0.9 } };
  const { value, rejections } = compile(
    [HEAP],
    [action('stop_accepting_requests', at(0.8)), action('disable_http_keepalive', scaled)],
  );
  t.same(rejections, []);
  t.strictSame(value.overload?.actions, [
    { name: 'stop_accepting_requests', triggers: [{ resource: HEAP.name, from: 0.8, to: 0.8 }] },
    { name: 'disable_http_keepalive', triggers: [{ resource: HEAP.name, from: 0.5, to: 0.9 }] },
  ]);
  t.end();
});

t.test('what has no effect is said, what cannot be done is refused by name', (t) => {
  const shrinking = compile([HEAP], [action('shrink_heap', at(0.8))]);
  t.same(shrinking.rejections, []);
  t.match(problemLines(shrinking.warnings), [/actions\[0\]\.name: has no effect/]);
  const reasons = (...actions: JsonValue[]) => problemLines(compile([HEAP], actions).rejections);
  t.match(reasons(action('reset_high_memory_stream', at(0.8))), [
    /reset_high_memory_stream is not supported: streams are not weighed/,
  ]);
  t.match(reasons(action('nope', at(0.8))), [
    /Unknown Overload Manager Action envoy\.overload_actions\.nope/,
  ]);
  t.match(reasons(action('stop_accepting_requests', { name: 'x', threshold: { value: 1 } })), [
    /Unknown trigger resource x for overload action envoy\.overload_actions\.stop_accepting_requests/,
  ]);
  t.match(reasons(action('stop_accepting_requests', at(0.8), at(0.9))), [
    /Duplicate trigger resource for overload action/,
  ]);
  const once = action('stop_accepting_requests', at(0.8));
  t.match(reasons(once, once), [/actions\[1\]: Duplicate overload action/]);
  const upside = { name: HEAP.name, scaled: { scaling_threshold: 0.9, saturation_threshold: 0.9 } };
  t.match(reasons(action('stop_accepting_requests', upside)), [
    /scaling_threshold must be less than saturation_threshold/,
  ]);
  t.end();
});

t.test('refuses other monitors, two of one name and a heap of nothing', (t) => {
  const reasons = (...monitors: JsonValue[]) => problemLines(compile(monitors).rejections);
  const other = { name: 'x', typed_config: typed('extensions.filters.http.router.v3.Router') };
  t.match(reasons(other), [
    /^overload_manager\.resource_monitors\[0\]\.typed_config: this resource is not watched/,
  ]);
  t.match(reasons({ name: 'x' }), [
    /^overload_manager\.resource_monitors\[0\]: Didn't find a registered implementation for 'x' with type URL: ''/,
  ]);
  t.same(reasons(CONNECTIONS, CONNECTIONS), [
    `overload_manager.resource_monitors[1]: Duplicate resource monitor ${CONNECTIONS.name}`,
  ]);
  t.match(reasons({ ...HEAP, typed_config: typed(FIXED_HEAP) }), [
    /fixed_heap: max heap size must be greater than 0/,
  ]);
  t.end();
});

const MONITORS = 'extensions.resource_monitors.';

t.test('watches memory and processors of containers and hosts, and numbers in files', (t) => {
  const monitor = (name: string, type: string, config: { [key: string]: JsonValue } = {}) => ({
    name,
    typed_config: typed(MONITORS + type, config),
  });
  const { value, rejections } = compile([
    monitor('m', 'cgroup_memory.v3.CgroupMemoryConfig'),
    monitor('n', 'cgroup_memory.v3.CgroupMemoryConfig', { max_memory_bytes: '99' }),
    monitor('h', 'cpu_utilization.v3.CpuUtilizationConfig'),
    monitor('c', 'cpu_utilization.v3.CpuUtilizationConfig', { mode: 'CONTAINER' }),
    monitor('i', 'injected_resource.v3.InjectedResourceConfig', { filename: '/p' }),
  ]);
  t.same(problemLines(rejections), []);
  t.same(value.overload?.monitors, [
    { name: 'm', kind: 'cgroup', maxBytes: null },
    { name: 'n', kind: 'cgroup', maxBytes: 99 },
    { name: 'h', kind: 'cpu', isContainer: false },
    { name: 'c', kind: 'cpu', isContainer: true },
    { name: 'i', kind: 'injected', path: '/p' },
  ]);
  t.end();
});

function reducing(...timer_scale_factors: JsonValue[]): JsonValue {
  const type = 'config.overload.v3.ScaleTimersOverloadActionConfig';
  const own = action('reduce_timeouts', at(0.8)) as { [key: string]: JsonValue };
  return { ...own, typed_config: typed(type, { timer_scale_factors }) };
}

t.test('reduce_timeouts says which timeouts, and what is left of them', (t) => {
  const { value, rejections } = compile(
    [HEAP],
    [
      reducing(
        { timer: 'HTTP_DOWNSTREAM_CONNECTION_IDLE', min_timeout: '2s' },
        { timer: 'HTTP_DOWNSTREAM_STREAM_IDLE', min_scale: { value: 10 } },
      ),
    ],
  );
  t.same(problemLines(rejections), []);
  t.same(value.overload?.timers, [
    { timer: 'connection-idle', minMs: 2000, minShare: 0 },
    { timer: 'stream-idle', minMs: null, minShare: 0.1 },
  ]);
  const reasons = (...actions: JsonValue[]) => problemLines(compile([HEAP], actions).rejections);
  t.match(reasons(reducing({ timer: 'TRANSPORT_SOCKET_CONNECT', min_timeout: '1s' })), [
    /timer_scale_factors\[0\]\.timer: TRANSPORT_SOCKET_CONNECT is not scaled: use HTTP_DOWN/,
  ]);
  t.match(reasons(action('reduce_timeouts', at(0.8))), [/requires a typed_config/]);
  t.end();
});

t.test('load shed points are honoured or refused by name', (t) => {
  const point = (name: string) => ({ name: `envoy.load_shed_points.${name}`, triggers: [at(0.5)] });
  const compiled = (...loadshed_points: JsonValue[]) => {
    const json = { overload_manager: { resource_monitors: [HEAP], loadshed_points } };
    return compileJson({ schema: BootstrapSchema, json }, compileOverload);
  };
  const { value, rejections } = compiled(point('tcp_listener_accept'));
  t.same(problemLines(rejections), []);
  const triggers = [{ resource: HEAP.name, from: 0.5, to: 0.5 }];
  t.same(value.overload?.shedPoints, [{ name: 'tcp_listener_accept', triggers }]);
  const refused = problemLines(compiled(point('tcp_proxy_on_data'), point('other')).rejections);
  t.match(refused, [
    /loadshed_points\[0\]\.name: .*tcp_proxy_on_data is not supported: use tcp_listener_accept/,
    /loadshed_points\[1\]\.name: Unknown load shed point envoy\.load_shed_points\.other/,
  ]);
  t.end();
});
