import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { TcpProxySchema } from '../../../proxy/api/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { compileTcpProxy } from '../../../proxy/config/compile/tcp-proxy.ts';
import type { TcpProxyConfig } from '../../../proxy/model/tcp-proxy.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

function compile(members: Json) {
  const json = { stat_prefix: 'p', ...members };
  return compileJson({ schema: TcpProxySchema, json }, compileTcpProxy);
}

function compiled(members: Json): TcpProxyConfig {
  const { value, rejections } = compile(members);
  t.same(problemLines(rejections), []);
  if (value === null) throw new Error('refused');
  return value;
}

function refusals(members: Json): readonly string[] {
  const { value, rejections } = compile(members);
  t.equal(value, null);
  return problemLines(rejections);
}

t.test('fills in Envoy’s defaults and freezes the whole', async (t) => {
  const config = compiled({ cluster: 'c' });
  t.same(config, {
    statPrefix: 'p',
    clusters: [{ name: 'c', weight: 1, metadataMatch: {} }],
    totalWeight: 1,
    hashPolicy: null,
    idleTimeoutMs: 3_600_000,
    maxDownstreamConnectionDurationMs: 0,
    maxConnectAttempts: 1,
    accessLogs: [],
    accessLogFlushIntervalMs: 0,
    flushesLogOnConnected: false,
    tunneling: null,
  });
  t.ok(Object.isFrozen(config.clusters));
});

t.test('adds up weights', async (t) => {
  const clusters = [
    { name: 'a', weight: 2 },
    { name: 'b', weight: 3 },
  ];
  const config = compiled({ weighted_clusters: { clusters } });
  t.match(config.clusters, clusters);
  t.equal(config.totalWeight, 5);
  const heavy = [
    { name: 'a', weight: 4294967295 },
    { name: 'b', weight: 1 },
  ];
  t.match(refusals({ weighted_clusters: { clusters: heavy } }), [
    /^weighted_clusters\.clusters: the weights add up to 4294967296/,
  ]);
});

t.test('needs a cluster', async (t) => {
  t.match(refusals({}), [/cluster_specifier is required/]);
});

t.test('reads timers, 0 for none', async (t) => {
  const config = compiled({
    cluster: 'c',
    idle_timeout: '0s',
    max_downstream_connection_duration: '1.5s',
    max_connect_attempts: 3,
  });
  t.equal(config.idleTimeoutMs, 0);
  t.equal(config.maxDownstreamConnectionDurationMs, 1500);
  t.equal(config.maxConnectAttempts, 3);
});

t.test('access_log_options replaces the two older fields', async (t) => {
  const old = { access_log_flush_interval: '2s', flush_access_log_on_connected: true };
  const before = compiled({ cluster: 'c', ...old });
  t.equal(before.accessLogFlushIntervalMs, 2000);
  t.ok(before.flushesLogOnConnected);
  const options = { access_log_flush_interval: '5s' };
  const config = compiled({ cluster: 'c', ...old, access_log_options: options });
  t.equal(config.accessLogFlushIntervalMs, 5000);
  t.notOk(config.flushesLogOnConnected);
});

t.test('a tunnel asks by CONNECT, or by POST for a path', async (t) => {
  const connect = compiled({ cluster: 'c', tunneling_config: { hostname: 'a:1' } }).tunneling;
  t.equal(connect?.usesPost, false);
  t.equal(connect?.postPath, '/');
  const header = { header: { key: 'X-A', value: '%PROTOCOL%' } };
  const post = compiled({
    cluster: 'c',
    tunneling_config: {
      ...{ hostname: 'a:1', use_post: true, post_path: '/p' },
      headers_to_add: [header],
    },
  }).tunneling;
  t.equal(post?.postPath, '/p');
  t.same(
    post?.headers.set.map(({ name }) => name),
    ['x-a'],
  );
});

t.test('refuses tunnels that cannot be asked for', async (t) => {
  const tunnel = (members: Json) => refusals({ cluster: 'c', tunneling_config: members });
  t.match(tunnel({ hostname: '%NOPE%' }), [/^tunneling_config\.hostname: /]);
  t.match(tunnel({ hostname: 'a', post_path: '/x' }), [
    /^tunneling_config\.post_path: Can't set a post path when POST method isn't used$/,
  ]);
  t.match(tunnel({ hostname: 'a', use_post: true, post_path: 'x' }), [
    /^tunneling_config\.post_path: must begin with '\/', is 'x'$/,
  ]);
});
