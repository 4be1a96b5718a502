// Load reports (ORCA) as upstreams send them with their responses: endpoint-load-metrics in one of
// three formats, or endpoint-load-metrics-bin.
import { fromBinary, fromJsonString } from '@bufbuild/protobuf';
import {
  type OrcaLoadReport,
  OrcaLoadReportSchema,
} from '../../api/gen/xds/data/orca/v3/orca_load_report_pb.js';
import type { HeaderList } from '../../http/header-list.ts';

const FIELD = 'endpoint-load-metrics';
const BINARY_FIELD = 'endpoint-load-metrics-bin';

/** Of xds.data.orca.v3.OrcaLoadReport, by the names that Envoy's configuration uses. */
export type LoadMetrics = ReadonlyMap<string, number>;

/** The report in a head or in trailers; null: there is none, or none that can be read. */
export function readLoadReport(headers: HeaderList): LoadMetrics | null {
  const binary = headers.getByName(BINARY_FIELD);
  if (binary !== null) return fromOctets(binary);
  const text = headers.getByName(FIELD);
  if (text === null) return null;
  const format = text.slice(0, text.indexOf(' ') + 1);
  const report = text.slice(format.length);
  if (format === 'BIN ') return fromOctets(report);
  if (format === 'JSON ') {
    return parsed(() =>
      fromJsonString(OrcaLoadReportSchema, report, { ignoreUnknownFields: true }),
    );
  }
  return format === 'TEXT ' ? fromPairs(report) : null;
}

function fromOctets(base64: string): LoadMetrics | null {
  return parsed(() => fromBinary(OrcaLoadReportSchema, Buffer.from(base64, 'base64')));
}

function parsed(parse: () => OrcaLoadReport): LoadMetrics | null {
  try {
    return metricsOf(parse());
  } catch {
    // The library's word for a message that is none: what an upstream sends is not our error.
    return null;
  }
}

function metricsOf(report: OrcaLoadReport): LoadMetrics {
  const metrics = new Map([
    ['cpu_utilization', report.cpuUtilization],
    ['mem_utilization', report.memUtilization],
    ['application_utilization', report.applicationUtilization],
    ['rps_fractional', report.rpsFractional],
    ['eps', report.eps],
  ]);
  const groups = { named_metrics: report.namedMetrics, utilization: report.utilization };
  for (const [group, members] of Object.entries({ ...groups, request_cost: report.requestCost })) {
    for (const [name, value] of Object.entries(members)) metrics.set(`${group}.${name}`, value);
  }
  return metrics;
}

/** Those that every report has, if only to say 0. */
export const LOAD_METRIC_NAMES: ReadonlySet<string> = new Set([
  ...['cpu_utilization', 'mem_utilization', 'application_utilization', 'rps_fractional', 'eps'],
]);

/** `cpu_utilization:0.3,named_metrics.queue=7`; as in Envoy one bad pair spoils it all. */
function fromPairs(text: string): LoadMetrics | null {
  const metrics = new Map<string, number>();
  for (const pair of text.split(',')) {
    const end = pair.search(/[:=]/);
    const name = pair.slice(0, Math.max(0, end)).trim();
    const digits = pair.slice(end + 1).trim();
    const value = Number(digits);
    const isKnown =
      LOAD_METRIC_NAMES.has(name) || /^(named_metrics|utilization|request_cost)\../.test(name);
    if (!isKnown || metrics.has(name) || digits === '' || !Number.isFinite(value)) return null;
    metrics.set(name, value);
  }
  return metrics;
}
