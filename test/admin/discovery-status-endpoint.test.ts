// /discovery_status: every source with its types, in words that `proxy-status` reads.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';

const TYPE = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
const accepted = { version: '2', nonce: 'n', error: '' };

t.test('tells the state of each type of each source', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const type = { typeUrl: TYPE, version: '2', names: ['*', 'b', 'a'], isAnswered: true };
    backend.sources = [
      {
        ...{ server: 'xds', isAggregated: true, variant: 'sotw', isConnected: true },
        controlPlane: 'me',
        types: [
          { ...type, received: accepted },
          { ...type, names: ['x'], received: { ...accepted, version: '3', error: 'bad' } },
          { ...type, received: accepted, isAnswered: false },
          { ...type, version: '', received: null },
        ],
      },
      {
        ...{ server: 'a.yaml', isAggregated: false, variant: 'file', isConnected: false },
        ...{ controlPlane: '', types: [] },
      },
    ];
    const { body, status } = await ask('/discovery_status');
    t.equal(status, 200);
    const common = { type_url: TYPE, version: '2' };
    const all = { wildcard: true, resource_names: ['a', 'b'] };
    const json = JSON.parse(body);
    t.ok('node' in json && 'version' in json);
    t.same(json.sources, [
      {
        ...{ server: 'xds', aggregated: true, variant: 'sotw', connected: true },
        control_plane: 'me',
        types: [
          { ...common, ...all, state: 'ACKED', received_version: '2', nonce: 'n' },
          {
            ...{ ...common, state: 'NACKED', resource_names: ['x'] },
            ...{ received_version: '3', nonce: 'n', error: 'bad' },
          },
          { ...common, ...all, state: 'RECEIVED', received_version: '2', nonce: 'n' },
          { ...common, ...all, version: '', state: 'REQUESTED' },
        ],
      },
      { server: 'a.yaml', aggregated: false, variant: 'file', connected: false, types: [] },
    ]);
  });
});
