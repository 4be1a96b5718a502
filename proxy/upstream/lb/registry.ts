// The load balancing policies: one line each.
import type {
  HashingConfig,
  HostPolicyConfig,
  LoadBalancerConfig,
} from '../../model/load-balancing.ts';
import type { Host } from '../host.ts';
import { clientWeighted } from './client-weights.ts';
import { leastRequest } from './least-request.ts';
import type { HostPicker, HostPickerFactory, PickerServices } from './load-balancer.ts';
import { randomHost } from './random.ts';
import { roundRobin } from './round-robin.ts';

type Kind = HostPolicyConfig['kind'];

const POLICIES: {
  readonly [K in Kind]: HostPickerFactory<Extract<HostPolicyConfig, { kind: K }>>;
} = {
  'round-robin': roundRobin,
  'least-request': leastRequest,
  random: randomHost,
  'client-side-weighted-round-robin': clientWeighted,
};

/** The picker of the configured policy for a list of hosts that is not empty. */
export function makeHostPicker(
  hosts: readonly Host[],
  config: HostPolicyConfig,
  services: PickerServices,
): HostPicker {
  // The key is the configuration's own kind, so the entry takes it.
  const factory = POLICIES[config.kind] as HostPickerFactory;
  return factory(hosts, config, services);
}

/** What the policy picks next has nothing to do with the request, nor with when it comes. */
export function isPredictable({ kind }: LoadBalancerConfig): boolean {
  return kind === 'round-robin' || kind === 'random';
}

/** The policy looks at the request's hash. */
export function isHashing(config: LoadBalancerConfig): config is HashingConfig {
  return config.kind === 'ring-hash' || config.kind === 'maglev';
}
