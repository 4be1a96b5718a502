import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { Resource } from '../../proxy/model/resource.ts';
import { CondemnedVersions } from '../../proxy/server/condemned-versions.ts';
import { CrashBlame, PROVEN_MS, UpdatesInHand } from '../../proxy/server/crash-blame.ts';

function cluster(name: string, altStatName = ''): Resource {
  const message = create(ClusterSchema, { name, altStatName });
  return { kind: 'cluster', name, version: '1', message };
}

/** In the hands of a worker that takes them over, together unless each is told by itself. */
function held(resources: readonly Resource[], isEachAlone = resources.length === 1) {
  return { resources, isApplying: true, isEachAlone };
}

const names = (resources: readonly Resource[]) => resources.map(({ name }) => name);

t.test('blames what two workers died over', async (t) => {
  const blame = new CrashBlame();
  const a = cluster('a');
  t.same(blame.onDeath(held([a])), []);
  t.same(blame.onDeath(held([a])), [a]);
  t.same(blame.onDeath(held([a])), [], 'it is told once');
});

t.test('tells what was together one by one until it knows', async (t) => {
  const blame = new CrashBlame();
  const [a, b, c] = [cluster('a'), cluster('b'), cluster('c')];
  t.same(blame.onDeath(held([a, b])), []);
  t.same(blame.onDeath(held([a, b])), [], 'two workers at once: it may be either');
  t.same(blame.plan([a, b, c]), { together: [c], alone: [a, b] });
  t.same(blame.onDeath(held([b])), [b]);
  blame.prove([a]);
  t.same(blame.plan([a, c]), { together: [a, c], alone: [] });
});

t.test('blames all when none of them alone ends a worker at once', async (t) => {
  const blame = new CrashBlame();
  const [a, b] = [cluster('a'), cluster('b')];
  t.same(blame.onDeath(held([a, b])), []);
  t.same(blame.plan([a, b]), { together: [], alone: [a, b] });
  t.same(names(blame.onDeath(held([a, b], true))), ['a', 'b']);
});

t.test('acquits what a worker has lived with, and other versions', async (t) => {
  const blame = new CrashBlame();
  const a = cluster('a');
  t.same(blame.onDeath(held([a])), []);
  blame.prove([a]);
  t.ok(blame.isProven(a));
  t.same(blame.onDeath(held([a])), []);
  t.same(blame.onDeath(held([a])), []);
  t.same(blame.onDeath(held([cluster('a')])), [], 'another version begins anew');
});

t.test('knows what a worker has in its hands', async (t) => {
  const hands = new UpdatesInHand();
  const [a, b, c] = [cluster('a'), cluster('b'), cluster('c')];
  const heldNames = (nowMs: number) => names(hands.held(nowMs).resources);
  t.same(hands.held(0), { resources: [], isApplying: false, isEachAlone: true });
  hands.begin(0, { upserted: [], removed: [] });
  hands.begin(1, { upserted: [a], removed: [] });
  hands.begin(2, { upserted: [b, c], removed: [] });
  t.ok(hands.held(0).isApplying);
  t.same(heldNames(0), ['a'], 'updates are applied in their order');
  t.same(names(hands.end(1, 100)), ['a']);
  t.same(heldNames(100), ['b', 'c']);
  t.same(names(hands.end(2, 200)), ['b', 'c']);
  t.same(heldNames(300), ['a', 'b', 'c'], 'just begun to be used');
  t.notOk(hands.held(300).isApplying);
  t.same(heldNames(100 + PROVEN_MS), ['b', 'c']);
  t.same(heldNames(200 + PROVEN_MS), []);
  t.same(hands.end(7, 0), [], 'an answer to nothing');
});

t.test('condemns a content, not a version or a name', async (t) => {
  const condemned = new CondemnedVersions();
  t.equal(condemned.reason(cluster('a')), '');
  condemned.add(cluster('a'), 'bad');
  t.equal(condemned.reason({ ...cluster('a'), version: '2' }), 'bad');
  t.equal(condemned.reason(cluster('a', 'other')), '');
  t.equal(condemned.reason(cluster('b')), '');
  for (let count = 0; count < 1_000; count += 1) condemned.add(cluster(`x${count}`), 'bad');
  t.equal(condemned.reason(cluster('a')), '', 'the oldest are forgotten');
  t.equal(condemned.reason(cluster('x1')), 'bad');
});
