import t from 'tap';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane, packed } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { eventually } from '../support/eventually.ts';
import { grpcServer, muxRig } from '../support/xds-mux.ts';

const EVERYTHING = new Set([ALL_NAMES]);
const cluster = (name: string) => packed('envoy.config.cluster.v3.Cluster', { name });

t.test('asks over the aggregated stream, hands on what comes and acknowledges it', async (t) => {
  const plane = await ControlPlane.listen();
  const rig = muxRig(grpcServer(plane.port));
  t.teardown(() => {
    rig.close();
    plane.close();
  });
  const log = new DiscoveryLog();
  const stats = rig.stats.scope('cluster_manager.cds');
  rig.mux.subscribe(
    { typeUrl: TYPE_URLS.cluster, names: EVERYTHING, fetchTimeoutMs: 0, stats },
    log,
  );
  const stream = await plane.stream(0);
  const first = await stream.request(1);
  t.equal(first.node?.id, 'node');
  t.same([first.typeUrl, first.resourceNames, first.versionInfo], [TYPE_URLS.cluster, [], '']);
  stream.send({
    typeUrl: TYPE_URLS.cluster,
    versionInfo: '1',
    nonce: 'a',
    resources: [cluster('one'), cluster('two')],
  });
  const ack = await stream.request(2);
  t.same([ack.versionInfo, ack.responseNonce, ack.errorDetail], ['1', 'a', undefined]);
  t.equal(ack.node, undefined, 'the node is said once');
  t.same(log.told, ['one two']);
  t.ok(log.last.isWhole);
  const { gauges, counters } = rig.stats.snapshot();
  t.equal(gauges['control_plane.connected_state'], 1);
  t.equal(counters['cluster_manager.cds.update_success'], 1);
  plane.close();
  await eventually(() => !rig.mux.isConnected);
  t.same(log.failures.slice(0, 1), ['connection']);
});
