// Sums over workers and processes that come and go.
import t from 'tap';
import { type CountingPeer, StatsCollector } from '../../proxy/server/stats-collector.ts';
import { EMPTY_SNAPSHOT, type StatsSnapshot } from '../../proxy/stats/snapshot.ts';

const counts = (counters: Record<string, number>): StatsSnapshot => ({
  ...EMPTY_SNAPSHOT,
  counters,
});
const RQ = 'cluster.a.upstream_rq_total';
const ADDED = 'cluster_manager.cluster_added';

class FakePeer {
  isGone = false;
  lastStats: StatsSnapshot | null = null;
  #answer: (snapshot: StatsSnapshot) => void = () => undefined;

  ask(): Promise<StatsSnapshot> {
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  say(snapshot: StatsSnapshot): void {
    this.lastStats = snapshot;
    this.#answer(snapshot);
  }
}

t.test('a worker that ends while others are asked counts once', async (t) => {
  const collector = new StatsCollector();
  const [ending, other] = [new FakePeer(), new FakePeer()];
  const peers = [ending, other] as unknown as readonly CountingPeer[];
  const sum = collector.collect(EMPTY_SNAPSHOT, peers);
  ending.say(counts({ [RQ]: 3 }));
  ending.isGone = true;
  collector.retire(ending as unknown as CountingPeer);
  other.say(counts({ [RQ]: 4 }));
  t.equal((await sum).counters[RQ], 7);
});

t.test('what a process before this one decided adds up with what this one decides', async (t) => {
  const collector = new StatsCollector();
  const own = counts({ [ADDED]: 2, [RQ]: 0 });
  collector.hearElder(0, counts({ [ADDED]: 2, [RQ]: 9 }), false);
  t.match((await collector.collect(own, [])).counters, { [ADDED]: 4, [RQ]: 9 });
  collector.hearElder(0, counts({ [ADDED]: 3, [RQ]: 10 }), true);
  t.match((await collector.collect(own, [])).counters, { [ADDED]: 5, [RQ]: 10 });
  t.match((await collector.ofThisProcess(own, [])).counters, { [ADDED]: 5, [RQ]: 10 }, 'and on');
});
