// What an admin interface says of its clusters at one moment: /clusters and /stats as JSON, ours or
// Envoy's, made into numbers. Whatever is missing counts as 0: admin interfaces differ by version.

/** One bucket of a histogram. */
export interface Bucket {
  readonly lower: number;
  readonly width: number;
  readonly count: number;
}

/** A host of a cluster. */
export interface HostSample {
  readonly address: string;
  /** `healthy`, or why it is not: names of the fields of admin.v3.HostHealthStatus. */
  readonly health: string;
  readonly priority: number;
  readonly weight: number;
  readonly cxActive: number;
  readonly rqActive: number;
  readonly rqPending: number;
  /** Since the start, like the next two. */
  readonly rqTotal: number;
  readonly rqSuccess: number;
  readonly rqError: number;
}

/** A cluster; counters are since the start. */
export interface ClusterSample {
  readonly name: string;
  readonly hosts: readonly HostSample[];
  readonly rqTotal: number;
  readonly rqCompleted: number;
  readonly rq5xx: number;
  readonly rqRetry: number;
  readonly cxActive: number;
  readonly rqActive: number;
  readonly rqPending: number;
  readonly ejected: number;
  /** Breakers that refuse now, such as `rq` and `high.cx`. */
  readonly openBreakers: readonly string[];
  /** upstream_rq_time, ms. */
  readonly latency: readonly Bucket[];
}

/** Everything that is shown, at one moment. */
export interface Sample {
  /** Monotonic. */
  readonly takenMs: number;
  /** admin.v3.ServerInfo.State */
  readonly state: string;
  readonly uptime: string;
  readonly clusters: readonly ClusterSample[];
}

/** The three answers that a sample is made of, parsed. */
export interface AdminAnswers {
  readonly serverInfo: unknown;
  readonly clusters: unknown;
  readonly stats: unknown;
}

/** Statistics that are asked for: of clusters, and only what is shown. */
export const STATS_FILTER =
  '^cluster\\..*\\.(upstream_rq_(total|completed|5xx|retry|active|pending_active|time)|upstream_cx_active|outlier_detection\\.ejections_active|circuit_breakers\\.(default|high)\\.(cx|rq|rq_pending|rq_retry|cx_pool)_open)$';

const BREAKERS: readonly (readonly [name: string, stat: string])[] = [
  ['cx', 'cx_open'],
  ['pending', 'rq_pending_open'],
  ['rq', 'rq_open'],
  ['retry', 'rq_retry_open'],
  ['pool', 'cx_pool_open'],
];

/** The sample, or null when the answers are not those of an admin interface. */
export function readSample(answers: AdminAnswers, takenMs: number): Sample | null {
  const clusters = member(answers.clusters, 'cluster_statuses');
  const stats = member(answers.stats, 'stats');
  if (!Array.isArray(stats)) return null;
  const numbers = new Map<string, number>();
  const histograms = new Map<string, readonly Bucket[]>();
  for (const entry of stats) {
    const name = member(entry, 'name');
    if (typeof name === 'string') numbers.set(name, numberOf(member(entry, 'value')));
    else readHistograms(member(entry, 'histograms'), histograms);
  }
  const context = { numbers, histograms };
  return {
    takenMs,
    state: textOf(member(answers.serverInfo, 'state')),
    uptime: textOf(member(answers.serverInfo, 'uptime_current_epoch')),
    // A proxy without clusters leaves the list out, as ProtoJSON does.
    clusters: listOf(clusters).map((entry) => readCluster(entry, context)),
  };
}

interface StatsTables {
  readonly numbers: ReadonlyMap<string, number>;
  readonly histograms: ReadonlyMap<string, readonly Bucket[]>;
}

function readCluster(entry: unknown, { numbers, histograms }: StatsTables): ClusterSample {
  const name = textOf(member(entry, 'name'));
  const observabilityName = textOf(member(entry, 'observability_name')) || name;
  // As Envoy names statistics: colons separate there.
  const prefix = `cluster.${observabilityName.replaceAll(':', '_')}.`;
  const stat = (suffix: string): number => numbers.get(prefix + suffix) ?? 0;
  const open = (priority: string): readonly (readonly [string, string])[] =>
    BREAKERS.filter(([, suffix]) => stat(`circuit_breakers.${priority}.${suffix}`) > 0);
  return {
    name,
    hosts: listOf(member(entry, 'host_statuses')).map(readHost),
    rqTotal: stat('upstream_rq_total'),
    rqCompleted: stat('upstream_rq_completed'),
    rq5xx: stat('upstream_rq_5xx'),
    rqRetry: stat('upstream_rq_retry'),
    cxActive: stat('upstream_cx_active'),
    rqActive: stat('upstream_rq_active'),
    rqPending: stat('upstream_rq_pending_active'),
    ejected: stat('outlier_detection.ejections_active'),
    openBreakers: [
      ...open('default').map(([breaker]) => breaker),
      ...open('high').map(([breaker]) => `high.${breaker}`),
    ],
    latency: histograms.get(`${prefix}upstream_rq_time`) ?? [],
  };
}

function readHost(entry: unknown): HostSample {
  const values = new Map(
    listOf(member(entry, 'stats')).map((each) => [
      textOf(member(each, 'name')),
      numberOf(member(each, 'value')),
    ]),
  );
  const value = (name: string): number => values.get(name) ?? 0;
  return {
    address: addressText(member(entry, 'address')),
    health: healthText(member(entry, 'health_status')),
    priority: numberOf(member(entry, 'priority')),
    weight: numberOf(member(entry, 'weight')),
    cxActive: value('cx_active'),
    rqActive: value('rq_active'),
    rqPending: value('rq_pending_active'),
    rqTotal: value('rq_total'),
    rqSuccess: value('rq_success'),
    rqError: value('rq_error'),
  };
}

function addressText(address: unknown): string {
  const socket = member(address, 'socket_address');
  if (socket !== undefined) {
    const ip = textOf(member(socket, 'address'));
    const port = numberOf(member(socket, 'port_value'));
    return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  }
  const internal = member(address, 'envoy_internal_address');
  if (internal === undefined) return textOf(member(member(address, 'pipe'), 'path'));
  const listener = textOf(member(internal, 'server_listener_name'));
  return `envoy://${listener}/${textOf(member(internal, 'endpoint_id'))}`;
}

function healthText(status: unknown): string {
  const reasons = Object.entries(isRecord(status) ? status : {})
    .filter(([, value]) => value === true)
    .map(([name]) => name);
  const eds = textOf(member(status, 'eds_health_status'));
  if (eds !== '' && eds !== 'HEALTHY' && eds !== 'UNKNOWN')
    reasons.push(`eds_${eds.toLowerCase()}`);
  return reasons.length === 0 ? 'healthy' : reasons.join(',');
}

function readHistograms(histograms: unknown, into: Map<string, readonly Bucket[]>): void {
  for (const each of listOf(member(histograms, 'details'))) {
    const buckets = listOf(member(each, 'totals')).map((bucket) => ({
      lower: numberOf(member(bucket, 'lower_bound')),
      width: numberOf(member(bucket, 'width')),
      count: numberOf(member(bucket, 'count')),
    }));
    into.set(textOf(member(each, 'name')), buckets);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function member(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** ProtoJSON writes 64-bit numbers as texts. */
function numberOf(value: unknown): number {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : 0;
  return Number.isFinite(number) ? number : 0;
}
