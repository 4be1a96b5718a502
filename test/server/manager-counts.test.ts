// Clusters and listeners are counted by whoever decides about them.
import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { ListenerSchema } from '../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import type { Resource } from '../../proxy/model/resource.ts';
import { ManagerCounts } from '../../proxy/server/manager-counts.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

type Kind = 'cluster' | 'listener';

const resource = (kind: Kind, name = 'a'): Resource => {
  return { kind, name, version: '', message: create(ListenerSchema) };
};

function rig(kind: Kind) {
  const stats = new StatsStore(null);
  const counts = new ManagerCounts(stats);
  /** added, modified, removed, create_failure */
  const seen = () => {
    const { counters } = stats.snapshot();
    const names = ['added', 'modified', 'removed'].map((what) => `${kind}_manager.${kind}_${what}`);
    const failure = 'listener_manager.listener_create_failure';
    return [...names, failure].map((name) => counters[name] ?? 0);
  };
  const accept = (upserted: readonly Resource[], warming: readonly Resource[] = []) =>
    counts.onAccepted({ upserted, removed: [] }, warming);
  const remove = (name = 'a') => counts.onAccepted({ upserted: [], removed: [{ kind, name }] }, []);
  const serve = (one: Resource, isRefused = false) => {
    const refused = isRefused ? [{ kind, name: one.name, problems: [], isHeld: false }] : [];
    counts.onServing({ upserted: [one], removed: [] }, refused);
  };
  return { counts, seen, accept, remove, serve };
}

t.test('a cluster counts when it is accepted, warm or not', async (t) => {
  const { seen, accept, remove, serve } = rig('cluster');
  accept([], [resource('cluster')]);
  t.same(seen(), [1, 0, 0, 0]);
  accept([], [resource('cluster')]);
  accept([resource('cluster')]);
  t.same(seen(), [1, 2, 0, 0]);
  serve(resource('cluster'));
  remove();
  remove();
  t.same(seen(), [1, 2, 1, 0]);
  accept([resource('cluster')]);
  t.same(seen(), [2, 2, 1, 0], 'it comes back');
});

t.test('a listener counts when it is bound, and one that cannot be does not', async (t) => {
  const { counts, seen, accept, remove, serve } = rig('listener');
  const [first, taken, next] = [resource('listener'), resource('listener'), resource('listener')];
  accept([first]);
  t.same(seen(), [0, 0, 0, 0]);
  serve(first);
  t.same(seen(), [1, 0, 0, 0]);
  accept([taken]);
  serve(taken, true);
  serve(first);
  t.same(seen(), [1, 0, 0, 1], 'the one before it goes on, and is not counted again');
  accept([next]);
  accept([resource('listener')]);
  t.same(seen(), [1, 1, 0, 1], 'one that another one follows at once was there as well');
  remove();
  t.same(seen(), [1, 2, 1, 1]);
  accept([], [next]);
  t.same(seen(), [2, 2, 1, 1], 'who warms is there');
  serve(next);
  t.same(seen(), [2, 2, 1, 1]);
  counts.onTakenOut(next);
  remove();
  t.same(seen(), [2, 2, 1, 1], 'what was taken out was not removed');
});
