import t from 'tap';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { ReportedMetrics } from '../../proxy/upstream/reported-metrics.ts';

const report = (text: string) => HeaderList.of('endpoint-load-metrics', `TEXT ${text}`);

t.test('sums what is asked for, and begins anew when it is taken', async (t) => {
  const metrics = new ReportedMetrics(['named_metrics.*', 'utilization.disk', 'cpu_utilization']);
  t.ok(metrics.onFields(report('named_metrics.queue=2,utilization.disk=0.5,utilization.net=1')));
  t.ok(metrics.onFields(report('named_metrics.queue:3,cpu_utilization:0.25,mem_utilization:1')));
  t.same(
    [...metrics.take()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    [
      { name: 'cpu_utilization', count: 2, total: 0.25 },
      { name: 'named_metrics.queue', count: 2, total: 5 },
      { name: 'utilization.disk', count: 1, total: 0.5 },
    ],
    'one that every report has counts also where it says nothing, as in Envoy',
  );
  t.same(metrics.take(), []);
});

t.test(
  'a response without a report, or with one that cannot be read, counts nothing',
  async (t) => {
    const metrics = new ReportedMetrics(['cpu_utilization']);
    t.notOk(metrics.onFields(HeaderList.empty()));
    t.notOk(metrics.onFields(report('cpu_utilization=many')));
    t.same(metrics.take(), []);
  },
);

t.test('a host that invents names is not remembered for ever', async (t) => {
  const metrics = new ReportedMetrics(['named_metrics.*']);
  for (let index = 0; index < 1000; index += 1)
    metrics.onFields(report(`named_metrics.n${index}=1`));
  t.equal(metrics.take().length, 100);
});
