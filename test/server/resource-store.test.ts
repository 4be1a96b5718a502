import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import type { Resource } from '../../proxy/model/resource.ts';
import { ResourceStore } from '../../proxy/server/resource-store.ts';

function cluster(name: string, version: string): Resource {
  return { kind: 'cluster', name, version, message: create(ClusterSchema, { name }) };
}

function listener(name: string, version: string): Resource {
  return { kind: 'listener', name, version, message: create(ListenerSchema, { name }) };
}

/** Refuses what has version `bad`. */
function makeStore(): ResourceStore {
  const check = ({ kind, name, version }: Resource) => ({
    rejected:
      version === 'bad' ? { kind, name, problems: [{ path: 'x', reason: 'is bad' }] } : null,
    warned: null,
  });
  return new ResourceStore(check, () => 7);
}

t.test('keeps the last good version of what is refused, and takes over the rest', async (t) => {
  const store = makeStore();
  store.publish({ upserted: [cluster('a', '1'), cluster('b', '1')], removed: [] });
  const { accepted, outcome } = store.publish({
    upserted: [cluster('a', 'bad'), cluster('b', '2')],
    removed: [],
  });
  t.same(
    accepted.upserted.map(({ name }) => name),
    ['b'],
  );
  t.same(
    outcome.rejected.map(({ name }) => name),
    ['a'],
  );
  t.equal(store.get('cluster', 'a')?.resource.version, '1');
  t.same(store.get('cluster', 'a')?.refused, {
    ...{ version: 'bad', details: 'x: is bad', wallMs: 7 },
    message: store.get('cluster', 'a')?.refused?.message,
  });
  t.equal(store.get('cluster', 'b')?.resource.version, '2');
});

t.test('gives clusters before the listeners that name them', async (t) => {
  const store = makeStore();
  store.publish({ upserted: [listener('l', '1'), cluster('c', '1')], removed: [] });
  t.same(
    store.all().map(({ name }) => name),
    ['c', 'l'],
  );
});

t.test('removes what is there, and tells workers of nothing else', async (t) => {
  const store = makeStore();
  store.publish({ upserted: [cluster('a', '1')], removed: [] });
  const removed = [
    { kind: 'cluster', name: 'a' },
    { kind: 'cluster', name: '__proto__' },
  ] as const;
  const { accepted } = store.publish({ upserted: [], removed });
  t.same(accepted.removed, [{ kind: 'cluster', name: 'a' }]);
  t.same(store.all(), []);
});

t.test('takes back what failed in use', async (t) => {
  const store = makeStore();
  store.publish({ upserted: [cluster('a', '1')], removed: [] });
  store.publish({ upserted: [cluster('a', '2'), cluster('new', '1')], removed: [] });
  store.takeBack('cluster', 'a', 'cannot bind');
  store.takeBack('cluster', 'new', 'cannot bind');
  t.equal(store.get('cluster', 'a')?.resource.version, '1');
  t.equal(store.get('cluster', 'a')?.refused?.version, '2');
  t.equal(store.get('cluster', 'new'), null);
});

t.test('says what is in use of a name from now on', async (t) => {
  const store = makeStore();
  const seen: string[] = [];
  store.onInUse = (kind, name, resource) =>
    void seen.push(`${kind}/${name} ${resource === null ? 'gone' : resource.version}`);
  store.publish({ upserted: [cluster('a', '1'), cluster('b', 'bad')], removed: [] });
  store.publish({ upserted: [cluster('a', '2')], removed: [] }, () => false);
  t.same(seen.splice(0), ['cluster/a 1'], 'not what is refused, nor what waits');
  store.promote('cluster', 'a');
  store.takeBack('cluster', 'a', 'of no use');
  store.takeBack('cluster', 'a', 'of no use, too');
  t.same(seen.splice(0), ['cluster/a 2', 'cluster/a 1', 'cluster/a gone']);
  store.publish({ upserted: [cluster('c', '1')], removed: [] });
  store.publish({ upserted: [], removed: [cluster('c', ''), cluster('d', '')] });
  t.same(seen, ['cluster/c 1', 'cluster/c gone']);
});
