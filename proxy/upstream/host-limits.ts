// How many connections each host of a cluster has, over all workers, where
// circuit_breakers.per_host_thresholds limits them.
import type { SharedCells } from '../base/cells/shared-cells.ts';
import type { SharedCounter } from '../base/cells/shared-counter.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { Host } from './host.ts';

/** The connections of one host. */
export class HostLimit {
  readonly key: string;
  readonly #counter: SharedCounter;

  constructor(key: string, counter: SharedCounter) {
    this.key = key;
    this.#counter = counter;
  }

  /** Takes one if fewer than `most` are taken; null: this priority has no limit. */
  tryAcquire(most: number | null): boolean {
    if (most !== null) return this.#counter.tryAcquire(most);
    this.#counter.acquire();
    return true;
  }

  /** Takes one, allowed or not. */
  acquire(): void {
    this.#counter.acquire();
  }

  /** Gives one back. */
  release(): void {
    this.#counter.release();
  }
}

/** Those of a cluster. A host's is held while it is a member, and by each of its pools. */
export class HostLimits {
  readonly #keyPrefix: string;
  readonly #cells: SharedCells;
  readonly #isUsed: boolean;
  /** null: there are none, as where nothing limits them. */
  #members: Map<Host, HostLimit> | null = null;

  constructor({ name, limits, highLimits }: ClusterConfig, cells: SharedCells) {
    this.#keyPrefix = `cluster/${name}/host/`;
    this.#cells = cells;
    this.#isUsed =
      limits.maxConnectionsPerHost !== null || highLimits.maxConnectionsPerHost !== null;
  }

  /** Hosts of the cluster: their cells are found before the first connection. */
  follow(hosts: readonly Host[]): void {
    if (!this.#isUsed) return;
    this.#members ??= new Map();
    for (const host of hosts) {
      if (!this.#members.has(host)) this.#members.set(host, this.#hold(host));
    }
  }

  /** It is no member any more. */
  forget(host: Host): void {
    const limit = this.#members?.get(host);
    this.#members?.delete(host);
    if (limit !== undefined) this.release(limit);
  }

  /** For a pool of the host, paired with `release`; null where nothing limits its connections. */
  hold(host: Host): HostLimit | null {
    return this.#isUsed ? this.#hold(host) : null;
  }

  /** A holder is done with it. */
  release(limit: HostLimit): void {
    this.#cells.release(limit.key);
  }

  #hold(host: Host): HostLimit {
    const key = this.#members?.get(host)?.key ?? this.#keyPrefix + host.address.text;
    return new HostLimit(key, this.#cells.counter(key));
  }
}
