// What a load balancing policy is: something that picks from one list of hosts. Which list that is
// (priority, health, panic) is the same question for all policies: see PriorityBalancer.
import type { Random } from '../../base/random.ts';
import type { Hash64 } from '../../base/xx-hash.ts';
import type { LocalityConfig, PriorityRulesConfig } from '../../model/cluster.ts';
import type {
  HostPolicyConfig,
  LoadBalancerConfig,
  PickingConfig,
} from '../../model/load-balancing.ts';
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';
import type { Later } from './consistent/sliced-work.ts';
import type { LoadBalancerStats } from './load-balancer-stats.ts';
import type { LocalityHosts } from './localities.ts';

/** Picks a host of a cluster for a request; null: none is usable. Allocates nothing. */
export interface LoadBalancer {
  pick(context: LoadBalancerContext): Host | null;
}

/** One pick. A balancer uses one object for all its picks. */
export class PickRequest {
  /** Of the request where it has one, else drawn by chance. Policies that do not hash never look. */
  readonly hash: Hash64 = { high: 0, low: 0 };
  /** 0, then 1 and up when the host that was picked before is not wanted. */
  attempt = 0;
}

/** Picks from a fixed list that is not empty. Allocates nothing. */
export interface HostPicker {
  /** null only where it divides its list and a part is empty. */
  pick(request: PickRequest): Host | null;
}

/** Weights that change while hosts stay. */
export interface WeightsVersion {
  /** Another number than before: they have changed. */
  version(): number;
}

/** What policies use of their worker. */
export interface PickerServices {
  readonly random: Random;
  readonly stats: LoadBalancerStats;
  /** Monotonic ms. */
  nowMs(): number;
  /** Runs a task in a later turn of the event loop; absent: nothing can wait. */
  readonly later?: Later;
  /** Where weights come of load reports; absent: they do not. */
  readonly clientWeights?: WeightsVersion;
}

/** Where the proxy itself is, for zone-aware routing. */
export interface OwnPlace {
  /** null: the node has no locality. */
  readonly locality: LocalityConfig | null;
  /** There is a cluster_manager.local_cluster_name. */
  readonly isNamed: boolean;
  /** Hosts of that cluster now; null: it is not there (yet). */
  hosts(): HostSet | null;
}

/** What a balancer is made with. */
export interface BalancerOptions extends PickerServices {
  readonly config: LoadBalancerConfig;
  readonly priorities: PriorityRulesConfig;
  readonly own: OwnPlace;
  /** Weight of a locality with these hosts; absent: what its endpoints say, null: none has one. */
  readonly localityWeight?: ((hosts: LocalityHosts) => number) | null;
}

/** Options whose policy picks hosts. */
export type PickingOptions = BalancerOptions & { readonly config: PickingConfig };

/** One policy. */
export type HostPickerFactory<Config extends HostPolicyConfig = HostPolicyConfig> = (
  hosts: readonly Host[],
  config: Config,
  services: PickerServices,
) => HostPicker;
