// The load balancing policies: one line each.
import type {
  ConsistentHashingConfig,
  LoadBalancerConfig,
  MaglevConfig,
  RingHashConfig,
} from '../../model/load-balancing.ts';
import type { Host } from '../host.ts';
import { BoundedLoadPicker } from './consistent/bounded-load.ts';
import { type HashedHost, hashedHosts } from './consistent/hashed-hosts.ts';
import { MaglevTable } from './consistent/maglev.ts';
import { HashRing } from './consistent/ring-hash.ts';
import { leastRequest } from './least-request.ts';
import type { HostPicker, HostPickerFactory, PickerServices } from './load-balancer.ts';
import { randomHost } from './random.ts';
import { roundRobin } from './round-robin.ts';

type Kind = LoadBalancerConfig['kind'];

const POLICIES: {
  readonly [K in Kind]: HostPickerFactory<Extract<LoadBalancerConfig, { kind: K }>>;
} = {
  'round-robin': roundRobin,
  'least-request': leastRequest,
  random: randomHost,
  'ring-hash': ringHash,
  maglev,
};

/** The picker of the configured policy for a list of hosts that is not empty. */
export function makeHostPicker(
  hosts: readonly Host[],
  config: LoadBalancerConfig,
  services: PickerServices,
): HostPicker {
  // The key is the configuration's own kind, so the entry takes it.
  const factory = POLICIES[config.kind] as HostPickerFactory;
  return factory(hosts, config, services);
}

/** The policy looks at the request's hash. */
export function isHashing({ kind }: LoadBalancerConfig): boolean {
  return kind === 'ring-hash' || kind === 'maglev';
}

function ringHash(hosts: readonly Host[], config: RingHashConfig): HostPicker {
  const hashed = hashedHosts(hosts, config.consistent);
  return bounded(new HashRing(hashed, config), hashed, config.consistent);
}

function maglev(hosts: readonly Host[], config: MaglevConfig): HostPicker {
  const hashed = hashedHosts(hosts, config.consistent);
  return bounded(new MaglevTable(hashed, config.tableSize), hashed, config.consistent);
}

function bounded(
  picker: HostPicker,
  hosts: readonly HashedHost[],
  { balanceFactorPercent }: ConsistentHashingConfig,
): HostPicker {
  if (balanceFactorPercent === 0) return picker;
  return new BoundedLoadPicker(picker, hosts, balanceFactorPercent);
}
