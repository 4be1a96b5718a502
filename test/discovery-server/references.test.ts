import { create, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { referencesOf } from '../../proxy/discovery-server/references.ts';
import { resourceType } from '../../proxy/xds/resource-types.ts';

function references(typeName: string, json: JsonValue): readonly string[] {
  const schema = apiRegistry.getMessage(typeName);
  if (schema === undefined) throw new Error(typeName);
  const message = fromJson(schema, json, { registry: apiRegistry });
  return referencesOf(message).map(
    ({ name, typeUrl }) => `${resourceType(typeUrl).shortName} ${name}`,
  );
}

const ADS: JsonObject = { ads: {} };

t.test('what a resource makes its client ask for is found wherever it stands', async (t) => {
  const tls = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    common_tls_context: {
      tls_certificate_sds_secret_configs: [{ name: 'own', sds_config: ADS }, { name: 'static' }],
      validation_context_sds_secret_config: { name: 'roots', sds_config: ADS },
    },
  };
  t.same(
    references('envoy.config.cluster.v3.Cluster', {
      ...{ name: 'a', type: 'EDS', eds_cluster_config: { eds_config: ADS } },
      transport_socket: { name: 'tls', typed_config: tls },
    }),
    ['EDS a', 'SDS own', 'SDS roots'],
  );
  t.same(
    references('envoy.config.cluster.v3.Cluster', {
      ...{ name: 'a', type: 'EDS', eds_cluster_config: { eds_config: ADS, service_name: 'b' } },
    }),
    ['EDS b'],
  );
  t.same(references('envoy.config.cluster.v3.Cluster', { name: 'a', type: 'STATIC' }), []);
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    rds: { route_config_name: 'r', config_source: ADS },
    http_filters: [{ name: 'f', config_discovery: { config_source: ADS, type_urls: ['t/x'] } }],
  };
  const chain = { filters: [{ name: 'http', typed_config: manager }] };
  t.same(
    references('envoy.config.listener.v3.Listener', { filter_chains: [chain, chain] }),
    ['RDS r', 'ECDS f'],
    'each once',
  );
});

t.test('a message that is not of the API refers to nothing', async (t) => {
  const schema = apiRegistry.getMessage('envoy.config.cluster.v3.Cluster');
  if (schema === undefined) throw new Error('no schema');
  t.same(referencesOf({ ...create(schema), $typeName: 'no.such.Type' }), []);
});
