// What waits goes on when what it needs is there, and nothing else is looked at.
import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { Resource, ResourceKind } from '../../proxy/model/resource.ts';
import { NeedKeeper } from '../../proxy/server/need-keeper.ts';
import { promoteUsers, userOf } from '../../proxy/server/promotion.ts';
import { ResourceStore } from '../../proxy/server/resource-store.ts';

const FLAWLESS = () => ({ rejected: null, warned: null });

function resource(kind: ResourceKind, name: string, version = '1'): Resource {
  return { kind, name, version, message: create(ClusterSchema, { name }) };
}

/** Everything warms; what is in `ready` may serve. */
function rig(resources: readonly Resource[]) {
  const store = new ResourceStore(FLAWLESS, () => 0);
  store.publish({ upserted: resources, removed: [] }, () => false);
  const ready = new Set<string>();
  const users = new Map<string, readonly string[]>();
  const promoted: string[] = [];
  let asked = 0;
  const parts = {
    store,
    mayServe: ({ kind, name }: Resource) => {
      asked += 1;
      return ready.has(`${kind}/${name}`);
    },
    usersOf: (key: string) => users.get(key) ?? [],
    onPromoted: ({ kind, name, version }: Resource) =>
      void promoted.push(`${kind}/${name} ${version}`),
  };
  const promote = (...from: readonly string[]) => {
    const before = asked;
    for (const _ of promoteUsers(from, parts));
    return asked - before;
  };
  return { store, ready, users, promoted, promote };
}

t.test('of many that wait for something of their own, each is looked at once', async (t) => {
  const names = Array.from({ length: 500 }, (_, index) => `c${index}`);
  const { ready, promote, promoted, store } = rig(names.map((name) => resource('cluster', name)));
  let asked = 0;
  const keeper = new NeedKeeper<{ key: string; name: string }, string>({
    noun: 'secret',
    use: () => '',
    drop: () => undefined,
    isKnown: () => false,
    onSettled: (users) => {
      asked += promote(...users);
    },
    open: ({ key }, sink) => {
      tells.set(key, () => sink.onValue('a value', '1'));
      return { close: () => undefined };
    },
    log: { enabled: () => false, log: () => undefined },
  });
  const tells = new Map<string, () => string>();
  for (const name of names) {
    keeper.retain(userOf({ kind: 'cluster', name }, true), [{ key: `s-${name}`, name }]);
  }
  for (const name of names) {
    ready.add(`cluster/${name}`);
    tells.get(`s-${name}`)?.();
  }
  t.equal(promoted.length, names.length);
  t.equal(asked, names.length, 'once each, not once for each of the others');
  t.notOk(store.hasWarming('cluster'));
});

t.test('whoever refers to something that is told, and waits for it, goes on with it', async (t) => {
  const { ready, users, promote, promoted } = rig([
    resource('network-filter', 'manager'),
    resource('listener', 'in'),
    resource('listener', 'other'),
  ]);
  users.set('manager', [userOf({ kind: 'listener', name: 'in' }, true)]);
  users.set('routes', [userOf({ kind: 'network-filter', name: 'manager' }, true)]);
  for (const name of ['network-filter/manager', 'listener/in', 'listener/other']) ready.add(name);
  promote(userOf({ kind: 'scopes', name: 'routes' }));
  t.same(promoted, ['network-filter/manager 1', 'listener/in 1']);
});

t.test('who still waits for something else stays, and in a circle nobody runs', async (t) => {
  const { users, promote, promoted } = rig([resource('network-filter', 'a')]);
  users.set('a', [userOf({ kind: 'network-filter', name: 'b' })]);
  users.set('b', [userOf({ kind: 'network-filter', name: 'a' }, true)]);
  promote(userOf({ kind: 'network-filter', name: 'a' }, true));
  t.same(promoted, []);
});

t.test('the newest version is the one that goes on, whatever names end with', async (t) => {
  const { ready, promote, promoted, store } = rig([resource('cluster', 'a next')]);
  store.publish({ upserted: [resource('cluster', 'a next', '2')], removed: [] }, () => false);
  ready.add('cluster/a next');
  promote(userOf({ kind: 'cluster', name: 'a next' }));
  t.same(promoted, ['cluster/a next 2']);
  promote(userOf({ kind: 'cluster', name: 'a next' }, true), 'rubbish', '');
  t.equal(promoted.length, 1, 'once');
});
