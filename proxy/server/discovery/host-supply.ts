// Virtual hosts of one route table as a server tells them (VHDS): all that it has for the table, by
// the incremental variant. An update is taken as a whole or not at all.
import type { VirtualHost } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { ConfigSourceConfig, DiscoveredRef } from '../../model/config-source.ts';
import type { Counter, StatsScope } from '../../stats/metrics.ts';
import type { DiscoverySubscription, DiscoveryUpdate } from '../../xds/discovery.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import { contentHash, readDiscovered } from './discovered-message.ts';
import type { ConfigSupplyParts } from './supply-from-source.ts';

/** What it is made with. */
export interface HostSupplyParts extends ConfigSupplyParts {
  /** They changed; answers why the table cannot be used with them, '' when it is. */
  readonly onHosts: () => string;
  /** None came in time: nobody is to wait any more. */
  readonly onGivenUp: () => void;
}

interface KnownHost {
  readonly message: VirtualHost;
  readonly hash: string;
}

type Hosts = ReadonlyMap<string, KnownHost>;

/** One per route table that has them told. */
export class HostSupply {
  readonly from: ConfigSourceConfig;
  /** Nothing came yet, and there is still time. */
  isWaiting = true;
  readonly #parts: HostSupplyParts;
  readonly #subscription: DiscoverySubscription;
  readonly #scope: StatsScope;
  readonly #reloads: Counter;
  /** By the name of the resource. */
  #hosts: Hosts = new Map();
  /** What `refuse` returns to. */
  #before: Hosts = new Map();

  /** The table's reference: names of virtual hosts begin with its name. */
  constructor(
    { name: table, statsScope }: DiscoveredRef,
    from: ConfigSourceConfig,
    parts: HostSupplyParts,
  ) {
    this.from = from;
    this.#parts = parts;
    // Envoy: beside the table's own, `rds.<name>`.
    const outer = (statsScope ?? table).slice(0, -table.length);
    const stats = parts.stats.scope(`${outer}vhds.${table}`);
    this.#scope = stats;
    this.#reloads = stats.counter('config_reload');
    stats.counter('update_empty');
    const { fetchTimeoutMs } = from;
    const names = new Set([table]);
    const request = { typeUrl: TYPE_URLS.virtualHost, names, fetchTimeoutMs, stats };
    this.#subscription = parts.sourceOf(from).subscribe(request, {
      onUpdate: (update) => this.#onUpdate(update),
      onFailure: (failure) => {
        if (failure !== 'connection') this.#giveUp();
      },
    });
  }

  hosts(): readonly VirtualHost[] {
    return [...this.#hosts.values()].map(({ message }) => message);
  }

  /** The virtual hosts before the last change are in use again. */
  refuse(reason: string): void {
    const refused = this.#hosts;
    this.#hosts = this.#before;
    const changed = [...refused].filter(([name, { hash }]) => this.#hosts.get(name)?.hash !== hash);
    this.#subscription.refuse(
      changed.map(([name]) => name),
      reason,
    );
  }

  close(): void {
    this.#subscription.close();
    this.#scope.release();
  }

  #onUpdate(update: DiscoveryUpdate): string {
    const next = this.#read(update);
    if (typeof next === 'string') return this.#refuse(next);
    // Every table hears of every update of its server, most of them about others.
    if (!this.isWaiting && isSame(next, this.#hosts)) {
      if (update.resources.length > 0) this.#reloads.inc();
      return '';
    }
    const before = this.#hosts;
    this.#hosts = next;
    const refusal = this.#parts.onHosts();
    if (refusal !== '') {
      this.#hosts = before;
      return this.#refuse(refusal);
    }
    this.#before = before;
    this.isWaiting = false;
    this.#reloads.inc();
    return '';
  }

  /** The virtual hosts as they would be; a text: why not. */
  #read({ resources, removed }: DiscoveryUpdate): Hosts | string {
    const next = new Map(this.#hosts);
    for (const name of removed) next.delete(name);
    for (const { name, content } of resources) {
      const hash = contentHash(content);
      if (next.get(name)?.hash === hash) continue;
      const read = readDiscovered(content, TYPE_URLS.virtualHost);
      if (!read.ok) return `${name}: ${read.error}`;
      next.set(name, { message: read.message as VirtualHost, hash });
    }
    return next;
  }

  #refuse(reason: string): string {
    this.#giveUp();
    return reason;
  }

  #giveUp(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.#parts.onGivenUp();
  }
}

function isSame(left: Hosts, right: Hosts): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([name, { hash }]) => right.get(name)?.hash === hash);
}
