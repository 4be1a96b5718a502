// The load balancing policies: one line each.
import type { Random } from '../../base/random.ts';
import type { LoadBalancerConfig } from '../../model/cluster.ts';
import type { Host } from '../host.ts';
import { leastRequest } from './least-request.ts';
import type { HostPicker, HostPickerFactory } from './load-balancer.ts';
import { randomHost } from './random.ts';
import { roundRobin } from './round-robin.ts';

type Kind = LoadBalancerConfig['kind'];

const POLICIES: {
  readonly [K in Kind]: HostPickerFactory<Extract<LoadBalancerConfig, { kind: K }>>;
} = {
  'round-robin': roundRobin,
  'least-request': leastRequest,
  random: randomHost,
};

/** The picker of the configured policy for a list of hosts that is not empty. */
export function makeHostPicker(
  hosts: readonly Host[],
  config: LoadBalancerConfig,
  random: Random,
): HostPicker {
  // The key is the configuration's own kind, so the entry takes it.
  const factory = POLICIES[config.kind] as HostPickerFactory;
  return factory(hosts, config, random);
}
