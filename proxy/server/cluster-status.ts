// A worker's cluster as `/clusters` shows it.
import type { ClusterStatus, HostStatus } from '../admin/status.ts';
import type { Host } from '../upstream/host.ts';
import { healthOf, printFlags } from '../upstream/host-health.ts';
import type { WorkerCluster } from '../upstream/worker-cluster.ts';

/** What is true of a cluster now, in this worker. */
export function clusterStatus({ config, hostSet }: WorkerCluster): ClusterStatus {
  return {
    name: config.name,
    observabilityName: config.observabilityName,
    addedViaApi: false,
    limits: config.limits,
    highPriorityLimits: config.highLimits,
    hosts: hostSet.hosts.map(hostStatus),
  };
}

function hostStatus({ address, hostname, endpoint, stats, healthFlags }: Host): HostStatus {
  return {
    address: address.text,
    hostname,
    weight: endpoint.weight,
    priority: endpoint.priority,
    health: healthOf(healthFlags),
    healthFlags: printFlags(healthFlags),
    locality: endpoint.locality,
    cxActive: stats.cxActive,
    cxConnectFail: stats.cxConnectFail,
    cxTotal: stats.cxTotal,
    rqActive: stats.rqActive,
    rqError: stats.rqError,
    rqSuccess: stats.rqSuccess,
    rqTimeout: stats.rqTimeout,
    rqTotal: stats.rqTotal,
  };
}
