import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteActionSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { HttpConnectionManagerSchema } from '../../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import {
  compileManagerUpgrades,
  compileRouteUpgrades,
} from '../../../proxy/config/compile/upgrades.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

function manager(...upgrade_configs: JsonValue[]) {
  const json = { stat_prefix: 's', upgrade_configs };
  return compileJson({ schema: HttpConnectionManagerSchema, json }, (message, context) =>
    compileManagerUpgrades(message.upgradeConfigs, context),
  );
}

function route(...upgrade_configs: JsonValue[]) {
  const json = { cluster: 'c', upgrade_configs };
  return compileJson({ schema: RouteActionSchema, json }, (message, context) =>
    compileRouteUpgrades(message.upgradeConfigs, context),
  );
}

t.test('types are compared in lower case, and an entry is enabled unless it says no', (t) => {
  const entries = [
    { upgrade_type: 'WebSocket' },
    { upgrade_type: 'CONNECT', enabled: true },
    { upgrade_type: 'spdy', enabled: false },
  ];
  const rules = (members: object) => [
    ['websocket', { isEnabled: true, connect: null, ...members }],
    ['connect', { isEnabled: true, connect: null, ...members }],
    ['spdy', { isEnabled: false, connect: null, ...members }],
  ];
  const ofManager = manager(...entries);
  t.same([...ofManager.value], rules({ filters: [] }));
  t.same(ofManager.rejections, []);
  const ofRoute = route(...entries);
  t.same([...ofRoute.value], rules({}));
  t.same(ofRoute.rejections, []);
  t.end();
});

t.test('an upgrade may have filters of its own, which are a chain like any other', (t) => {
  const buffer = { name: 'b', typed_config: typed('extensions.filters.http.buffer.v3.Buffer') };
  const router = { name: 'r', typed_config: typed('extensions.filters.http.router.v3.Router') };
  const good = manager({ upgrade_type: 'websocket', filters: [buffer, router] });
  t.same(good.rejections, []);
  t.same(
    good.value.get('websocket')?.filters.map(({ name }) => name),
    ['b', 'r'],
  );
  const bad = manager(
    { upgrade_type: 'websocket' },
    { upgrade_type: 'CONNECT', filters: [router, { ...buffer, disabled: true }] },
  );
  const [type, at] = ['envoy.filters.http', 'upgrade_configs[1].filters'];
  t.same(problemLines(bad.rejections), [
    `${at}[0]: Error: terminal filter named r of type ${type}.router must be the last filter in a http upgrade filter chain.`,
    `${at}[1]: Error: non-terminal filter named b of type ${type}.buffer is the last filter in a http upgrade filter chain.`,
    `${at}[1].disabled: Error: the last (terminal) filter (b) in the chain cannot be disabled by default.`,
  ]);
  t.end();
});

t.test('a type may be given once', (t) => {
  const entries = [{ upgrade_type: 'websocket' }, { upgrade_type: 'WebSocket', enabled: false }];
  t.same(problemLines(manager(...entries).rejections), [
    "upgrade_configs[1].upgrade_type: Error: multiple upgrade configs with the same name: 'WebSocket'",
  ]);
  t.same(problemLines(route(...entries).rejections), [
    'upgrade_configs[1].upgrade_type: Duplicate upgrade WebSocket',
  ]);
  t.end();
});

t.test('a type without a name is accepted with a warning, as nothing matches it', (t) => {
  const { value, warnings, rejections } = manager({});
  t.same([...value.keys()], ['']);
  t.same(rejections, []);
  t.same(problemLines(warnings), [
    'upgrade_configs[0].upgrade_type: no request asks for an upgrade without a name',
  ]);
  t.end();
});

t.test('CONNECT may end here', (t) => {
  const { value, rejections } = route({ upgrade_type: 'CONNECT', connect_config: {} });
  t.same(rejections, []);
  t.same(value.get('connect'), { isEnabled: true, connect: { allowPost: false } });
  const post = route({ upgrade_type: 'connect', connect_config: { allow_post: true } });
  t.same(post.value.get('connect')?.connect, { allowPost: true });
  const { rejections: others } = route({ upgrade_type: 'websocket', connect_config: {} });
  t.same(problemLines(others), [
    'upgrade_configs[0].connect_config: Non-CONNECT upgrade type websocket has ConnectConfig',
  ]);
  t.end();
});

t.test('CONNECT-UDP is refused unless it is forbidden anyway', (t) => {
  const reason =
    'upgrade_configs[0].upgrade_type: CONNECT-UDP is not supported: it carries datagrams, and only TCP is forwarded';
  const udp = { upgrade_type: 'CONNECT-UDP' };
  t.same(problemLines(manager(udp).rejections), [reason]);
  t.same(problemLines(route({ ...udp, connect_config: {} }).rejections), [reason]);
  t.same(manager({ ...udp, enabled: false }).rejections, []);
  t.same(route({ ...udp, enabled: false }).rejections, []);
  t.end();
});
