// A worker's cluster as `/clusters` shows it.
import type { ClusterStatus, HostStatus } from '../admin/status.ts';
import type { Host } from '../upstream/host.ts';
import type { WorkerCluster } from '../upstream/worker-cluster.ts';

/** What is true of a cluster now, in this worker. */
export function clusterStatus({ config, hostSet }: WorkerCluster): ClusterStatus {
  return {
    name: config.name,
    observabilityName: config.observabilityName,
    addedViaApi: false,
    limits: config.limits,
    highPriorityLimits: config.highLimits,
    outlier: null,
    hosts: hostSet.hosts.map(hostStatus),
  };
}

function hostStatus(host: Host): HostStatus {
  const { address, hostname, endpoint, weight, statsSoFar: stats, healthFlags } = host;
  return {
    address: address.text,
    hostname,
    weight,
    priority: endpoint.priority,
    isCanary: endpoint.isCanary,
    healthFlags,
    // The primary knows them: see the admin interface's backend.
    successRate: -1,
    localOriginSuccessRate: -1,
    locality: endpoint.locality,
    cxActive: stats.cxActive,
    cxConnectFail: stats.cxConnectFail,
    cxTotal: stats.cxTotal,
    rqActive: stats.rqActive,
    rqError: stats.rqError,
    rqPendingActive: stats.rqPendingActive,
    rqSuccess: stats.rqSuccess,
    rqTimeout: stats.rqTimeout,
    rqTotal: stats.rqTotal,
  };
}
