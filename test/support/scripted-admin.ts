// An admin interface that answers from a script: one set of numbers for each look at it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A host as the script tells it. */
export interface ScriptedHost {
  readonly address: string;
  readonly port: number;
  /** Reasons of admin.v3.HostHealthStatus. */
  readonly ill?: readonly string[];
  readonly stats?: Readonly<Record<string, number>>;
}

/** A cluster as the script tells it. */
export interface ScriptedCluster {
  readonly name: string;
  readonly hosts: readonly ScriptedHost[];
  /** Without `cluster.<name>.` */
  readonly stats?: Readonly<Record<string, number>>;
  /** upstream_rq_time: `[lower bound, width, count]` each. */
  readonly latency?: readonly (readonly [number, number, number])[];
}

/** One of them. */
export interface ScriptedAdmin {
  /** `127.0.0.1:port` */
  readonly address: string;
  close(): void;
}

/** Serves the looks in order, the last one again and again. */
export async function scriptedAdmin(
  looks: readonly (readonly ScriptedCluster[])[],
): Promise<ScriptedAdmin> {
  let count = 0;
  const server = createServer(({ url = '' }, response) => {
    if (url === '/server_info') count += 1;
    const clusters = looks[Math.min(Math.max(count, 1), looks.length) - 1] ?? [];
    response.end(JSON.stringify(answer(url, clusters)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(url: string, clusters: readonly ScriptedCluster[]): object {
  if (url === '/server_info') return { state: 'LIVE', uptime_current_epoch: '63s' };
  return url.startsWith('/clusters') ? clustersJson(clusters) : statsJson(clusters);
}

/** As /clusters?format=json has it. */
export function clustersJson(clusters: readonly ScriptedCluster[]): object {
  return {
    cluster_statuses: clusters.map(({ name, hosts }) => ({
      name,
      observability_name: name,
      host_statuses: hosts.map(({ address, port, ill = [], stats = {} }) => ({
        address: { socket_address: { address, port_value: port } },
        stats: Object.entries(stats).map(([stat, value]) => ({ name: stat, value: String(value) })),
        health_status: {
          ...Object.fromEntries(ill.map((reason) => [reason, true])),
          eds_health_status: 'HEALTHY',
        },
        weight: 1,
      })),
    })),
  };
}

/** As /stats?format=json&histogram_buckets=detailed has it. */
export function statsJson(clusters: readonly ScriptedCluster[]): object {
  const numbers = clusters.flatMap(({ name, stats = {} }) =>
    Object.entries(stats).map(([stat, value]) => ({ name: `cluster.${name}.${stat}`, value })),
  );
  const details = clusters.map(({ name, latency = [] }) => ({
    name: `cluster.${name}.upstream_rq_time`,
    totals: latency.map(([lower, width, count]) => ({ lower_bound: lower, width, count })),
  }));
  return { stats: [...numbers, { histograms: { details } }] };
}
