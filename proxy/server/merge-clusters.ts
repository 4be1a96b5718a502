// What `/clusters` shows: every worker counts for itself, the reader sees sums.
import type { ClusterStatus, HostStatus } from '../admin/status.ts';
import type { OutlierFindings } from '../upstream/outlier/outlier-clusters.ts';

/** One list out of each worker's, in order of name. */
export function mergeClusters(
  lists: readonly (readonly ClusterStatus[])[],
): readonly ClusterStatus[] {
  const merged = new Map<string, ClusterStatus>();
  for (const cluster of lists.flat()) {
    const known = merged.get(cluster.name);
    merged.set(cluster.name, known === undefined ? cluster : mergeCluster(known, cluster));
  }
  return [...merged.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function mergeCluster(left: ClusterStatus, right: ClusterStatus): ClusterStatus {
  const hosts = new Map<string, HostStatus>();
  for (const host of [...left.hosts, ...right.hosts]) {
    const key = `${host.priority} ${host.address}`;
    const known = hosts.get(key);
    hosts.set(key, known === undefined ? host : addHost(known, host));
  }
  return { ...left, hosts: [...hosts.values()] };
}

function addHost(left: HostStatus, right: HostStatus): HostStatus {
  return {
    ...left,
    cxActive: left.cxActive + right.cxActive,
    cxConnectFail: left.cxConnectFail + right.cxConnectFail,
    cxTotal: left.cxTotal + right.cxTotal,
    rqActive: left.rqActive + right.rqActive,
    rqError: left.rqError + right.rqError,
    rqPendingActive: left.rqPendingActive + right.rqPendingActive,
    rqSuccess: left.rqSuccess + right.rqSuccess,
    rqTimeout: left.rqTimeout + right.rqTimeout,
    rqTotal: left.rqTotal + right.rqTotal,
  };
}

/** Adds what only the primary knows: what outlier detection worked out; null: there is none. */
export function withFindings(
  cluster: ClusterStatus,
  findings: OutlierFindings | null,
): ClusterStatus {
  if (findings === null) return cluster;
  const { external, local } = findings.limits;
  const hosts = cluster.hosts.map((host) => {
    const rates = findings.rates(host.address);
    return { ...host, successRate: rates.external, localOriginSuccessRate: rates.local };
  });
  const outlier = {
    successRateAverage: external.average,
    successRateThreshold: external.threshold,
    localOriginAverage: local.average,
    localOriginThreshold: local.threshold,
  };
  return { ...cluster, outlier, hosts };
}
