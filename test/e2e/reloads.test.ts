// The configuration changes under load: `npm run chaos -- --scenario reloads` in short.
import t from 'tap';
import { runReloads } from '../support/reload-run.ts';

t.test('reloads cost no request, refuse nothing and end no worker', async (t) => {
  const settings = { reloads: 40, warmUp: 8, workers: 2, requestsPerSecond: 200 };
  const report = await runReloads(settings);
  t.same(report.failures, []);
  t.same(report.mishaps, []);
  t.ok(report.requests > 40, `${report.requests} requests`);
  // How much so few of them leave cannot be told from caches that fill: a tenth would be a leak.
  t.ok(report.heapGrowth < 1.1, report.detail);
});
