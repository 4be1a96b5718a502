// The hosts of a cluster at one moment, sorted by priority and health. Never changed: an update
// builds the next one, so that a balancer can hold on to what it saw.
import { countSideBySide, type Host } from './host.ts';
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
  /** Of which this one is a part; null: it is whole. */
  readonly #whole: HostSet | null;
  #isCounted = false;

  /** `ignoresUnchecked`: common_lb_config.ignore_new_hosts_until_first_hc. */
  constructor(hosts: readonly Host[], ignoresUnchecked = false, whole: HostSet | null = null) {
    this.hosts = hosts;
    this.#ignoresUnchecked = ignoresUnchecked;
    this.#whole = whole;
    const count = hosts.reduce((most, host) => Math.max(most, host.endpoint.priority + 1), 1);
    this.priorities = byPriority(hosts, count).map((list) => sortByHealth(list, ignoresUnchecked));
  }

  /** The same rules for some of these hosts. */
  subset(hosts: readonly Host[]): HostSet {
    return new HostSet(hosts, this.#ignoresUnchecked, this.#whole ?? this);
  }

  /**
   * Has the requests of all hosts counted in one array, for pickers that compare them: of the whole
   * set, because one host may be in several parts.
   */
  countSideBySide(): void {
    if (this.#whole !== null) {
      this.#whole.countSideBySide();
      return;
    }
    if (!this.#isCounted) countSideBySide(this.hosts);
    this.#isCounted = true;
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

const NOBODY: readonly Host[] = Object.freeze([]);

function byPriority(hosts: readonly Host[], count: number): readonly (readonly Host[])[] {
  if (count === 1) return [hosts];
  const lists: Host[][] = Array.from({ length: count }, () => []);
  for (const host of hosts) (lists[host.endpoint.priority] as Host[]).push(host);
  return lists;
}

function sortByHealth(hosts: readonly Host[], ignoresUnchecked: boolean): PriorityHosts {
  // Of most clusters at most times all are well.
  if (hosts.every(({ healthFlags }) => healthFlags === 0)) {
    return { all: hosts, healthy: hosts, degraded: NOBODY, counted: hosts };
  }
  return {
    all: hosts,
    healthy: those(hosts, ({ healthFlags }) => healthOf(healthFlags) === 'healthy'),
    degraded: those(hosts, ({ healthFlags }) => healthOf(healthFlags) === 'degraded'),
    counted: those(hosts, ({ healthFlags }) => !isExcluded(healthFlags, ignoresUnchecked)),
  };
}

/** Mostly it is all of them, or nobody: no list of its own then. */
function those(hosts: readonly Host[], isMeant: (host: Host) => boolean): readonly Host[] {
  const found = hosts.filter(isMeant);
  if (found.length === hosts.length) return hosts;
  return found.length === 0 ? NOBODY : found;
}
