import t from 'tap';
import { privateCells } from '../../proxy/base/cells/shared-cells.ts';
import type { WorkerServices } from '../../proxy/filters/network-filter.ts';
import { ServicesLoan } from '../../proxy/filters/services-loan.ts';
import type { WatchedFileConfig } from '../../proxy/model/watched-file.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

function setUp() {
  const stats = new StatsStore(null);
  const cells = privateCells(() => 7);
  const open = new Map<string, number>();
  const count = (path: string, by: number): void => {
    open.set(path, (open.get(path) ?? 0) + by);
  };
  const files = {
    open({ path }: WatchedFileConfig, text: string) {
      count(path, 1);
      return { text, close: () => count(path, -1) };
    },
  };
  const worker = { stats, cells, files } as unknown as WorkerServices;
  return { stats, cells, open, worker };
}

const file = (path: string): WatchedFileConfig => ({ path, directory: '/', maxBytes: 1 });
const names = (stats: StatsStore): readonly string[] =>
  Object.keys(stats.snapshot().counters).sort();

t.test('statistics of a listener go with it, but for those that another one keeps', (t) => {
  const { stats, worker } = setUp();
  const first = new ServicesLoan(worker);
  const second = new ServicesLoan(worker);
  for (const { services } of [first, second]) services.stats.scope('http.in').counter('rq').inc();
  first.services.stats.counter('vhost.a.rq');
  t.same(names(stats), ['http.in.rq', 'vhost.a.rq']);
  first.giveBack();
  t.same(names(stats), ['http.in.rq']);
  t.equal(stats.snapshot().counters['http.in.rq'], 2);
  second.giveBack();
  t.same(names(stats), []);
  t.end();
});

t.test('cells go back as often as they were taken, early or in the end', (t) => {
  const { cells, worker } = setUp();
  const loan = new ServicesLoan(worker);
  const lent = loan.services.cells;
  t.equal(lent.nowMs(), 7);
  t.equal(lent.isShared, false);
  const counter = lent.counter('a');
  t.equal(lent.counter('a'), counter);
  const bucket = lent.bucket('b');
  const ints = lent.ints('c', 2);
  lent.release('a');
  lent.release('unknown');
  t.equal(cells.counter('a'), counter, 'still one user');
  cells.release('a');
  loan.giveBack();
  t.not(cells.counter('a'), counter);
  t.not(cells.bucket('b'), bucket);
  t.not(cells.ints('c', 2), ints);
  t.end();
});

t.test('files are closed once each', (t) => {
  const { open, worker } = setUp();
  const loan = new ServicesLoan(worker);
  t.equal(loan.services.files.open(file('/a'), 'text').text, 'text');
  loan.services.files.open(file('/a'), '');
  loan.services.files.open(file('/b'), '');
  loan.giveBack();
  loan.giveBack();
  t.same(
    [...open],
    [
      ['/a', 0],
      ['/b', 0],
    ],
  );
  t.end();
});
