// /config_dump: which configuration is printed, and how it can be narrowed.
import { fromJson } from '@bufbuild/protobuf';
import t from 'tap';
import type { ConfigDumpData, DumpedResource } from '../../proxy/admin/backend.ts';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { EMPTY_DUMP } from '../support/fake-admin-backend.ts';
import { withAdmin } from '../support/with-admin.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function resource(
  type: string,
  json: Readonly<Record<string, unknown>>,
  more: Partial<DumpedResource> = {},
): DumpedResource {
  const schema = apiRegistry.getMessage(type);
  if (schema === undefined) throw new Error(`no type ${type}`);
  const message = fromJson(schema, json as never, { registry: apiRegistry });
  const name = String(json['name'] ?? '');
  return { name, message, state: 'static', version: '', lastUpdatedMs: NOW, error: null, ...more };
}

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const DUMP: ConfigDumpData = {
  ...EMPTY_DUMP,
  clustersVersion: 'v7',
  bootstrap: resource('envoy.config.bootstrap.v3.Bootstrap', { node: { id: 'n1' }, admin: {} }),
  clusters: [
    resource(CLUSTER, { name: 'c1', connect_timeout: '1s' }),
    resource(CLUSTER, { name: 'c2' }),
    resource(CLUSTER, { name: 'd1' }, { state: 'active', version: 'v7' }),
    resource(
      CLUSTER,
      { name: 'd2' },
      {
        state: 'warming',
        version: 'v6',
        error: { details: 'no hosts', version: 'v7', lastAttemptMs: NOW, message: null },
      },
    ),
  ],
  listeners: [
    resource('envoy.config.listener.v3.Listener', { name: 'l1' }),
    resource('envoy.config.listener.v3.Listener', { name: 'l2' }, { state: 'draining' }),
  ],
  routes: [resource('envoy.config.route.v3.RouteConfiguration', { name: 'local' })],
  secrets: [
    resource('envoy.extensions.transport_sockets.tls.v3.Secret', {
      name: 's1',
      tls_certificate: { private_key: { inline_string: 'KEY' } },
    }),
  ],
};

const PREFIX = 'type.googleapis.com/envoy.admin.v3.';

t.test('every kind of configuration has its dump, in the order of Envoy', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    backend.dump = DUMP;
    const answer = await ask('/config_dump');
    t.equal(answer.headers['content-type'], 'application/json');
    const { configs } = JSON.parse(answer.body);
    t.same(
      configs.map((config: Record<string, string>) => config['@type']),
      [
        ...['BootstrapConfigDump', 'ClustersConfigDump', 'ListenersConfigDump'],
        ...['ScopedRoutesConfigDump', 'RoutesConfigDump', 'SecretsConfigDump'],
      ].map((name) => PREFIX + name),
    );
    t.same(configs[0].bootstrap, { node: { id: 'n1' }, admin: {} });
    t.equal(configs[0].last_updated, '2026-01-02T03:04:05.678Z');
    t.same(configs[1].static_clusters[0], {
      cluster: {
        '@type': `type.googleapis.com/${CLUSTER}`,
        name: 'c1',
        connect_timeout: '1s',
      },
      last_updated: '2026-01-02T03:04:05.678Z',
    });
    t.equal(configs[1].version_info, 'v7');
    t.match(configs[1].dynamic_active_clusters, [{ version_info: 'v7', client_status: 'ACKED' }]);
    t.match(configs[1].dynamic_warming_clusters, [
      { client_status: 'NACKED', error_state: { details: 'no hosts', version_info: 'v7' } },
    ]);
    t.match(configs[2].dynamic_listeners, [{ name: 'l2', draining_state: { listener: {} } }]);
    t.notMatch(answer.body, 'KEY');
    t.match(answer.body, '[redacted]');
    const assignment = { cluster_name: 'c1' };
    backend.assignments = [resource('envoy.config.endpoint.v3.ClusterLoadAssignment', assignment)];
    const withEndpoints = JSON.parse((await ask('/config_dump?include_eds')).body);
    t.equal(withEndpoints.configs[2]['@type'], `${PREFIX}EndpointsConfigDump`);
  });
});

t.test('one list, some fields, some names', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    backend.dump = DUMP;
    const get = async (query: string) => JSON.parse((await ask(`/config_dump?${query}`)).body);
    t.same(await get('resource=static_clusters&mask=cluster.name&name_regex=.*2'), {
      configs: [
        {
          '@type': `${PREFIX}ClustersConfigDump.StaticCluster`,
          cluster: { '@type': `type.googleapis.com/${CLUSTER}`, name: 'c2' },
        },
      ],
    });
    t.same(await get('mask=bootstrap.node.id'), {
      configs: [{ '@type': `${PREFIX}BootstrapConfigDump`, bootstrap: { node: { id: 'n1' } } }],
    });
    t.same(await get('resource=dynamic_route_configs'), {});
    const named = await get('name_regex=c');
    t.equal(named.configs[1].static_clusters, undefined, 'the whole name must match');
  });
});

t.test('what cannot be dumped is told in the words of Envoy', async (t) => {
  const wrong: readonly (readonly [string, number, string])[] = [
    ['resource=nope', 404, 'nope not found in config dump'],
    ['resource=static_endpoint_configs', 404, 'static_endpoint_configs not found in config dump'],
    [
      'resource=bootstrap',
      400,
      'bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field',
    ],
    ['mask=nope', 400, 'FieldMask nope could not be successfully applied to any configs.'],
    ['resource=static_clusters&mask=x', 400, 'FieldMask x could not be successfully used.'],
  ];
  await withAdmin(async ({ ask, backend }) => {
    backend.dump = DUMP;
    for (const [query, status, body] of wrong) {
      const answer = await ask(`/config_dump?${query}`);
      t.equal(answer.status, status, query);
      t.equal(answer.body, body);
    }
    const regex = await ask('/config_dump?name_regex=(');
    t.equal(regex.status, 400);
    t.match(regex.body, /^INVALID_ARGUMENT: Error while parsing name_regex from \(: /);
  });
});
