// What a load balancing policy is: something that picks from one list of hosts. Which list that is
// (priority, health, panic) is the same question for all policies: see PriorityBalancer.
import type { Random } from '../../base/random.ts';
import type { Hash64 } from '../../base/xx-hash.ts';
import type { LoadBalancerConfig } from '../../model/load-balancing.ts';
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';

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
  pick(request: PickRequest): Host;
}

/** What policies use of their worker. */
export interface PickerServices {
  readonly random: Random;
  /** Monotonic ms. */
  nowMs(): number;
}

/** One policy. */
export type HostPickerFactory<Config extends LoadBalancerConfig = LoadBalancerConfig> = (
  hosts: readonly Host[],
  config: Config,
  services: PickerServices,
) => HostPicker;
