import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import type { HttpConnectionManagerConfig } from '../../../proxy/model/http-connection-manager.ts';
import type { ListenerConfig } from '../../../proxy/model/listener.ts';
import { checkMessage } from '../../../proxy/server/check-message.ts';
import { type Compiled, Compiler } from '../../../proxy/server/compiler.ts';

const URL = 'type.googleapis.com/';
const NETWORK = `${URL}envoy.extensions.filters.network.`;
const ROUTER = {
  name: 'router',
  typed_config: { '@type': `${URL}envoy.extensions.filters.http.router.v3.Router` },
};
const TCP = {
  name: 'tcp',
  typed_config: { '@type': `${NETWORK}tcp_proxy.v3.TcpProxy`, stat_prefix: 's', cluster: 'c' },
};

const noted = new Set<string>();
const compiler = new Compiler(new Map(), null, {
  onPassedThrough: ({ name, category }) => noted.add(`${category} ${name}`),
});

function struct(typeName: string, value: JsonObject = {}): JsonObject {
  return { '@type': `${URL}udpa.type.v1.TypedStruct`, type_url: URL + typeName, value };
}

function plain(typeName: string, fields: JsonObject = {}): JsonObject {
  return { '@type': URL + typeName, ...fields };
}

/** The listener of these network filters, or why it is refused. */
function listener(filters: JsonObject[]): { config: ListenerConfig | null; problems: string } {
  noted.clear();
  const json = {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 1 } },
    filter_chains: [{ filters }],
  };
  const message = fromJson(ListenerSchema, json, { registry: apiRegistry });
  const refusal = checkMessage(message);
  if (refusal !== '') return { config: null, problems: refusal };
  const compiled = compiler.listener({ kind: 'listener', name: 'l', version: '', message });
  return { config: compiled.config, problems: texts(compiled) };
}

function texts({ rejected }: Compiled<unknown>): string {
  return (rejected?.problems ?? []).map(({ path, reason }) => `${path}: ${reason}`).join('; ');
}

function manager(members: JsonObject): JsonObject {
  const type = `${NETWORK}http_connection_manager.v3.HttpConnectionManager`;
  const fields = { stat_prefix: 's', route_config: {}, http_filters: [ROUTER], ...members };
  return { name: 'hcm', typed_config: { '@type': type, ...fields } };
}

t.test('filters for statistics of the mesh are accepted, and chains do without them', (t) => {
  const { config, problems } = listener([
    { name: 'a', typed_config: struct('envoy.tcp.metadataexchange.config.MetadataExchange') },
    { name: 'b', typed_config: plain('stats.PluginConfig') },
    {
      name: 'c',
      typed_config: plain('envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy', {
        stat_prefix: 'm',
      }),
    },
    TCP,
  ]);
  t.equal(problems, '');
  t.same(
    config?.filterChains[0]?.filters.map(({ name }) => name),
    ['tcp'],
  );
  t.same([...noted].sort(), [
    'envoy.filters.network envoy.filters.network.metadata_exchange',
    'envoy.filters.network envoy.filters.network.mongo_proxy',
    'envoy.filters.network istio.stats',
  ]);
  t.end();
});

t.test('HTTP filters and tracing likewise', (t) => {
  const provider = {
    name: 'envoy.tracers.zipkin',
    typed_config: plain('envoy.config.trace.v3.ZipkinConfig', {
      collector_cluster: 'z',
      collector_endpoint: '/api/v2/spans',
    }),
  };
  const peers = { upstream_discovery: [{ istio_headers: {} }], of_tomorrow: [1] };
  const { config, problems } = listener([
    manager({
      http_filters: [
        { name: 'm', typed_config: struct('io.istio.http.peer_metadata.Config', peers) },
        { name: 's', typed_config: plain('stats.PluginConfig', { tcp_reporting_duration: '5s' }) },
        ROUTER,
      ],
      tracing: { client_sampling: { value: 100 }, provider },
    }),
  ]);
  t.equal(problems, '');
  const hcm = config?.filterChains[0]?.filters[0]?.config as HttpConnectionManagerConfig;
  t.same(
    hcm.httpFilters.map(({ name }) => name),
    ['router'],
  );
  t.same([...noted].sort(), [
    'envoy.filters.http envoy.filters.http.peer_metadata',
    'envoy.filters.http istio.stats',
    'envoy.tracers envoy.tracers.zipkin',
  ]);
  t.equal(listener([manager({ tracing: {} })]).problems, '');
  t.same([...noted], ['envoy.tracers tracing']);
  t.end();
});

t.test('none of them ends a chain, or stands where it does not belong', (t) => {
  const stats = { name: 's', typed_config: plain('stats.PluginConfig') };
  t.match(listener([stats]).problems, /non-terminal filter named s .* is the last filter/);
  const exchange = struct('envoy.tcp.metadataexchange.config.MetadataExchange');
  const filters = [{ name: 'x', typed_config: exchange }, ROUTER];
  t.match(
    listener([manager({ http_filters: filters })]).problems,
    /that type configures no HTTP filter/,
  );
  const provider = { name: 'p', typed_config: plain('stats.PluginConfig') };
  t.match(
    listener([manager({ tracing: { provider } })]).problems,
    /tracing\.provider\.typed_config: Didn't find .* 'stats.PluginConfig': leave the provider out/,
  );
  t.end();
});

t.test('what policies may rely on is refused all the same', (t) => {
  const fields = { stat_prefix: 'm', emit_dynamic_metadata: true };
  const type = 'envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy';
  const { problems } = listener([{ name: 'm', typed_config: plain(type, fields) }, TCP]);
  t.match(problems, /filters\[0\]\.typed_config\.emit_dynamic_metadata: .*no policy can decide/);
  for (const name of [
    'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
    'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
    'envoy.extensions.filters.http.lua.v3.Lua',
    'envoy.extensions.filters.http.wasm.v3.Wasm',
    'envoy.extensions.filters.http.oauth2.v3.OAuth2',
  ]) {
    const filters = [{ name: 'x', typed_config: struct(name) }, ROUTER];
    const refused = listener([manager({ http_filters: filters })]);
    t.equal(refused.config, null);
    t.match(refused.problems, new RegExp(`http_filters\\[0\\]\\.typed_config.*${name}`), name);
  }
  t.end();
});

t.test('of filters on connections to upstreams only these are taken', (t) => {
  const cluster = (typedConfig: JsonObject): string => {
    noted.clear();
    const filters = [{ name: 'f', typed_config: typedConfig }];
    const message = fromJson(ClusterSchema, { name: 'c', filters }, { registry: apiRegistry });
    const refusal = checkMessage(message);
    if (refusal !== '') return refusal;
    return texts(compiler.cluster({ kind: 'cluster', name: 'c', version: '', message }));
  };
  t.equal(cluster(struct('envoy.tcp.metadataexchange.config.MetadataExchange')), '');
  t.same([...noted], ['envoy.filters.upstream_network envoy.filters.network.metadata_exchange']);
  t.match(cluster(plain('stats.PluginConfig')), /filters\[0\]\.typed_config: .*have no filters/);
  t.match(cluster(TCP.typed_config), /filters\[0\]\.typed_config: .*have no filters/);
  t.end();
});
