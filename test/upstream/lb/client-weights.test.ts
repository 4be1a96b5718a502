import { create, toBinary } from '@bufbuild/protobuf';
import t from 'tap';
import { OrcaLoadReportSchema } from '../../../proxy/api/gen/xds/data/orca/v3/orca_load_report_pb.js';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import type { ClientWeightsConfig } from '../../../proxy/model/load-balancing.ts';
import type { Host } from '../../../proxy/upstream/host.ts';
import { weightBy } from '../../../proxy/upstream/lb/host-load.ts';
import { readLoadReport } from '../../../proxy/upstream/lb/load-report.ts';
import { balancer, tally, testBalancer } from '../../conformance/balancer.ts';
import { host } from '../../support/hosts.ts';

const CONFIG: ClientWeightsConfig = {
  kind: 'client-side-weighted-round-robin',
  locality: { kind: 'none' },
  slowStart: null,
  blackoutMs: 1000,
  expirationMs: 5000,
  updateMs: 500,
  metricNames: [],
  errorPenalty: 1,
};

function fields(value: string, name = 'endpoint-load-metrics'): HeaderList {
  const headers = HeaderList.empty();
  headers.add(name, value);
  return headers;
}

testBalancer(CONFIG);

t.test('all formats of reports are read', async (t) => {
  const report = create(OrcaLoadReportSchema, {
    ...{ rpsFractional: 100, cpuUtilization: 0.5, namedMetrics: { queue: 0.75 } },
  });
  const octets = Buffer.from(toBinary(OrcaLoadReportSchema, report)).toString('base64');
  const json = '{"rps_fractional": 100, "cpu_utilization": 0.5, "named_metrics": {"queue": 0.75}}';
  const texts = [
    fields('TEXT rps_fractional:100, cpu_utilization:0.5,named_metrics.queue:0.75'),
    fields(`JSON ${json}`),
    fields(`BIN ${octets}`),
    fields(octets, 'endpoint-load-metrics-bin'),
  ];
  for (const each of texts) {
    const metrics = readLoadReport(each);
    t.equal(metrics?.get('rps_fractional'), 100);
    t.equal(metrics?.get('cpu_utilization'), 0.5);
    t.equal(metrics?.get('named_metrics.queue'), 0.75);
  }
});

t.test('what cannot be read is no report', async (t) => {
  for (const text of [
    ...['', 'TEXT', 'TEXT cpu_utilization', 'TEXT cpu_utilization:', 'TEXT cpu_utilization:x'],
    ...['TEXT unknown:1', 'TEXT eps:1,eps:2', 'TEXT named_metrics.:1', 'JSON {', 'BIN AAAA'],
    ...['cpu_utilization:0.5', 'YAML a', 'TEXT eps:Infinity', 'JSON {"eps":"x"}'],
  ]) {
    t.equal(readLoadReport(fields(text)), null, text);
  }
  t.equal(readLoadReport(HeaderList.empty()), null);
});

t.test('a weight is requests by utilization, errors make it smaller', async (t) => {
  const weight = (text: string, members: Partial<ClientWeightsConfig> = {}) => {
    const metrics = readLoadReport(fields(`TEXT ${text}`));
    return metrics === null ? 'none' : weightBy(metrics, { ...CONFIG, ...members });
  };
  t.equal(weight('rps_fractional:100,cpu_utilization:0.5'), 200);
  t.equal(weight('rps_fractional:100,cpu_utilization:0.5,application_utilization:0.8'), 125);
  t.equal(weight('rps_fractional:100,cpu_utilization:0.5,eps:50'), 100);
  t.equal(weight('rps_fractional:100,cpu_utilization:0.5,eps:50', { errorPenalty: 0 }), 200);
  const named = 'rps_fractional:100,cpu_utilization:0.1,named_metrics.a:0.5,named_metrics.b:1';
  t.equal(weight(named), 1000);
  t.equal(weight(named, { metricNames: ['named_metrics.a'] }), 200);
  t.equal(weight(named, { metricNames: ['named_metrics.*'] }), 100);
  t.equal(weight('cpu_utilization:0.5'), null, 'without requests');
  t.equal(weight('rps_fractional:1'), null, 'without load');
  t.equal(weight('rps_fractional:1e300,cpu_utilization:1e-9'), 2 ** 32 - 1);
});

t.test('weights count from the blackout’s end to their expiration', async (t) => {
  const clock = { ms: 0 };
  const [strong, weak, silent] = [host(), host(), host()] as const;
  const { pick } = balancer(CONFIG, [strong, weak, silent], 1, clock);
  const shares = () => {
    const picks = tally(pick, 400);
    return [strong, weak, silent].map((each) => picks.get(each) ?? 0);
  };
  const report = (each: Host, cpu: number) =>
    each.load?.onFields(fields(`TEXT rps_fractional:100,cpu_utilization:${cpu}`));
  report(strong, 0.25);
  report(weak, 0.5);
  clock.ms = 900;
  t.ok(
    shares().every((share) => share > 130 && share < 137),
    'all alike in the blackout',
  );
  clock.ms = 1500;
  shares();
  // The silent one weighs their median, of two the heavier.
  t.strictSame(
    [strong, weak, silent].map(({ weight }) => weight),
    [400, 200, 400],
  );
  t.ok(shares().every((share, index) => Math.abs(share - (index === 1 ? 80 : 160)) <= 2));
  report(strong, 0.5);
  t.ok(Math.abs((shares()[1] ?? 0) - 80) <= 2, 'not before the next update');
  clock.ms = 2000;
  t.ok(shares().every((share) => share > 130 && share < 137));
  clock.ms = 20_000;
  shares();
  t.strictSame(
    [strong, weak, silent].map(({ weight }) => weight),
    [1, 1, 1],
    'too old',
  );
});
