// One pool over fakes with everything that a test of pools looks at.
import type { Test } from 'tap';
import type { ClusterConfig } from '../../proxy/model/cluster.ts';
import type { ConnectionPool } from '../../proxy/upstream/conn-pool.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, clusterLimits } from './cluster-config.ts';
import type { FakeConnection } from './fake-connector.ts';
import { FakeWaiter } from './fake-waiter.ts';
import { type UpstreamFixture, upstreamFixture } from './upstream-fixture.ts';

/** The cluster `c` with one host, and the pool of that. */
export interface PoolFixture extends UpstreamFixture {
  readonly clusters: WorkerClusters;
  readonly cluster: WorkerCluster;
  readonly host: Host;
  readonly pool: ConnectionPool;
  ask(): FakeWaiter;
  connection(index: number): FakeConnection;
  /** Value of a statistic of the cluster. */
  count(name: string): number;
}

/** For requests that came with HTTP/1.1. */
export function poolFixture(members: Partial<ClusterConfig> = {}): PoolFixture {
  const fixture = upstreamFixture();
  const clusters = new WorkerClusters(fixture.context);
  clusters.apply({ upserted: [clusterConfig(members)], removed: [] });
  const cluster = clusters.get('c') as WorkerCluster;
  const host = cluster.hostSet.hosts[0] as Host;
  const pool = cluster.httpPool(host, 'HTTP/1.1') as ConnectionPool;
  const ask = (): FakeWaiter => {
    const waiter = new FakeWaiter();
    pool.acquire(waiter);
    return waiter;
  };
  const connection = (index: number): FakeConnection =>
    fixture.connector.connections[index] as FakeConnection;
  const count = (name: string): number => {
    clusters.refreshGauges();
    return fixture.stat(`cluster.c.${name}`);
  };
  return { ...fixture, clusters, cluster, host, pool, ask, connection, count };
}

/** A cluster with some circuit breakers replaced. */
export function limits(members: Partial<ClusterConfig['limits']>): Partial<ClusterConfig> {
  return { limits: clusterLimits(members) };
}

/** A cluster with some HTTP options replaced. */
export function http(members: Partial<ClusterConfig['http']>): Partial<ClusterConfig> {
  return { http: { ...clusterConfig().http, ...members } };
}

/** Every request and connection is gone and the books agree. */
export function checkEmpty(test: Test, pool: PoolFixture): void {
  for (const name of ['upstream_cx_active', 'upstream_rq_active', 'upstream_rq_pending_active']) {
    test.equal(pool.count(name), 0, `${name} is 0`);
  }
  test.equal(pool.count('upstream_cx_destroy'), pool.count('upstream_cx_total'));
  test.equal(pool.host.stats.cxActive, 0);
  test.equal(pool.host.stats.rqActive, 0);
  test.equal(pool.connector.live().length, 0, 'no connection is left');
  test.equal(pool.clock.timers.armedCount, 0, 'no timer is left');
}
