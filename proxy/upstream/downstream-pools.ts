// Connection pools that serve one client's connection each (connection_pool_per_downstream_connection).
import type { DownstreamConnectionInfo, DownstreamDependant } from '../http/stream-info.ts';
import type { RoutingPriority } from './circuit-breakers.ts';
import { type Host, HostPools } from './host.ts';

/** Pools of one client to one host; null: none of that priority yet. */
interface ClientPools {
  default: HostPools | null;
  high: HostPools | null;
}

/** Those of one cluster. They end with their client: nobody else may use them. */
export class DownstreamPools implements DownstreamDependant {
  readonly #byConnection = new Map<DownstreamConnectionInfo, Map<Host, ClientPools>>();

  /** The client's pools to that host. */
  of(connection: DownstreamConnectionInfo, host: Host, priority: RoutingPriority): HostPools {
    const byHost = this.#hostsOf(connection);
    let pools = byHost.get(host);
    if (pools === undefined) {
      pools = { default: null, high: null };
      byHost.set(host, pools);
    }
    pools[priority] ??= new HostPools();
    return pools[priority];
  }

  /** The host is gone. */
  forget(host: Host): void {
    for (const byHost of this.#byConnection.values()) byHost.delete(host);
  }

  onDownstreamGone(connection: DownstreamConnectionInfo): void {
    const byHost = this.#byConnection.get(connection);
    this.#byConnection.delete(connection);
    for (const each of byHost?.values() ?? []) {
      for (const pool of [...(each.default?.all() ?? []), ...(each.high?.all() ?? [])])
        pool.drain();
    }
  }

  #hostsOf(connection: DownstreamConnectionInfo): Map<Host, ClientPools> {
    const known = this.#byConnection.get(connection);
    if (known !== undefined) return known;
    const made = new Map<Host, ClientPools>();
    this.#byConnection.set(connection, made);
    connection.dependants ??= new Set();
    connection.dependants.add(this);
    return made;
  }
}
