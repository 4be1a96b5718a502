// What a connection's begin and end change in its cluster's statistics, limits and host.
import type { Host } from '../host.ts';
import type { ClusterResources } from '../upstream-context.ts';

/** How a connection ended. */
export interface ConnectionEnd {
  readonly by: 'local' | 'remote';
  readonly wasConnecting: boolean;
  /** A request on it was not answered completely. */
  readonly cutsRequest: boolean;
  /** Streams begun on it. */
  readonly streamCount: number;
}

/** A connection begins to connect. */
export function countOpened(resources: ClusterResources, host: Host): void {
  const { stats, breakers } = resources;
  stats.cxTotal.inc();
  stats.cxActive.inc();
  stats.cxHttp1Total.inc();
  breakers.connections.acquire();
  host.stats.cxTotal += 1;
  host.stats.cxActive += 1;
}

/** The same connection is gone. */
export function countClosed(resources: ClusterResources, host: Host, end: ConnectionEnd): void {
  const { stats, breakers } = resources;
  const isLocal = end.by === 'local';
  stats.cxActive.dec();
  breakers.connections.release();
  host.stats.cxActive -= 1;
  stats.cxDestroy.inc();
  (isLocal ? stats.cxDestroyLocal : stats.cxDestroyRemote).inc();
  if (end.cutsRequest) {
    stats.cxDestroyWithActiveRq.inc();
    (isLocal ? stats.cxDestroyLocalWithActiveRq : stats.cxDestroyRemoteWithActiveRq).inc();
  }
  if (end.wasConnecting) {
    stats.cxConnectFail.inc();
    host.stats.cxConnectFail += 1;
  } else {
    stats.rqPerCx.record(end.streamCount);
  }
}
