// `proxy-config endpoints`: hosts and their health, of a running proxy's /clusters or of the
// endpoints in a dump, which know nothing of health checks and ejections.
import { type PlaceText, placeText, withPort } from './addresses.ts';
import { type Dump, type Result, sectionOf, servingResources } from './dump.ts';
import { type JsonRecord, member, record, records, text } from './json-fields.ts';
import { compareNames, type TextTable } from './text-table.ts';

/** Which of them are wanted; '' and null for any. */
export interface EndpointFilter {
  readonly address: string;
  readonly port: number | null;
  readonly cluster: string;
  /** HEALTHY, UNHEALTHY …, in any case of letters. */
  readonly status: string;
}

/** A host of a cluster. */
export interface EndpointRow {
  readonly cluster: string;
  readonly place: PlaceText;
  /** core.v3.HealthStatus. UNHEALTHY also where an active health check failed. */
  readonly status: string;
  readonly isEjected: boolean;
}

/** As the list of the dump would be printed: ClusterStatus or ClusterLoadAssignment messages. */
export interface SelectedEndpoints {
  readonly rows: readonly EndpointRow[];
  readonly messages: readonly JsonRecord[];
}

interface ClusterHosts {
  readonly message: JsonRecord;
  readonly rows: readonly EndpointRow[];
}

/** Hosts by address, port and cluster. */
export function selectEndpoints(dump: Dump, filter: EndpointFilter): Result<SelectedEndpoints> {
  const clusters = clusterHosts(dump);
  if (!clusters.ok) return clusters;
  const wanted = clusters.value
    .map(({ message, rows }) => ({ message, rows: rows.filter((row) => isWanted(row, filter)) }))
    .filter(({ rows }) => rows.length > 0);
  const rows = wanted.flatMap((cluster) => cluster.rows).sort(compareRows);
  return { ok: true, value: { rows, messages: wanted.map(({ message }) => message) } };
}

/** A line for each host. */
export function endpointTable(rows: readonly EndpointRow[]): TextTable {
  return {
    titles: ['ENDPOINT', 'STATUS', 'OUTLIER CHECK', 'CLUSTER'],
    rows: rows.map(({ place, status, isEjected, cluster }) => [
      withPort(place),
      status,
      isEjected ? 'FAILED' : 'OK',
      cluster,
    ]),
  };
}

function clusterHosts(dump: Dump): Result<readonly ClusterHosts[]> {
  if (dump.clusterStatuses !== null) {
    const value = dump.clusterStatuses.map((message) => ({ message, rows: statusRows(message) }));
    return { ok: true, value };
  }
  if (!dump.sections.has('EndpointsConfigDump') && dump.sections.size > 0) {
    const error =
      'the dump holds no endpoints; save ADMIN/config_dump?include_eds or, with their health, ADMIN/clusters?format=json';
    return { ok: false, error };
  }
  const section = sectionOf(dump, 'EndpointsConfigDump');
  if (!section.ok) return section;
  const assignments = servingResources(section.value, {
    ...{ fixed: 'static_endpoint_configs', dynamic: 'dynamic_endpoint_configs' },
    ...{ resource: 'endpoint_config', state: '' },
  });
  const value = assignments.map(({ json }) => ({ message: json, rows: assignmentRows(json) }));
  return { ok: true, value };
}

function statusRows(message: JsonRecord): readonly EndpointRow[] {
  const cluster = text(message, 'name');
  return records(message, 'host_statuses').map((host) => {
    const health = record(host, 'health_status');
    const told = statusText(text(health, 'eds_health_status'));
    const hasFailed = member(health, 'failed_active_health_check') === true;
    return {
      cluster,
      place: placeText(record(host, 'address'), 'unix://'),
      status: hasFailed && told === 'HEALTHY' ? 'UNHEALTHY' : told,
      isEjected: member(health, 'failed_outlier_check') === true,
    };
  });
}

function assignmentRows(assignment: JsonRecord): readonly EndpointRow[] {
  const cluster = text(assignment, 'cluster_name');
  return records(assignment, 'endpoints')
    .flatMap((locality) => records(locality, 'lb_endpoints'))
    .map((host) => ({
      cluster,
      place: placeText(record(host, 'endpoint', 'address'), 'unix://'),
      status: statusText(text(host, 'health_status')),
      isEjected: false,
    }));
}

/** Without a word of the discovery server a host is taken for healthy. */
function statusText(status: string): string {
  return status === '' || status === 'UNKNOWN' ? 'HEALTHY' : status;
}

function isWanted(row: EndpointRow, { address, port, cluster, status }: EndpointFilter): boolean {
  return (
    (address === '' || row.place.address.toLowerCase() === address.toLowerCase()) &&
    (port === null || row.place.port === port) &&
    (cluster === '' || row.cluster.toLowerCase() === cluster.toLowerCase()) &&
    (status === '' || row.status === status.toUpperCase())
  );
}

function compareRows(left: EndpointRow, right: EndpointRow): number {
  return (
    compareNames(left.place.address, right.place.address) ||
    left.place.port - right.place.port ||
    compareNames(left.cluster, right.cluster)
  );
}
