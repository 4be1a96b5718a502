// Zone-aware routing: as much as possible of what this proxy sends stays in its own zone, so much
// that proxies of all zones together still use all hosts alike. Only for the first priority.
import { type Random, randomBelow } from '../../base/random.ts';
import type { HostPolicyConfig, LocalityRulesConfig } from '../../model/load-balancing.ts';
import type { Host } from '../host.ts';
import type { HostSet, PriorityHosts } from '../host-set.ts';
import type { HostPicker, OwnPlace, PickingOptions, PickRequest } from './load-balancer.ts';
import type { LoadBalancerStats } from './load-balancer-stats.ts';
import { type LocalityHosts, localitiesOf, localityKey } from './localities.ts';
import { isHashing, makeHostPicker } from './registry.ts';

/** Envoy counts shares of zones in hundredths of a percent. */
const WHOLE = 10_000;
const MIN_ZONES = 2;

type ZoneRules = Extract<LocalityRulesConfig, { readonly kind: 'zone-aware' }>;

/** How requests are spread over zones. */
interface Plan {
  /** Share of the own zone, of WHOLE. */
  readonly localShare: number;
  /** Upper bounds of what each zone can take besides; the last is the sum. */
  readonly residual: readonly number[];
}

/** See the file's head. */
export class ZoneRouting {
  readonly #options: PickingOptions;
  readonly #config: HostPolicyConfig;
  readonly #rules: ZoneRules;
  readonly #zones: readonly LocalityHosts[];
  readonly #healthyHosts: number;
  /** The own cluster's hosts that the plan was made for. */
  #ownHosts: HostSet | null = null;
  #ownPanics = false;
  /** null: zones do not matter. */
  #plan: Plan | null = null;

  /** null: there is nothing to be aware of. */
  static of(priority: PriorityHosts, options: PickingOptions): ZoneRouting | null {
    const { config, own } = options;
    if (isHashing(config) || config.locality.kind !== 'zone-aware') return null;
    // The own cluster may come later than this one.
    if (!own.isNamed) return null;
    return new ZoneRouting(priority, { options, config, rules: config.locality });
  }

  private constructor(
    priority: PriorityHosts,
    parts: {
      readonly options: PickingOptions;
      readonly config: HostPolicyConfig;
      readonly rules: ZoneRules;
    },
  ) {
    this.#options = parts.options;
    this.#config = parts.config;
    this.#rules = parts.rules;
    this.#zones = localitiesOf(priority, this.own.locality);
    this.#healthyHosts = priority.healthy.length;
    this.#follow();
  }

  get stats(): LoadBalancerStats {
    return this.#options.stats;
  }

  get random(): Random {
    return this.#options.random;
  }

  get own(): OwnPlace {
    return this.#options.own;
  }

  /** Picks by zone where that is called for, else from all with `plain`. */
  around(plain: HostPicker, kind: 'healthy' | 'degraded'): HostPicker {
    const pickers = this.#zones.map((zone) =>
      zone[kind].length === 0 ? null : makeHostPicker(zone[kind], this.#config, this.#options),
    );
    return new ZonePicker(this, plain, pickers);
  }

  /** Index of the zone for the next request; -1: any host will do, -2: none. */
  next(): number {
    if (this.own.hosts() !== this.#ownHosts) this.#follow();
    const plan = this.#plan;
    if (plan === null) return -1;
    const { routingEnabledPercent, failsOnPanic } = this.#rules;
    if (this.random.next() * 100 >= routingEnabledPercent) return -1;
    if (this.#ownPanics) {
      this.stats.localClusterNotOk.inc();
      return failsOnPanic ? -2 : -1;
    }
    return this.#draw(plan);
  }

  #draw({ localShare, residual }: Plan): number {
    if (localShare === WHOLE && residual.length === 0) {
      this.stats.zoneRoutingAllDirectly.inc();
      return 0;
    }
    if (randomBelow(this.random, WHOLE) < localShare) {
      this.stats.zoneRoutingSampled.inc();
      return 0;
    }
    this.stats.zoneRoutingCrossZone.inc();
    const capacity = residual.at(-1) ?? 0;
    if (capacity === 0) {
      this.stats.zoneNoCapacityLeft.inc();
      return randomBelow(this.random, residual.length);
    }
    const point = randomBelow(this.random, capacity);
    return residual.findIndex((bound) => point < bound);
  }

  /** The proxy's own cluster has other hosts than before. */
  #follow(): void {
    this.#ownHosts = this.own.hosts();
    const priority = this.#ownHosts?.priorities[0] ?? null;
    if (priority === null) return;
    this.stats.recalculateZoneStructures.inc();
    const { panicThresholdPercent } = this.#options.priorities;
    const { counted, healthy, degraded } = priority;
    const usable = healthy.length + degraded.length;
    const usablePercent = counted.length === 0 ? 0 : (100 * usable) / counted.length;
    this.#ownPanics = usablePercent < panicThresholdPercent;
    this.#plan = this.#makePlan(priority);
  }

  #makePlan(own: PriorityHosts): Plan | null {
    if (this.#zones.length < MIN_ZONES) return null;
    if (own.all.length === 0) {
      this.stats.localClusterNotOk.inc();
      return null;
    }
    if (this.#healthyHosts < this.#rules.minClusterSize) {
      this.stats.zoneClusterTooSmall.inc();
      return null;
    }
    const shares = this.#shares(own);
    const isLocal = this.#hasOwnZone();
    const local = shares[0] as ZoneShare;
    if (isLocal && this.#staysLocal(local)) return { localShare: WHOLE, residual: [] };
    const localShare =
      isLocal && local.ofProxies > 0 ? Math.floor((local.ofHosts * WHOLE) / local.ofProxies) : 0;
    let capacity = 0;
    const residual = shares.map(({ ofHosts, ofProxies }, index) => {
      if (index > 0 || !isLocal) capacity += Math.max(0, ofHosts - ofProxies);
      return capacity;
    });
    return { localShare, residual };
  }

  #staysLocal({ ofHosts, ofProxies }: ZoneShare): boolean {
    const { forcedLocalMinSize } = this.#rules;
    if (ofHosts > 0 && ofHosts >= ofProxies) return true;
    const healthy = this.#zones[0]?.healthy.length ?? 0;
    return forcedLocalMinSize !== null && healthy >= forcedLocalMinSize;
  }

  #hasOwnZone(): boolean {
    const { locality } = this.own;
    const first = this.#zones[0];
    if (locality === null || first === undefined) return false;
    return localityKey(first.locality) === localityKey(locality);
  }

  /** Of each zone of the upstream. */
  #shares(own: PriorityHosts): readonly ZoneShare[] {
    const size = this.#rules.basis === 'weight' ? weightOf : countOf;
    const proxies = localitiesOf(own, this.own.locality).map(({ locality, healthy }) => ({
      key: localityKey(locality),
      size: size(healthy),
    }));
    const allProxies = proxies.reduce((sum, each) => sum + each.size, 0);
    const sizes = this.#zones.map(({ healthy }) => size(healthy));
    const allHosts = sizes.reduce((sum, each) => sum + each, 0);
    return this.#zones.map(({ locality }, index) => {
      const hosts = sizes[index] ?? 0;
      const key = localityKey(locality);
      const there = proxies.find((each) => each.key === key)?.size ?? 0;
      if (hosts === 0) return { ofHosts: 0, ofProxies: 0 };
      return { ofHosts: shareOf(hosts, allHosts), ofProxies: shareOf(there, allProxies) };
    });
  }
}

/** What a zone has of all upstream hosts and of all proxies, of WHOLE. */
interface ZoneShare {
  readonly ofHosts: number;
  readonly ofProxies: number;
}

class ZonePicker implements HostPicker {
  readonly #routing: ZoneRouting;
  readonly #plain: HostPicker;
  readonly #pickers: readonly (HostPicker | null)[];

  constructor(routing: ZoneRouting, plain: HostPicker, pickers: readonly (HostPicker | null)[]) {
    this.#routing = routing;
    this.#plain = plain;
    this.#pickers = pickers;
  }

  pick(request: PickRequest): Host | null {
    const zone = this.#routing.next();
    if (zone === -1) return this.#plain.pick(request);
    return this.#pickers[zone]?.pick(request) ?? null;
  }
}

function shareOf(part: number, all: number): number {
  return all === 0 ? 0 : Math.floor((WHOLE * part) / all);
}

function countOf(hosts: readonly Host[]): number {
  return hosts.length;
}

function weightOf(hosts: readonly Host[]): number {
  return hosts.reduce((sum, { weight }) => sum + weight, 0);
}
