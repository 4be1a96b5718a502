// For each priority and health class what picks from its hosts: the cluster's policy, one for each
// locality where localities share. Made when the first request needs it.
import type { HashingConfig, HostPolicyConfig } from '../../model/load-balancing.ts';
import type { ChosenPriority } from '../cluster-manager.ts';
import type { HostSet, PriorityHosts } from '../host-set.ts';
import { hashedHosts, hashedLocalities } from './consistent/hashed-hosts.ts';
import { RenewedTable } from './consistent/renewed-table.ts';
import type { HostPicker, PickingOptions } from './load-balancer.ts';
import { effectiveWeight, type LocalityHosts, localitiesOf } from './localities.ts';
import { isHashing, makeHostPicker } from './registry.ts';
import { WeightedLocalities } from './weighted-localities.ts';
import { ZoneRouting } from './zone-routing.ts';

/** Of a priority. `all`: it panics. */
type Kind = 'healthy' | 'degraded' | 'all';

/** `undefined`: not asked for yet; null: nobody may be picked. */
type Made = { [K in Kind]: HostPicker | null | undefined };

/** See the file's head. */
export class PriorityPickers {
  readonly #hostSet: HostSet;
  readonly #priorities: readonly PriorityHosts[];
  readonly #options: PickingOptions;
  readonly #made: readonly Made[];
  /** Rings and tables by priority and list; null: there are none. */
  #tables: Map<string, RenewedTable> | null = null;
  /** Those of the pickers before, until `inheritNoMore`. */
  #inherited: Map<string, RenewedTable> | null;
  /** null: zones are not looked at. */
  readonly #zones: ZoneRouting | null;

  /** `previous`: those of the hosts before these, whose rings and tables serve on. */
  constructor(hostSet: HostSet, options: PickingOptions, previous: PriorityPickers | null = null) {
    const { priorities } = hostSet;
    this.#hostSet = hostSet;
    this.#priorities = priorities;
    this.#options = options;
    this.#inherited = previous === null ? null : previous.#tables;
    this.#made = priorities.map(() => ({
      healthy: undefined,
      degraded: undefined,
      all: undefined,
    }));
    this.#zones = ZoneRouting.of(priorities[0] as PriorityHosts, options);
  }

  /** null: nobody may be picked. */
  of({ priority, kind }: ChosenPriority, panics: boolean): HostPicker | null {
    const made = this.#made[priority];
    if (made === undefined) return null;
    const wanted = panics ? 'all' : kind;
    const known = made[wanted];
    if (known !== undefined) return known;
    const picker = this.#make(priority, wanted);
    made[wanted] = picker;
    return picker;
  }

  /** All that serves was asked for: tables that were not are of hosts of the past. */
  inheritNoMore(): void {
    for (const table of this.#inherited?.values() ?? []) table.drop();
    this.#inherited = null;
  }

  #make(priority: number, kind: Kind): HostPicker | null {
    const hosts = this.#priorities[priority] as PriorityHosts;
    const { config } = this.#options;
    if (isHashing(config)) return this.#hashPicker(priority, kind, config);
    if (config.kind === 'least-request') this.#hostSet.countSideBySide();
    const { locality } = config;
    if (kind === 'all') {
      if (locality.kind === 'zone-aware' && locality.failsOnPanic) return null;
    } else if (locality.kind === 'weighted') {
      const weighted = this.#weighted(hosts, kind, config);
      if (weighted !== null) return weighted;
    }
    if (hosts[kind].length === 0) return null;
    const plain = makeHostPicker(hosts[kind], config, this.#options);
    if (kind === 'all' || priority > 0 || this.#zones === null) return plain;
    return this.#zones.around(plain, kind);
  }

  /** As in Envoy, what hashes knows no degraded hosts. */
  #hashPicker(index: number, kind: Kind, config: HashingConfig): HostPicker | null {
    const priority = this.#priorities[index] as PriorityHosts;
    const list = kind === 'all' ? 'all' : 'healthy';
    const { consistent } = config;
    const isWeighted = consistent.isLocalityWeighted && this.#options.localityWeight !== null;
    const hashed = isWeighted
      ? hashedLocalities(
          this.#localities(priority).map((hosts) => ({
            hosts: hosts[list],
            weight: this.#weightOf(hosts),
          })),
          consistent,
        )
      : hashedHosts(priority[list], consistent);
    const table = this.#table(`${index} ${list}`);
    table.renew({ hosts: hashed, config, services: this.#options });
    return table.hasHosts ? table : null;
  }

  #table(key: string): RenewedTable {
    const table = this.#inherited?.get(key) ?? new RenewedTable();
    this.#inherited?.delete(key);
    this.#tables ??= new Map();
    this.#tables.set(key, table);
    return table;
  }

  /** null: no locality with hosts has a weight, so that all hosts are alike. */
  #weighted(
    priority: PriorityHosts,
    kind: 'healthy' | 'degraded',
    config: HostPolicyConfig,
  ): HostPicker | null {
    if (this.#options.localityWeight === null) return null;
    const { overprovisioningPercent } = this.#options.priorities;
    const weighed = this.#localities(priority)
      .map((hosts) => {
        const usable = { weight: this.#weightOf(hosts), usable: hosts[kind].length };
        return {
          hosts: hosts[kind],
          weight: effectiveWeight(hosts, usable, overprovisioningPercent),
        };
      })
      .filter(({ weight }) => weight > 0);
    if (weighed.length === 0) return null;
    return new WeightedLocalities(
      weighed.map(({ hosts }) => makeHostPicker(hosts, config, this.#options)),
      weighed.map(({ weight }) => weight),
    );
  }

  #localities(priority: PriorityHosts): readonly LocalityHosts[] {
    return localitiesOf(priority, this.#options.own.locality);
  }

  #weightOf(hosts: LocalityHosts): number {
    const { localityWeight } = this.#options;
    return localityWeight == null ? hosts.weight : localityWeight(hosts);
  }
}
