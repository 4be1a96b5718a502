import { create } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ResourceSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { packed } from '../support/control-plane.ts';
import { FakeMux, turn } from '../support/fake-mux.ts';

const CDS = TYPE_URLS.cluster;
const EDS = TYPE_URLS.endpoint;
const NDS = 'type.googleapis.com/istio.networking.nds.v1.NameTable';

const endpoints = (name: string, version = '1') =>
  create(ResourceSchema, {
    name,
    version,
    resource: packed('envoy.config.endpoint.v3.ClusterLoadAssignment', { clusterName: name }),
  });
const cluster = (name: string, version = '1') =>
  create(ResourceSchema, {
    name,
    version,
    resource: packed('envoy.config.cluster.v3.Cluster', { name }),
  });

async function opened(rig: FakeMux) {
  await turn();
  rig.server.last.open();
  return rig.server.last;
}

const incremental = () => new FakeMux({ isIncremental: true, saysNodeOnce: false });

t.test('begins with all names, an unspoken wildcard, and the node once', async (t) => {
  const rig = incremental();
  rig.watch(CDS);
  rig.watch(EDS, ['a', 'b']);
  const { deltaRequests } = await opened(rig);
  t.same(
    deltaRequests.map((each) => [each.typeUrl, each.resourceNamesSubscribe]),
    [
      [CDS, []],
      [EDS, ['a', 'b']],
    ],
  );
  t.same(
    deltaRequests.map(({ node }) => node?.id ?? ''),
    ['node', ''],
  );
});

t.test('acknowledges each response by its nonce, without a version', async (t) => {
  const rig = incremental();
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  stream.respondDelta({
    typeUrl: CDS,
    systemVersionInfo: '1',
    nonce: 'x',
    resources: [cluster('a')],
  });
  await turn();
  const ack = stream.deltaRequests[1];
  t.same([ack?.responseNonce, ack?.errorDetail, ack?.resourceNamesSubscribe], ['x', undefined, []]);
  t.same([all.told, all.last.isWhole, all.last.version], [['a'], false, '1']);
});

t.test('subscribes and unsubscribes by difference', async (t) => {
  const rig = incremental();
  const one = rig.watch(EDS, ['a', 'b']);
  const stream = await opened(rig);
  one.subscription.setNames(new Set(['b', 'c']));
  await turn();
  const { resourceNamesSubscribe, resourceNamesUnsubscribe, responseNonce } =
    stream.deltaRequests[1] ?? {};
  t.same([resourceNamesSubscribe, resourceNamesUnsubscribe, responseNonce], [['c'], ['a'], '']);
  one.subscription.close();
  await turn();
  t.same(stream.deltaRequests[2]?.resourceNamesUnsubscribe.sort(), ['b', 'c']);
});

t.test(
  'a name given up and wanted again before anything was sent is asked for again',
  async (t) => {
    const rig = incremental();
    const one = rig.watch(EDS, ['a', 'b']);
    const stream = await opened(rig);
    one.subscription.close();
    rig.watch(EDS, ['a']);
    await turn();
    const { resourceNamesSubscribe, resourceNamesUnsubscribe } = stream.deltaRequests[1] ?? {};
    t.same([resourceNamesSubscribe, resourceNamesUnsubscribe], [['a'], ['b']]);
  },
);

t.test(
  'a name beside the wildcard makes it spoken, and the wildcard can be given up',
  async (t) => {
    const rig = incremental();
    const all = rig.watch(CDS);
    const stream = await opened(rig);
    rig.watch(CDS, ['extra']);
    await turn();
    t.same(stream.deltaRequests[1]?.resourceNamesSubscribe.sort(), [ALL_NAMES, 'extra']);
    all.subscription.close();
    await turn();
    t.same(stream.deltaRequests[2]?.resourceNamesUnsubscribe, [ALL_NAMES]);
    stream.end();
    rig.clock.advance(500);
    const next = await opened(rig);
    t.same(next.deltaRequests[0]?.resourceNamesSubscribe, ['extra']);
  },
);

t.test(
  'a new stream begins with the versions that are held, and without those of what was refused',
  async (t) => {
    const rig = incremental();
    const all = rig.watch(CDS);
    rig.watch(EDS, ['a', 'b']);
    const stream = await opened(rig);
    const resources = [cluster('a', '1'), cluster('b', '1'), cluster('__proto__', '1')];
    stream.respondDelta({ typeUrl: CDS, nonce: '1', resources });
    stream.respondDelta({ typeUrl: CDS, nonce: '2', removedResources: ['b'] });
    all.refusal = 'no';
    stream.respondDelta({ typeUrl: CDS, nonce: '3', resources: [cluster('a', '2'), cluster('c')] });
    stream.respondDelta({
      typeUrl: EDS,
      nonce: '4',
      resources: [endpoints('a', '5'), endpoints('z')],
    });
    stream.end();
    rig.clock.advance(500);
    const { deltaRequests } = await opened(rig);
    t.same(Object.entries(deltaRequests[0]?.initialResourceVersions ?? {}), [
      ['a', ''],
      ['__proto__', '1'],
      ['c', ''],
    ]);
    t.same(deltaRequests[1]?.initialResourceVersions, { a: '5' });
    t.same(deltaRequests[1]?.resourceNamesSubscribe, ['a', 'b']);
  },
);

t.test('names that come twice are refused whole', async (t) => {
  const rig = incremental();
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  stream.respondDelta({ typeUrl: CDS, nonce: '1', resources: [cluster('a'), cluster('a')] });
  const removed = { resources: [cluster('a')], removedResources: ['a'] };
  stream.respondDelta({ typeUrl: CDS, nonce: '2', ...removed });
  await turn();
  t.same(
    stream.deltaRequests.slice(1).map(({ errorDetail }) => errorDetail?.message),
    [
      'duplicate name a found among added/updated resources',
      'duplicate name a found in the union of added+removed resources',
    ],
  );
  t.same(all.told, []);
});

t.test('removals go to those who want the name; an empty response to wildcards', async (t) => {
  const rig = incremental();
  const [all, a, b] = [rig.watch(CDS), rig.watch(EDS, ['a']), rig.watch(EDS, ['b'])];
  const stream = await opened(rig);
  stream.respondDelta({ typeUrl: CDS, nonce: '1' });
  stream.respondDelta({ typeUrl: EDS, nonce: '2', removedResources: ['a', 'c'] });
  t.same([all?.told, a?.told, b?.told], [[''], ['-a'], []]);
});

t.test('re-added after its removal it is told again', async (t) => {
  const rig = incremental();
  const a = rig.watch(EDS, ['a']);
  const stream = await opened(rig);
  stream.respondDelta({ typeUrl: EDS, nonce: '1', resources: [endpoints('a')] });
  stream.respondDelta({ typeUrl: EDS, nonce: '2', removedResources: ['a'] });
  stream.respondDelta({ typeUrl: EDS, nonce: '3', resources: [endpoints('a')] });
  t.same(a.told, ['a', '-a', 'a']);
});

t.test('what lived too long is asked for anew on the next stream', async (t) => {
  const rig = incremental();
  const a = rig.watch(EDS, ['a', 'b']);
  const stream = await opened(rig);
  const ttl = create(DurationSchema, { seconds: 2n });
  const resources = [{ ...endpoints('a', '1'), ttl }, endpoints('b', '1')];
  stream.respondDelta({ typeUrl: EDS, nonce: '1', resources });
  rig.clock.advance(1500);
  const heartbeat = create(ResourceSchema, { name: 'a', version: '1', ttl });
  stream.respondDelta({ typeUrl: EDS, nonce: '2', resources: [heartbeat] });
  rig.clock.advance(1500);
  t.same(a.told, ['a b'], 'the heartbeat counts');
  rig.clock.advance(1000);
  t.same(a.told, ['a b', '-a']);
  stream.end();
  rig.clock.advance(500);
  const { deltaRequests } = await opened(rig);
  t.same(deltaRequests[0]?.initialResourceVersions, { b: '1' });
});

t.test(
  'as istiod does: no versions of resources, an empty name, and all of it twice',
  async (t) => {
    const rig = incremental();
    const [clusters, names] = [rig.watch(CDS), rig.watch(NDS)];
    const stream = await opened(rig);
    t.same(
      stream.deltaRequests.map(({ resourceNamesSubscribe }) => resourceNamesSubscribe),
      [[], []],
    );
    for (const nonce of ['1', '2']) {
      const resources = [cluster('a', ''), cluster('b', '')];
      stream.respondDelta({ typeUrl: CDS, systemVersionInfo: 'v/1', nonce, resources });
    }
    const table = {
      $typeName: 'google.protobuf.Any' as const,
      typeUrl: NDS,
      value: Uint8Array.of(),
    };
    const resource = create(ResourceSchema, { name: '', resource: table });
    stream.respondDelta({ typeUrl: NDS, nonce: '3', resources: [resource] });
    await turn();
    t.same(clusters.told, ['a b', 'a b']);
    t.equal(names.last.resources.length, 1);
    stream.end();
    rig.clock.advance(500);
    const { deltaRequests } = await opened(rig);
    t.same(deltaRequests[0]?.initialResourceVersions, { a: '', b: '' });
  },
);
