import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

function compile(cache: Json, members: Json = {}, more: Json = {}, isSame = true) {
  const typed_config = typed('extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig', {
    dns_cache_config: { name: 'n', ...cache },
    ...more,
  });
  const cluster_type = { name: 'envoy.clusters.dynamic_forward_proxy', typed_config };
  const json = { name: 'c', lb_policy: 'CLUSTER_PROVIDED', cluster_type, ...members };
  const { value, rejections } = compileJson(
    { schema: ClusterSchema, json, environment: testEnvironment({ noteDnsCache: () => isSame }) },
    compileCluster,
  );
  return { value, problems: problemLines(rejections).join('\n') };
}

function httpOptions(options: Json): Json {
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const explicit_http_config = { http_protocol_options: {} };
  const value = typed(key.slice('envoy.'.length), { explicit_http_config, ...options });
  return { typed_extension_protocol_options: { [key]: value } };
}

t.test("a dynamic forward proxy has Envoy's defaults", async (t) => {
  const { value, problems } = compile({});
  t.equal(problems, '');
  t.match(value, {
    discovery: 'forward-proxy',
    http: { requestNames: { setsServerName: true, verifiesName: true } },
    forwardProxy: {
      defaultPort: 80,
      cache: {
        ...{ name: 'n', hostTtlMs: 300_000, maxHosts: 1024, queryTimeoutMs: 5000 },
        ...{ maxPendingRequests: 1024, preresolved: [] },
        dns: { refreshMs: 60_000, minTtlMs: 5000, family: 'auto', resolver: { kind: 'servers' } },
      },
    },
  });
});

t.test('all settings of the cache count, and make it another one', async (t) => {
  const settings: readonly Json[] = [
    { dns_lookup_family: 'V4_ONLY' },
    { dns_refresh_rate: '7s' },
    { dns_min_refresh_rate: '7s' },
    { host_ttl: '7s' },
    { max_hosts: 7 },
    { dns_failure_refresh_rate: { base_interval: '7s' } },
    { dns_cache_circuit_breaker: { max_pending_requests: 7 } },
    { dns_query_timeout: '7s' },
    { preresolve_hostnames: [{ address: 'a.test', port_value: 7 }] },
    {
      dns_resolution_config: { resolvers: [{ socket_address: { address: '::1', port_value: 7 } }] },
    },
  ];
  const keys = settings.map((cache) => compile(cache).value?.forwardProxy?.cache.key);
  t.equal(new Set([...keys, compile({}).value?.forwardProxy?.cache.key]).size, settings.length + 1);
  t.equal(keys[0], compile(settings[0] as Json).value?.forwardProxy?.cache.key);
});

t.test('what Envoy refuses is refused with its words', async (t) => {
  const { value, problems } = compile({}, { lb_policy: 'ROUND_ROBIN' });
  t.equal(value, null);
  t.match(problems, /^lb_policy: .*cluster provided LB not specified but cluster 'c' provided one/);
  const other = /dns_cache_config: config specified DNS cache 'n' with different settings/;
  t.match(compile({}, {}, {}, false).problems, other);
  const half = httpOptions({ upstream_http_protocol_options: { auto_sni: true } });
  for (const options of [httpOptions({}), half]) {
    t.match(compile({}, options).problems, /auto_sni and auto_san_validation true unless/);
    t.equal(compile({}, options, { allow_insecure_cluster_options: true }).problems, '');
  }
});

t.test('hosts are neither checked nor watched', async (t) => {
  const { value, problems } = compile({}, { outlier_detection: {} });
  t.equal(problems, '');
  t.equal(value?.outlier, null);
});
