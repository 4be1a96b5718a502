import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ListenerSchema } from '../../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import { compileListener } from '../../../proxy/config/compile/listener.ts';
import { EXTENSIONS } from '../../../proxy/filters/extensions.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import type { ListenerConfig } from '../../../proxy/model/listener.ts';
import {
  compileJson,
  problemLines,
  testEnvironment,
  testExtensions,
  typed,
} from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

const ROUTER: Json = {
  name: 'router',
  typed_config: typed('extensions.filters.http.router.v3.Router'),
};
const HCM: Json = {
  name: 'hcm',
  typed_config: typed(
    'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: 's',
      route_config: { virtual_hosts: [] },
      http_filters: [ROUTER],
    },
  ),
};
const RBAC: Json = { name: 'acl', typed_config: typed('extensions.filters.network.rbac.v3.RBAC') };
const ADDRESS: Json = { socket_address: { address: '127.0.0.1', port_value: 10001 } };

function compile(members: Json = {}, environment: CompileEnvironment = testEnvironment()) {
  const json = { name: 'l', address: ADDRESS, filter_chains: [{ filters: [HCM] }], ...members };
  return compileJson({ schema: ListenerSchema, json, environment }, compileListener);
}

function listener(members?: Json, environment?: CompileEnvironment): ListenerConfig {
  const { value, rejections } = compile(members, environment);
  t.same(problemLines(rejections), []);
  if (value === null) throw new Error('refused');
  return value;
}

function refusals(members: Json): readonly string[] {
  const { value, rejections } = compile(members);
  t.equal(value, null);
  return problemLines(rejections);
}

t.test('fills in Envoy’s defaults and freezes the whole', (t) => {
  const config = listener();
  t.match(config, {
    name: 'l',
    addresses: [{ ip: '127.0.0.1', port: 10001, text: '127.0.0.1:10001' }],
    statPrefix: '127.0.0.1:10001',
    bindToPort: true,
    tcpBacklog: null,
    perConnectionBufferLimitBytes: 1_048_576,
    connectionLimit: null,
    ignoreGlobalConnectionLimit: false,
    drainType: 'default',
    trafficDirection: 'unspecified',
    defaultFilterChain: null,
    accessLogs: [],
    tcpKeepalives: [null],
  });
  const [chain] = config.filterChains;
  t.equal(chain?.name, '');
  t.match(chain?.filters, [{ name: 'hcm', disabled: false }]);
  t.equal(chain?.filters[0]?.definition.name, 'envoy.filters.network.http_connection_manager');
  t.ok(Object.isFrozen(config) && Object.isFrozen(chain) && Object.isFrozen(chain?.filters[0]));
  t.end();
});

t.test('takes over what is set', (t) => {
  const config = listener({
    stat_prefix: 'p',
    additional_addresses: [{ address: { pipe: { path: '/run/x.sock' } } }],
    bind_to_port: false,
    enable_reuse_port: false,
    tcp_backlog_size: 7,
    per_connection_buffer_limit_bytes: 4096,
    ignore_global_conn_limit: true,
    drain_type: 'MODIFY_ONLY',
    traffic_direction: 'OUTBOUND',
    default_filter_chain: { name: 'd', filters: [HCM], transport_socket_connect_timeout: '2s' },
    access_log: [
      { name: 'a', typed_config: typed('extensions.access_loggers.stream.v3.StdoutAccessLog') },
    ],
  });
  t.match(config, {
    statPrefix: 'p',
    addresses: [{ port: 10001 }, { ip: '/run/x.sock', port: -1 }],
    bindToPort: false,
    tcpBacklog: 7,
    perConnectionBufferLimitBytes: 4096,
    ignoreGlobalConnectionLimit: true,
    drainType: 'modify-only',
    trafficDirection: 'outbound',
    defaultFilterChain: { name: 'd' },
    accessLogs: [{ filter: null, sink: { kind: 'stdout' } }],
  });
  t.equal(listener({ deprecated_v1: { bind_to_port: false } }).bindToPort, false);
  t.equal(listener({ traffic_direction: 'INBOUND' }).trafficDirection, 'inbound');
  t.end();
});

t.test('a listener without a name goes by its address', (t) => {
  t.equal(listener({ name: '' }).name, '127.0.0.1:10001');
  const v6 = { socket_address: { address: '::1', port_value: 80 } };
  t.equal(listener({ name: '', address: v6 }).name, '[::1]:80');
  t.end();
});

t.test('runtime limits its connections', (t) => {
  const key = 'envoy.resource_limits.listener.l.connection_limit';
  const limit = (value: string | number | boolean) =>
    listener({}, testEnvironment({ runtime: new Map([[key, value]]) })).connectionLimit?.value ??
    null;
  t.equal(limit(10), 10);
  t.equal(limit('10'), 10);
  t.equal(limit(0), 0);
  t.equal(limit('many'), null);
  t.equal(limit(-1), null);
  t.equal(limit(true), null);
  t.end();
});

t.test('refuses addresses that cannot be bound, in Envoy’s words', (t) => {
  const at = (address: JsonValue): readonly string[] => refusals({ address });
  t.same(at({ socket_address: { address: 'localhost', port_value: 1 } }), [
    'address.socket_address.address: malformed IP address: localhost',
  ]);
  t.same(at({ socket_address: { address: '1.2.3.4', port_value: 1, protocol: 'UDP' } }), [
    'address.socket_address.protocol: UDP is not supported yet: use TCP',
  ]);
  t.same(at({ socket_address: { address: '1.2.3.4' } }), [
    'address.socket_address.port_value: is required',
  ]);
  t.match(at({ pipe: { path: '@x' } }), [
    /^address\.pipe\.path: abstract sockets are not supported yet/,
  ]);
  t.match(at({}), [/^address: Address must be set/]);
  const { rejections } = compileJson(
    { schema: ListenerSchema, json: { name: 'l', filter_chains: [{ filters: [HCM] }] } },
    compileListener,
  );
  t.same(problemLines(rejections), [
    "address: error adding listener named 'l': address is necessary",
  ]);
  t.match(refusals({ additional_addresses: [{ address: {} }] }), [
    /^additional_addresses\[0\]\.address: /,
  ]);
  t.end();
});

t.test('needs exactly one way to handle a connection', (t) => {
  t.same(refusals({ filter_chains: [] }), [
    "filter_chains: error adding listener '127.0.0.1:10001': no filter chains specified",
  ]);
  const two = [
    { name: 'a', filters: [HCM] },
    { name: 'b', filters: [HCM] },
  ];
  t.same(refusals({ filter_chains: two }), [
    "filter_chains[1]: error adding listener '127.0.0.1:10001': filter chain 'b' has the same matching rules defined as 'a'. duplicate matcher is: {}",
  ]);
  t.same(refusals({ address: { pipe: { path: '/x' } }, filter_chains: [] }), [
    "filter_chains: error adding listener 'l': no filter chains specified",
  ]);
  t.equal(
    listener({ filter_chains: [], default_filter_chain: { filters: [HCM] } }).filterChains.length,
    0,
  );
  t.end();
});

t.test('a chain of filters ends with its terminal filter, and nowhere else', (t) => {
  const chain = (...filters: Json[]) => refusals({ filter_chains: [{ filters }] });
  t.same(chain(HCM, HCM), [
    'filter_chains[0].filters[0]: Error: terminal filter named hcm of type envoy.filters.network.http_connection_manager must be the last filter in a network filter chain.',
  ]);
  t.same(chain(RBAC), [
    'filter_chains[0].filters[0]: Error: non-terminal filter named acl of type envoy.filters.network.rbac is the last filter in a network filter chain.',
  ]);
  t.equal(
    listener({ filter_chains: [{ filters: [RBAC, HCM] }] }).filterChains[0]?.filters.length,
    2,
  );
  t.equal(listener({ filter_chains: [{ filters: [] }] }).filterChains[0]?.filters.length, 0);
  t.end();
});

t.test('tells a known extension from an unknown one and from a misplaced one', (t) => {
  const chain = (typed_config: JsonValue) =>
    refusals({ filter_chains: [{ filters: [{ name: 'f', typed_config }] }] });
  const path =
    "filter_chains[0].filters[0].typed_config: Didn't find a registered implementation for 'f' with type URL: ";
  t.same(chain(typed('extensions.filters.network.tcp_proxy.v3.TcpProxy')), [
    `${path}'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': this network filter is known but not supported yet`,
  ]);
  t.same(chain(typed('extensions.filters.http.router.v3.Router')), [
    `${path}'envoy.extensions.filters.http.router.v3.Router': that type configures no network filter`,
  ]);
  t.same(refusals({ filter_chains: [{ filters: [{ name: 'f' }] }] }), [
    `${path}'': give the network filter a typed_config with an @type`,
  ]);
  t.end();
});

t.test('an unknown type and unreadable bytes of an extension are problems, not exceptions', (t) => {
  const lines = (typeUrl: string, value: Uint8Array) =>
    compileJson(
      { schema: ListenerSchema, json: { address: ADDRESS, filter_chains: [{ filters: [HCM] }] } },
      (message, context) => {
        const config = message.filterChains[0]?.filters[0]?.configType;
        if (config?.case === 'typedConfig') Object.assign(config.value, { typeUrl, value });
        return compileListener(message, context);
      },
    ).rejections;
  t.match(problemLines(lines('type.googleapis.com/envoy.Nope', new Uint8Array())), [
    /unknown extension, check the spelling of @type$/,
  ]);
  const url =
    'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  t.match(problemLines(lines(url, new Uint8Array([255]))), [
    /^filter_chains\[0\]\.filters\[0\]\.typed_config: is not a message of type/,
  ]);
  t.end();
});

t.test('transport sockets: raw bytes, or what the type says', (t) => {
  const chain = (transport_socket: JsonValue) => ({
    filter_chains: [{ filters: [HCM], transport_socket }],
  });
  const raw = {
    name: 'raw',
    typed_config: typed('extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
  };
  t.equal(listener(chain(raw)).filterChains.length, 1);
  const tls = {
    name: 'tls',
    typed_config: typed('extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
  };
  t.match(refusals(chain(tls)), [
    /^filter_chains\[0\]\.transport_socket\.typed_config\.common_tls_context: No TLS certificates found/,
  ]);
  t.match(refusals(chain({ name: 'tls' })), [
    /with type URL: '': give the downstream transport socket a typed_config/,
  ]);
  t.end();
});

t.test('flags that ask for what is not there are refused, their negation is fine', (t) => {
  t.match(refusals({ freebind: true }), [/^freebind: is not supported: Node binds as soon as/]);
  t.ok(listener({ freebind: false }));
  t.match(refusals({ filter_chains: [{ filters: [HCM], use_proxy_proto: true }] }), [
    /^filter_chains\[0\]\.use_proxy_proto: /,
  ]);
  t.end();
});

t.test('an additional address has a keep-alive of its own, or that of the listener', (t) => {
  const at = (tcp_keepalive?: Json): Json => ({
    address: ADDRESS,
    ...(tcp_keepalive !== undefined && { tcp_keepalive }),
  });
  const additional_addresses = [at(), at({ keepalive_probes: 0 }), at({ keepalive_interval: 3 })];
  const tcp_keepalive = { keepalive_time: 5 };
  t.same(listener({ additional_addresses, tcp_keepalive }).tcpKeepalives, [
    ...[{ idleMs: 5000 }, { idleMs: 5000 }, null],
    { idleMs: null, intervalSeconds: 3 },
  ]);
  t.same(listener({ additional_addresses: [at({})] }).tcpKeepalives, [null, { idleMs: null }]);
  t.end();
});

const LISTENER_FILTERS = testEnvironment({
  extensions: { ...testExtensions, listenerFilters: EXTENSIONS.listenerFilters },
});
const INSPECTOR: Json = {
  name: 'tls',
  typed_config: typed('extensions.filters.listener.tls_inspector.v3.TlsInspector'),
};

t.test('listener filters come in order, with their time, and original_dst last', (t) => {
  const { listenerFiltersTimeoutMs, listenerFilters, ...none } = listener();
  t.same([listenerFiltersTimeoutMs, listenerFilters], [15_000, []]);
  t.match(none, { continueOnListenerFiltersTimeout: false, useOriginalDst: false });
  const members = {
    listener_filters: [INSPECTOR],
    listener_filters_timeout: '0s',
    continue_on_listener_filters_timeout: true,
    use_original_dst: true,
    transparent: true,
  };
  const config = listener(members, LISTENER_FILTERS);
  t.same(
    config.listenerFilters.map(({ definition }) => definition.name),
    ['envoy.filters.listener.tls_inspector', 'envoy.filters.listener.original_dst'],
  );
  t.match(config, {
    listenerFiltersTimeoutMs: 0,
    continueOnListenerFiltersTimeout: true,
    useOriginalDst: true,
    isTransparent: true,
  });
  t.match(refusals({ listener_filters: [{ name: 'x' }] }), [
    /^listener_filters\[0\]\.typed_config: Didn't find a registered implementation for 'x'/,
  ]);
  t.match(refusals({ listener_filters_timeout: '-1s' }), [/^listener_filters_timeout: Invalid/]);
  t.match(refusals({ use_original_dst: true }), [/^use_original_dst: there is no envoy/]);
  t.end();
});

t.test('a listener filter may leave connections alone', (t) => {
  const port = { destination_port_range: { start: 1, end: 9 } };
  const filter_disabled = {
    or_match: {
      rules: [{ not_match: port }, { and_match: { rules: [port, { any_match: true }] } }],
    },
  };
  const config = listener(
    { listener_filters: [{ ...INSPECTOR, filter_disabled }, INSPECTOR] },
    LISTENER_FILTERS,
  );
  const range = { kind: 'port', start: 1, end: 9 };
  t.same(
    config.listenerFilters.map(({ disabledWhen }) => disabledWhen),
    [
      {
        kind: 'or',
        rules: [
          { kind: 'not', rule: range },
          { kind: 'and', rules: [range, { kind: 'any' }] },
        ],
      },
      null,
    ],
  );
  t.end();
});
