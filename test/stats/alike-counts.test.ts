// What every worker counts alike, over workers that come and go.
import t from 'tap';
import { AlikeCounts } from '../../proxy/stats/alike-counts.ts';
import { EMPTY_SNAPSHOT, type StatsSnapshot } from '../../proxy/stats/snapshot.ts';

const NAME = 'cluster.a.membership_change';
const worker = () => ({});
const counted = (count: number, name = NAME): StatsSnapshot => ({
  ...EMPTY_SNAPSHOT,
  counters: { [name]: count, 'cluster.a.upstream_rq_total': 100 },
});

t.test('has nothing to add where nobody took a place', async (t) => {
  const alike = new AlikeCounts();
  t.equal(alike.makeUp([[worker(), counted(3)]]), EMPTY_SNAPSHOT);
});

t.test('who takes a place goes on from where the others are', async (t) => {
  const alike = new AlikeCounts();
  const [stays, late] = [worker(), worker()];
  alike.onLate(late);
  const sum = (mine: number, its: number) =>
    alike.makeUp([
      [stays, counted(mine)],
      [late, counted(its)],
    ]).counters;
  t.same(sum(5, 1), { [NAME]: 5 });
  t.same(sum(6, 2), { [NAME]: 6 }, 'what both count next counts once');
  alike.retire(stays, counted(6));
  t.same(alike.makeUp([[late, counted(3)]]).counters, { [NAME]: 7 }, 'and goes on alone');
});

t.test('nothing steps back while nobody is there, nor when all are new', async (t) => {
  const alike = new AlikeCounts();
  alike.retire(worker(), counted(5));
  t.same(alike.makeUp([]).counters, { [NAME]: 5 });
  const starting = worker();
  t.same(alike.makeUp([[starting, counted(1)]]).counters, { [NAME]: 5 }, 'it is still being told');
  alike.onLate(starting);
  t.same(alike.makeUp([[starting, counted(1)]]).counters, { [NAME]: 5 });
  t.same(alike.makeUp([[starting, counted(2)]]).counters, { [NAME]: 6 });
});

t.test('what is gone is gone, and a reset is one', async (t) => {
  const alike = new AlikeCounts();
  alike.retire(worker(), counted(5));
  const late = worker();
  alike.onLate(late);
  t.same(alike.makeUp([[late, counted(1, 'cluster.b.membership_change')]]).counters, {});
  const other = new AlikeCounts();
  other.retire(worker(), counted(5));
  other.onLate(late);
  other.makeUp([[late, counted(1)]]);
  other.reset([late]);
  t.same(other.makeUp([[late, counted(2)]]).counters, { [NAME]: 2 });
});
