// What every source of resources promises, however they come.
import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ALL_NAMES, type OpenSource } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { packed } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { fileRig, grpcRig, type MakeDiscoveryRig, restRig } from '../support/discovery-rigs.ts';
import { eventually } from '../support/eventually.ts';

const CDS = TYPE_URLS.cluster;
const EDS = TYPE_URLS.endpoint;
const cluster = (name: string) => ({
  name,
  content: packed('envoy.config.cluster.v3.Cluster', { name }),
});
const endpoints = (name: string) => ({
  name,
  content: packed('envoy.config.endpoint.v3.ClusterLoadAssignment', { clusterName: name }),
});

const RIGS: Readonly<Record<string, MakeDiscoveryRig>> = {
  'state of the world over gRPC': grpcRig(false),
  'incremental over gRPC': grpcRig(true),
  polls: restRig,
  'a file': fileRig,
};

function watch(source: OpenSource, typeUrl: string, names: readonly string[]) {
  const log = new DiscoveryLog();
  const stats = new StatsStore(null);
  const request = { typeUrl, names: new Set(names), fetchTimeoutMs: 0, stats };
  const subscription = source.subscribe(request, log);
  return { log, subscription, counters: () => stats.snapshot().counters };
}

for (const [title, makeRig] of Object.entries(RIGS)) {
  t.test(`${title}: everything, and again when it changes`, async (t) => {
    const rig = await makeRig(CDS);
    t.teardown(() => rig.close());
    rig.publish('1', [cluster('a'), cluster('b')]);
    const { counters, log } = watch(rig.source, CDS, [ALL_NAMES]);
    t.same(log.told, [], 'never inside subscribe');
    await eventually(() => log.told.length > 0);
    t.same([log.told[0], log.last.version], ['a b', '1']);
    rig.publish('2', [cluster('b'), cluster('c')]);
    await eventually(() => log.last.version === '2');
    const { isWhole, removed, resources } = log.last;
    t.same(
      resources.map(({ name }) => name),
      ['b', 'c'],
    );
    t.ok(isWhole || removed.includes('a'), 'it can be seen that a is gone');
    t.ok((counters()['update_success'] ?? 0) >= 2);
    t.ok(rig.source.isConnected);
    const received = { version: '2', error: '' };
    t.match(rig.source.reports(), [
      { isConnected: true, types: [{ typeUrl: CDS, version: '2', names: [ALL_NAMES], received }] },
    ]);
  });

  t.test(`${title}: those that were asked for, by each who asked`, async (t) => {
    const rig = await makeRig(EDS);
    t.teardown(() => rig.close());
    rig.publish('1', [endpoints('a'), endpoints('b'), endpoints('c')]);
    const [a, ab] = [watch(rig.source, EDS, ['a']), watch(rig.source, EDS, ['a', 'b'])];
    await eventually(() => a.log.told.length > 0 && ab.log.told.length > 0);
    t.same([a.log.told[0], ab.log.told[0]], ['a', 'a b']);
    const late = watch(rig.source, EDS, ['a']);
    await eventually(() => late.log.told.length > 0);
    t.same(late.log.told[0], 'a');
    a.subscription.setNames(new Set(['c']));
    await eventually(() => a.log.told.includes('c'));
    late.subscription.close();
    const before = late.log.told.length;
    rig.publish('2', [endpoints('a')]);
    await eventually(() => ab.log.last.version === '2');
    t.equal(late.log.told.length, before, 'closed, it is told nothing');
  });

  t.test(`${title}: what is refused is counted, and the next one taken`, async (t) => {
    const rig = await makeRig(CDS);
    t.teardown(() => rig.close());
    const { counters, log } = watch(rig.source, CDS, [ALL_NAMES]);
    log.refusal = 'no good';
    rig.publish('1', [cluster('a')]);
    await eventually(() => (counters()['update_rejected'] ?? 0) > 0);
    log.refusal = '';
    rig.publish('2', [cluster('a')]);
    await eventually(() => (counters()['update_success'] ?? 0) > 0);
    t.equal(log.last.version, '2');
  });
}
