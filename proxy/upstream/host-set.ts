// The hosts of a cluster at one moment, sorted by priority and health. Never changed: an update
// builds the next one, so that a balancer can hold on to what it saw.
import type { Host } from './host.ts';
import { healthOf, isExcluded } from './host-health.ts';

/** Hosts of one priority; every host is in exactly one of healthy, degraded and unhealthy. */
export interface PriorityHosts {
  readonly all: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  /** Those of `all` that count for shares and panic; hosts that wait for their first check may not. */
  readonly counted: readonly Host[];
}

/** An immutable snapshot. */
export class HostSet {
  /** In the order of the configuration. */
  readonly hosts: readonly Host[];
  /** By priority from 0; gaps are empty priorities. At least one. */
  readonly priorities: readonly PriorityHosts[];
  readonly #ignoresUnchecked: boolean;
  /** By `ip:port`; null until somebody looks for one. */
  #byAddress: ReadonlyMap<string, Host> | null = null;

  /** `ignoresUnchecked`: common_lb_config.ignore_new_hosts_until_first_hc. */
  constructor(hosts: readonly Host[], ignoresUnchecked = false) {
    this.hosts = hosts;
    this.#ignoresUnchecked = ignoresUnchecked;
    const count = hosts.reduce((most, host) => Math.max(most, host.endpoint.priority + 1), 1);
    const lists: Host[][] = Array.from({ length: count }, () => []);
    for (const host of hosts) (lists[host.endpoint.priority] as Host[]).push(host);
    this.priorities = lists.map((list) => sortByHealth(list, ignoresUnchecked));
  }

  /** The same rules for some of these hosts. */
  subset(hosts: readonly Host[]): HostSet {
    return new HostSet(hosts, this.#ignoresUnchecked);
  }

  /** The member with this address; null: there is none. */
  byAddress(address: string): Host | null {
    const { hosts } = this;
    // The only host of a LOGICAL_DNS cluster changes its address in place.
    const only = hosts.length === 1 ? hosts[0] : undefined;
    if (only !== undefined) return only.address.text === address ? only : null;
    this.#byAddress ??= new Map(hosts.map((host) => [host.address.text, host]));
    return this.#byAddress.get(address) ?? null;
  }
}

function sortByHealth(hosts: readonly Host[], ignoresUnchecked: boolean): PriorityHosts {
  return {
    all: hosts,
    healthy: hosts.filter(({ healthFlags }) => healthOf(healthFlags) === 'healthy'),
    degraded: hosts.filter(({ healthFlags }) => healthOf(healthFlags) === 'degraded'),
    counted: hosts.filter(({ healthFlags }) => !isExcluded(healthFlags, ignoresUnchecked)),
  };
}
