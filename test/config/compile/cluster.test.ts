import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { DEFAULT_LOCALITY } from '../../../proxy/config/compile/lb-policy-parts.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../../proxy/http/h2/options.ts';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import { clusterLimits } from '../../support/cluster-config.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

function endpoint(address: string, members: Json = {}, port = 80): Json {
  return { endpoint: { address: { socket_address: { address, port_value: port } } }, ...members };
}

function assignment(...lbEndpoints: Json[]): Json {
  return { load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: lbEndpoints }] } };
}

function compile(members: Json = {}, environment: CompileEnvironment = testEnvironment()) {
  const json = { name: 'c', ...assignment(endpoint('127.0.0.1')), ...members };
  return compileJson({ schema: ClusterSchema, json, environment }, compileCluster);
}

function cluster(members?: Json, environment?: CompileEnvironment): ClusterConfig {
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
  const config = cluster();
  t.same(config, {
    name: 'c',
    observabilityName: 'c',
    discovery: 'static',
    loadBalancer: { kind: 'round-robin', locality: DEFAULT_LOCALITY, slowStart: null },
    priorities: {
      overprovisioningPercent: 140,
      panicThresholdPercent: 50,
      ignoresUncheckedHosts: false,
      isHealthWeighted: false,
    },
    endpoints: [
      {
        address: '127.0.0.1',
        port: 80,
        hostname: '',
        weight: 1,
        priority: 0,
        localityWeight: 0,
        endpointId: '',
        moreAddresses: [],
        healthStatus: 'healthy',
        locality: { region: '', zone: '', subZone: '' },
        isCanary: false,
        metadata: {},
        check: { address: null, port: 0, hostname: '', isDisabled: false },
      },
    ],
    connectTimeoutMs: 5000,
    perConnectionBufferLimitBytes: 1_048_576,
    limits: clusterLimits(),
    highLimits: clusterLimits(),
    http: {
      protocol: 'http1',
      http2: DEFAULT_H2_PROTOCOL_OPTIONS,
      maxStreamDurationMs: 0,
      http1: {
        allowAbsoluteUrl: true,
        acceptHttp10: false,
        defaultHostForHttp10: '',
        enableTrailers: false,
        allowChunkedLength: false,
        allowCustomMethods: false,
        headerKeyFormat: 'lower',
        streamErrorOnInvalidHttpMessage: false,
      },
      idleTimeoutMs: 3_600_000,
      maxConnectionDurationMs: 0,
      maxRequestsPerConnection: 0,
      maxResponseHeaderBytes: 81_920,
      maxHttp2ResponseHeaderBytes: 61_440,
      maxHeadersCount: 100,
    },
    dns: {
      refreshMs: 5000,
      failureRefreshBaseMs: 5000,
      failureRefreshMaxMs: 5000,
      respectTtl: false,
      minTtlMs: 0,
      jitterMs: 0,
      family: 'auto',
      resolver: { kind: 'system' },
    },
    outlier: null,
    tcpKeepalive: null,
    happyEyeballs: { firstFamily: null, firstCount: 1 },
    metadata: {},
    overrideHostHealth: ['healthy', 'degraded'],
    sourceAddresses: [],
    socketOptions: [],
    healthCheck: null,
    pools: {
      preconnectRatio: 1,
      predictiveRatio: 1,
      isPerDownstream: false,
      closesOnHostSetChange: false,
    },
    closesOnHealthFailure: false,
    ignoresHealthOnRemoval: false,
    transport: { kind: 'raw' },
    transportMatches: [],
    originalDst: null,
  });
  t.ok(
    Object.isFrozen(config) && Object.isFrozen(config.endpoints[0]) && Object.isFrozen(config.http),
  );
  t.end();
});

t.test('takes over what is set', (t) => {
  const config = cluster({
    alt_stat_name: 'other',
    connect_timeout: '0.25s',
    per_connection_buffer_limit_bytes: 1000,
    circuit_breakers: { thresholds: [{ max_connections: 2 }] },
    upstream_connection_options: { tcp_keepalive: { keepalive_time: 30 } },
    upstream_bind_config: { source_address: { address: '127.0.0.9', port_value: 0 } },
  });
  t.match(config, {
    observabilityName: 'other',
    connectTimeoutMs: 250,
    perConnectionBufferLimitBytes: 1000,
    limits: { maxConnections: 2, maxPendingRequests: 1024 },
    tcpKeepalive: { idleMs: 30_000 },
    sourceAddresses: [{ ip: '127.0.0.9', port: 0, socketOptions: [] }],
  });
  t.same(cluster({ upstream_connection_options: { tcp_keepalive: {} } }).tcpKeepalive, {
    idleMs: null,
  });
  t.same(cluster({ upstream_bind_config: {} }).sourceAddresses, []);
  t.equal(cluster({ upstream_connection_options: {} }).tcpKeepalive, null);
  t.end();
});

t.test('endpoints carry what their locality says', (t) => {
  const group = {
    locality: { region: 'r', zone: 'z', sub_zone: 's' },
    priority: 1,
    lb_endpoints: [
      endpoint('::1', {
        load_balancing_weight: 5,
        health_status: 'DEGRADED',
        metadata: { filter_metadata: { ns: { a: 1 }, 'envoy.lb': { canary: true } } },
      }),
      { endpoint: { hostname: 'h', address: { pipe: { path: '/x' } } }, health_status: 'DRAINING' },
    ],
  };
  const first = {
    lb_endpoints: [
      endpoint('1.1.1.1', { health_status: 'UNHEALTHY' }),
      endpoint('1.1.1.2', { health_status: 'HEALTHY' }),
    ],
  };
  const { endpoints } = cluster({
    load_assignment: { cluster_name: 'c', endpoints: [first, group] },
  });
  t.match(endpoints, [
    { address: '1.1.1.1', priority: 0, healthStatus: 'unhealthy' },
    { address: '1.1.1.2', healthStatus: 'healthy' },
    {
      address: '::1',
      weight: 5,
      priority: 1,
      healthStatus: 'degraded',
      locality: { region: 'r', zone: 'z', subZone: 's' },
      isCanary: true,
      metadata: { ns: { a: 1 }, 'envoy.lb': { canary: true } },
    },
    { address: '/x', port: -1, hostname: 'h', healthStatus: 'draining' },
  ]);
  t.ok(Object.isFrozen(endpoints[2]?.metadata.ns));
  t.end();
});

t.test('a static cluster has no names to look up', (t) => {
  const path = 'load_assignment.endpoints[0].lb_endpoints[0].endpoint.address';
  t.same(refusals(assignment(endpoint('localhost'))), [
    `${path}.socket_address.address: malformed IP address: localhost. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'`,
  ]);
  t.match(refusals(assignment({ endpoint: {} })), [/endpoint\.address: Address must be set/]);
  t.match(refusals(assignment({})), [/endpoint\.address: Address must be set/]);
  t.end();
});

t.test('a cluster without endpoints is accepted with a warning', (t) => {
  const { value, warnings } = compile({ load_assignment: { cluster_name: 'c' } });
  t.same(value?.endpoints, []);
  t.match(problemLines(warnings), [/^load_assignment: without endpoints every request/]);
  const blackHole = { name: 'BlackHoleCluster', load_assignment: { cluster_name: 'b' } };
  t.same(compile(blackHole).warnings, [], 'this one is empty on purpose');
  t.end();
});

t.test('a cluster_type is found by its configuration, or else by its name', (t) => {
  const dns = (members: Json = {}) => typed('extensions.clusters.dns.v3.DnsCluster', members);
  const custom = (name: string, typed_config?: JsonValue): Json => ({
    cluster_type: { name, ...(typed_config !== undefined && { typed_config }) },
    ...assignment(endpoint('a.test')),
  });
  const names = ['strict_dns', 'dns', 'logical_dns'].map((name) => `envoy.cluster.${name}`);
  const kinds = names.map((name) => cluster({ ...custom(name), dns_refresh_rate: '7s' }));
  const found = kinds.map((config) => `${config.discovery} ${config.dns.refreshMs}`);
  t.same(found, ['strict-dns 7000', 'strict-dns 7000', 'logical-dns 7000']);
  t.equal(cluster({ cluster_type: { name: 'envoy.cluster.static' } }).discovery, 'static');
  // What it is called does not matter then, nor the fields of the cluster.
  const logical = custom('envoy.cluster.static', dns({ all_addresses_in_single_endpoint: true }));
  t.match(cluster({ ...logical, dns_refresh_rate: '7s' }), {
    ...{ discovery: 'logical-dns', dns: { refreshMs: 5000, minTtlMs: 0, family: 'auto' } },
  });
  const all = {
    ...{ dns_refresh_rate: '9s', respect_dns_ttl: true, dns_jitter: '1s' },
    ...{ dns_min_refresh_rate: '2s', dns_lookup_family: 'V4_PREFERRED' },
    dns_failure_refresh_rate: { base_interval: '3s', max_interval: '4s' },
  };
  t.same(cluster(custom('x', dns(all))).dns, {
    ...{ refreshMs: 9000, failureRefreshBaseMs: 3000, failureRefreshMaxMs: 4000 },
    ...{ respectTtl: true, minTtlMs: 2000, jitterMs: 1000, family: 'v4-preferred' },
    resolver: { kind: 'system' },
  });
  t.match(refusals(custom('foo')), [/cluster factory implementation for name: 'foo'/]);
  const empty = typed('extensions.load_balancing_policies.random.v3.Random');
  t.match(refusals(custom('envoy.cluster.static', empty)), [
    /implementation for type: 'envoy\..*Random'/,
  ]);
  t.end();
});

t.test('names are looked up as the dns fields say', (t) => {
  const config = cluster({
    type: 'STRICT_DNS',
    ...assignment(endpoint('a.test'), endpoint('b.test')),
    dns_refresh_rate: '60s',
    dns_failure_refresh_rate: { base_interval: '2s' },
    respect_dns_ttl: true,
    dns_lookup_family: 'V4_PREFERRED',
  });
  t.equal(config.discovery, 'strict-dns');
  t.same(config.dns, {
    refreshMs: 60_000,
    failureRefreshBaseMs: 2000,
    failureRefreshMaxMs: 20_000,
    respectTtl: true,
    minTtlMs: 0,
    jitterMs: 0,
    family: 'v4-preferred',
    resolver: { kind: 'system' },
  });
  const slow = cluster({ dns_refresh_rate: '7s' });
  t.match(slow.dns, { failureRefreshBaseMs: 7000, failureRefreshMaxMs: 7000 });
  t.same(refusals({ dns_failure_refresh_rate: { base_interval: '10s', max_interval: '5s' } }), [
    'dns_failure_refresh_rate.max_interval: dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval',
  ]);
  const families = ['AUTO', 'V4_ONLY', 'V6_ONLY', 'ALL'].map(
    (name) => cluster({ dns_lookup_family: name }).dns.family,
  );
  t.same(families, ['auto', 'v4-only', 'v6-only', 'all']);
  t.end();
});

t.test('a logical DNS cluster has exactly one endpoint', (t) => {
  const logical = (members: Json) => refusals({ type: 'LOGICAL_DNS', ...members });
  const rule =
    /^load_assignment\.endpoints: LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint/;
  t.match(logical(assignment(endpoint('a'), endpoint('b'))), [rule]);
  t.match(logical({ load_assignment: { cluster_name: 'c' } }), [rule]);
  const json = { name: 'c', type: 'LOGICAL_DNS' };
  const { rejections } = compileJson({ schema: ClusterSchema, json }, compileCluster);
  t.match(problemLines(rejections), [
    /^load_assignment: LOGICAL_DNS clusters must have a single host/,
  ]);
  t.equal(cluster({ type: 'LOGICAL_DNS', ...assignment(endpoint('a')) }).discovery, 'logical-dns');
  t.end();
});

t.test('endpoints of EDS clusters come from where eds_config says', (t) => {
  const eds = { eds_config: { ads: {} }, service_name: 's' };
  t.match(cluster({ type: 'EDS', eds_cluster_config: eds }), {
    discovery: 'eds',
    eds: { serviceName: 's', source: { kind: 'ads', fetchTimeoutMs: 15_000 } },
    endpoints: [],
  });
  t.match(refusals({ type: 'EDS' }), [/cannot create an EDS cluster without an EDS config/]);
  t.match(refusals({ type: 'STATIC', eds_cluster_config: eds }), [/set in a non-EDS cluster/]);
  t.end();
});

t.test('says how traffic is shared between priorities', (t) => {
  const defaults = {
    overprovisioningPercent: 140,
    panicThresholdPercent: 50,
    ignoresUncheckedHosts: false,
    isHealthWeighted: false,
  };
  t.same(cluster({}).priorities, defaults);
  const threshold = (value: number) => ({
    common_lb_config: { healthy_panic_threshold: { value } },
  });
  t.same(cluster(threshold(0)).priorities, { ...defaults, panicThresholdPercent: 0 });
  t.same(cluster(threshold(33.9)).priorities, { ...defaults, panicThresholdPercent: 33 });
  const policy = { overprovisioning_factor: 100 };
  const assigned = cluster({ load_assignment: { cluster_name: 'c', policy } });
  t.same(assigned.priorities, { ...defaults, overprovisioningPercent: 100 });
  t.end();
});

t.test('the runtime decides on the panic threshold', (t) => {
  const of = (value: number) => {
    const environment = testEnvironment({
      runtime: new Map([['upstream.healthy_panic_threshold', value]]),
    });
    return cluster({}, environment).priorities.panicThresholdPercent;
  };
  t.equal(of(10), 10);
  t.equal(of(1000), 100);
  t.end();
});

t.test('source addresses that cannot be used are refused', (t) => {
  t.match(refusals({ upstream_bind_config: { source_address: { address: 'x', port_value: 0 } } }), [
    /^upstream_bind_config\.source_address\.address: malformed IP address: x$/,
  ]);
  const udp = { address: '127.0.0.1', port_value: 0, protocol: 'UDP' };
  t.match(refusals({ upstream_bind_config: { source_address: udp } }), [
    /^upstream_bind_config\.source_address\.protocol: /,
  ]);
  t.end();
});

t.test('TLS of a filter chain is none for a cluster', (t) => {
  const transport_socket = {
    name: 'tls',
    typed_config: typed('extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
  };
  t.match(refusals({ transport_socket }), [
    /^transport_socket\.typed_config: .*is for filter chains, not for upstream connections$/,
  ]);
  t.end();
});
