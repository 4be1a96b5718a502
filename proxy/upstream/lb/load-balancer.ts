// What a load balancing policy is: something that picks from one list of hosts. Which list that is
// (priority, health, panic) is the same question for all policies: see PriorityBalancer.
import type { Random } from '../../base/random.ts';
import type { LoadBalancerConfig } from '../../model/cluster.ts';
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';

/** Picks a host of a cluster for a request; null: none is usable. Allocates nothing. */
export interface LoadBalancer {
  pick(context: LoadBalancerContext): Host | null;
}

/** Picks from a fixed list that is not empty. Allocates nothing. */
export interface HostPicker {
  pick(context: LoadBalancerContext): Host;
}

/** One policy. */
export type HostPickerFactory<Config extends LoadBalancerConfig = LoadBalancerConfig> = (
  hosts: readonly Host[],
  config: Config,
  random: Random,
) => HostPicker;
