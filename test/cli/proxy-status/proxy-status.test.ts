// `proxy-status` of a proxy's own account, and of a dump that says less.
import t from 'tap';
import { readStatus, syncText } from '../../../proxy/cli/proxy-status/proxy-status.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';

function sourceOf(types: readonly object[], members = {}) {
  return {
    ...{ server: 'xds', aggregated: true, variant: 'delta', connected: true, types },
    ...members,
  };
}

t.test('each type is as its worst source', async (t) => {
  const read = readStatus({
    node: { id: 'edge-1', cluster: 'edge' },
    version: '1.2.3',
    sources: [
      sourceOf(
        [
          { type_url: TYPE_URLS.cluster, state: 'ACKED', version: 'a', nonce: '7', wildcard: true },
          { type_url: TYPE_URLS.endpoint, state: 'ACKED', resource_names: ['a', 'b'] },
          { type_url: TYPE_URLS.listener, state: 'RECEIVED', wildcard: true },
          { type_url: TYPE_URLS.route, state: 'REQUESTED', resource_names: ['r'] },
        ],
        { control_plane: 'plane-1' },
      ),
      sourceOf(
        [{ type_url: TYPE_URLS.endpoint, state: 'NACKED', error: 'no', resource_names: ['c'] }],
        { server: 'eds.yaml', aggregated: false, variant: 'file', connected: false },
      ),
    ],
  });
  if (!read.ok) throw new Error(read.error);
  const { value } = read;
  t.match(value, { name: 'edge-1', cluster: 'edge', controlPlanes: ['plane-1'], version: '1.2.3' });
  const columns = ['CDS', 'LDS', 'EDS', 'RDS', 'ECDS'];
  t.same(
    columns.map((column) => syncText(value, column)),
    ['SYNCED', 'STALE', 'ERROR', 'NOT SENT', 'IGNORED'],
  );
  t.match(value.types, [
    { type: 'CDS', resources: 'all', nonce: '7', source: 'xds (ADS delta)', error: '' },
    { type: 'EDS', resources: '2' },
    { type: 'LDS' },
    { type: 'RDS', resources: '1' },
    { type: 'EDS', source: 'eds.yaml (file, not connected)', error: 'no' },
  ]);
});

t.test('a dump tells versions and refusals', async (t) => {
  const node = {
    ...{ id: 'pod.ns', cluster: 'app.ns' },
    metadata: { CLUSTER_ID: 'Kubernetes', ISTIO_VERSION: '1.24.0' },
  };
  const failure = { error_state: { details: 'bad', version_info: '3' } };
  const section = (type: string, members: object) => ({
    '@type': `type.googleapis.com/envoy.admin.v3.${type}ConfigDump`,
    ...members,
  });
  const read = readStatus({
    configs: [
      section('Bootstrap', { bootstrap: { node } }),
      section('Clusters', { version_info: '2', dynamic_active_clusters: [{ cluster: {} }] }),
      section('Listeners', {
        version_info: '2',
        dynamic_listeners: [{ name: 'a', active_state: { version_info: '1' } }, failure],
      }),
      section('Routes', { dynamic_route_configs: [{ version_info: '9' }, { version_info: '9' }] }),
      section('Secrets', { static_secrets: [{}] }),
    ],
  });
  if (!read.ok) throw new Error(read.error);
  const { value } = read;
  t.match(value, { name: 'pod.ns', cluster: 'Kubernetes', version: '1.24.0', controlPlanes: [] });
  t.same(
    value.types.map(({ error, resources, state, type, version }) =>
      [type, state, version, resources, error].join(' '),
    ),
    ['CDS ACKED 2 1 ', 'LDS NACKED 2 2 bad', 'RDS ACKED 9 2 '],
  );
  t.equal(syncText(value, 'LDS'), 'ERROR');
  t.equal(syncText(value, 'EDS'), 'IGNORED');
});

t.test('what is neither is refused', async (t) => {
  t.match(readStatus({ static_resources: {} }), { ok: false, error: /a bootstrap/ });
  t.match(readStatus({ cluster_statuses: [] }), { ok: false, error: /nothing of servers/ });
  t.match(readStatus({ configs: [] }), { ok: true, value: { name: '', types: [] } });
});
