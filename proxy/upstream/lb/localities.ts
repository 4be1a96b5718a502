// The hosts of a priority by locality, in Envoy's order: the proxy's own locality first where it has
// hosts there, the others by name.
import type { LocalityConfig } from '../../model/cluster.ts';
import type { Host } from '../host.ts';
import { healthOf } from '../host-health.ts';
import type { PriorityHosts } from '../host-set.ts';

/** Hosts of one locality of one priority. */
export interface LocalityHosts {
  readonly locality: LocalityConfig;
  /** LocalityLbEndpoints.load_balancing_weight, 0: none. */
  readonly weight: number;
  readonly all: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  /** Those that count for shares. */
  readonly counted: number;
}

interface Group {
  readonly locality: LocalityConfig;
  weight: number;
  readonly all: Host[];
  readonly healthy: Host[];
  readonly degraded: Host[];
  counted: number;
}

/** Localities that have hosts, well or not. `own`: the proxy's, '' in all parts where unknown. */
export function localitiesOf(
  priority: PriorityHosts,
  own: LocalityConfig | null,
): readonly LocalityHosts[] {
  const groups = new Groups();
  for (const host of priority.all) groups.add(host);
  for (const { endpoint } of priority.counted) groups.of(endpoint.locality).counted += 1;
  const ownKey = own === null ? null : localityKey(own);
  return groups.sorted(ownKey);
}

/** One text for each locality; in their order. */
export function localityKey({ region, zone, subZone }: LocalityConfig): string {
  return `${region}\0${zone}\0${subZone}`;
}

/** What a locality is worth with so many of its hosts usable; 0: it gets nothing. */
export function effectiveWeight(
  { counted }: LocalityHosts,
  locality: { readonly weight: number; readonly usable: number },
  overprovisioningPercent: number,
): number {
  if (counted === 0) return 0;
  const available = locality.usable / counted;
  return locality.weight * Math.min(1, (overprovisioningPercent / 100) * available);
}

class Groups {
  readonly #byKey = new Map<string, Group>();
  /** Endpoints that were written together share the object: it spares making keys. */
  readonly #byObject = new Map<LocalityConfig, Group>();

  of(locality: LocalityConfig): Group {
    const known = this.#byObject.get(locality);
    if (known !== undefined) return known;
    const key = localityKey(locality);
    let group = this.#byKey.get(key);
    if (group === undefined) {
      group = { locality, weight: 0, all: [], healthy: [], degraded: [], counted: 0 };
      this.#byKey.set(key, group);
    }
    this.#byObject.set(locality, group);
    return group;
  }

  add(host: Host): void {
    const group = this.of(host.endpoint.locality);
    group.weight = host.endpoint.localityWeight;
    group.all.push(host);
    const health = healthOf(host.healthFlags);
    if (health === 'healthy') group.healthy.push(host);
    else if (health === 'degraded') group.degraded.push(host);
  }

  sorted(ownKey: string | null): readonly Group[] {
    const entries = [...this.#byKey].sort(([left], [right]) => {
      if (left === ownKey) return -1;
      return right === ownKey || left > right ? 1 : -1;
    });
    return entries.map(([, group]) => group);
  }
}
