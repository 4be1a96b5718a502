// `proxy-config clusters`: what a cluster's name says in Istio's scheme, and its kind.
import {
  type Dump,
  type DumpedResource,
  type Result,
  sectionOf,
  servingResources,
} from './dump.ts';
import { istioOrigin } from './istio-origin.ts';
import { type JsonRecord, record, text } from './json-fields.ts';
import { compareNames, type TextTable } from './text-table.ts';

/** Which of them are wanted; '' and null for any. */
export interface ClusterFilter {
  /** Part of the service's name. */
  readonly fqdn: string;
  readonly port: number | null;
  readonly direction: string;
  /** Part of the subset's name. */
  readonly subset: string;
}

interface ServiceKey {
  readonly fqdn: string;
  readonly port: string;
  readonly subset: string;
  readonly direction: string;
}

const NO_VALUE = '-';

/** Clusters that serve, by service, subset, port and direction. */
export function selectClusters(
  dump: Dump,
  filter: ClusterFilter,
): Result<readonly DumpedResource[]> {
  const section = sectionOf(dump, 'ClustersConfigDump');
  if (!section.ok) return section;
  const clusters = servingResources(section.value, {
    ...{ fixed: 'static_clusters', dynamic: 'dynamic_active_clusters' },
    ...{ resource: 'cluster', state: '' },
  });
  const value = clusters
    .map((cluster) => ({ cluster, key: serviceKey(cluster.name) }))
    .filter(({ key }) => isWanted(key, filter))
    .sort((left, right) => compareKeys(left.key, right.key))
    .map(({ cluster }) => cluster);
  return { ok: true, value };
}

/** A line for each cluster. */
export function clusterTable(clusters: readonly DumpedResource[]): TextTable {
  const titles = ['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'];
  const rows = clusters.map(({ name, json }) => {
    const { fqdn, port, subset, direction } = serviceKey(name);
    return [fqdn, port, subset, direction, clusterType(json), istioOrigin(json)];
  });
  return { titles, rows };
}

/** istiod's names are `direction|port|subset|fqdn`; any other name stands for itself. */
function serviceKey(name: string): ServiceKey {
  const parts = name.split('|');
  const [direction = '', port = '', subset = '', fqdn = ''] = parts;
  if (parts.length !== 4) {
    return { fqdn: name, port: NO_VALUE, subset: NO_VALUE, direction: NO_VALUE };
  }
  return { fqdn, port, subset: subset === '' ? NO_VALUE : subset, direction };
}

function isWanted(key: ServiceKey, { fqdn, port, direction, subset }: ClusterFilter): boolean {
  return (
    key.fqdn.includes(fqdn) &&
    (port === null || key.port === String(port)) &&
    (direction === '' || key.direction === direction) &&
    (subset === '' || (key.subset !== NO_VALUE && key.subset.includes(subset)))
  );
}

function compareKeys(left: ServiceKey, right: ServiceKey): number {
  return (
    compareNames(left.fqdn, right.fqdn) ||
    compareNames(left.subset, right.subset) ||
    compareNames(left.port, right.port) ||
    compareNames(left.direction, right.direction)
  );
}

/** ProtoJSON leaves out the default, which is STATIC. */
function clusterType(cluster: JsonRecord): string {
  const custom = text(record(cluster, 'cluster_type'), 'name');
  return custom || text(cluster, 'type') || 'STATIC';
}
