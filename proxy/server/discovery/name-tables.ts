// Tables of names (NDS) for whoever registers for them: the proxy itself has no use for names. The
// aggregated server is only asked for them while somebody is registered.
import type { NameTable as NameTableMessage } from '../../api/gen/istio/nds_pb.js';
import { ipVersion } from '../../base/ip-address.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { NameInfo, NameTable } from '../../model/name-table.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import {
  ALL_NAMES,
  type DiscoverySource,
  type DiscoverySubscription,
  type DiscoveryUpdate,
} from '../../xds/discovery.ts';
import type { PrimaryService } from '../primary-services.ts';
import { readDiscovered } from './discovered-message.ts';

/** Type URL of what it asks for. */
export const NAME_TABLE_URL = 'type.googleapis.com/istio.networking.nds.v1.NameTable';

/** Takes each table: all names there are from now on. */
export type NameTableListener = (table: NameTable) => void;

/** What it works with. */
export interface NameTablesParts {
  /** The aggregated server; null: there is none, and no table ever comes. */
  readonly source: () => DiscoverySource | null;
  /** `nds.` is below it. */
  readonly stats: StatsScope;
}

/** Where an aggregated server is found. */
export const AGGREGATED_SOURCE: ConfigSourceConfig = Object.freeze({
  ...{ kind: 'ads', key: 'ads', fetchTimeoutMs: 0 },
});

/** One per process. */
export class NameTables implements PrimaryService {
  readonly #parts: NameTablesParts;
  readonly #listeners = new Set<NameTableListener>();
  #subscription: DiscoverySubscription | null = null;
  /** null: none came yet. */
  #table: NameTable | null = null;

  constructor(parts: NameTablesParts) {
    this.#parts = parts;
  }

  /**
   * From now on `listener` is told of each table, first of the one that is known; until the answer
   * is called. With the last one the server is asked no more, and the table is forgotten.
   */
  register(listener: NameTableListener): () => void {
    this.#listeners.add(listener);
    if (this.#table !== null) listener(this.#table);
    this.#subscription ??= this.#subscribe();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  stop(): void {
    this.#subscription?.close();
    this.#subscription = null;
    this.#table = null;
  }

  #subscribe(): DiscoverySubscription | null {
    const source = this.#parts.source();
    if (source === null) return null;
    const request = {
      ...{ typeUrl: NAME_TABLE_URL, names: new Set([ALL_NAMES]), fetchTimeoutMs: 0 },
      stats: this.#parts.stats.scope('nds'),
    };
    return source.subscribe(request, {
      onUpdate: (update) => this.#onUpdate(update),
      // The last table is good until another one comes.
      onFailure: () => undefined,
    });
  }

  #onUpdate({ resources, removed }: DiscoveryUpdate): string {
    const [resource, ...others] = resources;
    if (resource === undefined) {
      if (removed.length > 0) this.#tell(new Map());
      return '';
    }
    if (others.length > 0) return `Unexpected NDS resource length: ${resources.length}`;
    const read = readDiscovered(resource.content, NAME_TABLE_URL);
    if (!read.ok) return read.error;
    this.#tell(tableOf(read.message as NameTableMessage));
    return '';
  }

  #tell(table: NameTable): void {
    this.#table = table;
    for (const listener of [...this.#listeners]) listener(table);
  }
}

function tableOf({ table }: NameTableMessage): NameTable {
  const names = new Map<string, NameInfo>();
  for (const [host, { ips, namespace, registry, shortname: shortName }] of Object.entries(table)) {
    // Ranges are no answer to anybody.
    const numeric = ips.filter((ip) => ipVersion(ip) !== 0);
    names.set(host.toLowerCase(), Object.freeze({ ips: numeric, namespace, registry, shortName }));
  }
  return names;
}
