// The load balancing policies: one line each.
import type {
  ConsistentHashingConfig,
  HashingConfig,
  HostPolicyConfig,
  LoadBalancerConfig,
  MaglevConfig,
  RingHashConfig,
} from '../../model/load-balancing.ts';
import type { Host } from '../host.ts';
import { BoundedLoadPicker, type HashedPicker } from './consistent/bounded-load.ts';
import type { HashedHost } from './consistent/hashed-hosts.ts';
import { MaglevTable } from './consistent/maglev.ts';
import { HashRing } from './consistent/ring-hash.ts';
import { leastRequest } from './least-request.ts';
import type { HostPicker, HostPickerFactory, PickerServices } from './load-balancer.ts';
import type { LoadBalancerStats } from './load-balancer-stats.ts';
import { randomHost } from './random.ts';
import { roundRobin } from './round-robin.ts';

type Kind = HostPolicyConfig['kind'];

const POLICIES: {
  readonly [K in Kind]: HostPickerFactory<Extract<HostPolicyConfig, { kind: K }>>;
} = {
  'round-robin': roundRobin,
  'least-request': leastRequest,
  random: randomHost,
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

/** The policy looks at the request's hash. */
export function isHashing(config: LoadBalancerConfig): config is HashingConfig {
  return config.kind === 'ring-hash' || config.kind === 'maglev';
}

/** The same for policies that look at the request's hash; null without hosts. */
export function makeHashPicker(
  hosts: readonly HashedHost[],
  config: HashingConfig,
  services: PickerServices,
): HostPicker | null {
  if (hosts.length === 0) {
    // As in Envoy, the gauges are there all the same.
    if (config.kind === 'ring-hash') services.stats.ringGauges();
    else services.stats.tableGauges();
    return null;
  }
  const picker =
    config.kind === 'ring-hash'
      ? ring(hosts, config, services.stats)
      : table(hosts, config, services.stats);
  return bounded(picker, hosts, config.consistent);
}

function ring(
  hosts: readonly HashedHost[],
  config: RingHashConfig,
  stats: LoadBalancerStats,
): HashRing {
  const made = new HashRing(hosts, config);
  const gauges = stats.ringGauges();
  gauges.size.set(made.facts.size);
  gauges.minHashesPerHost.set(made.facts.minHashesPerHost);
  gauges.maxHashesPerHost.set(made.facts.maxHashesPerHost);
  return made;
}

function table(
  hosts: readonly HashedHost[],
  config: MaglevConfig,
  stats: LoadBalancerStats,
): MaglevTable {
  const made = new MaglevTable(hosts, config.tableSize);
  const gauges = stats.tableGauges();
  gauges.minEntriesPerHost.set(made.facts.minEntriesPerHost);
  gauges.maxEntriesPerHost.set(made.facts.maxEntriesPerHost);
  return made;
}

function bounded(
  picker: HashedPicker,
  hosts: readonly HashedHost[],
  { balanceFactorPercent }: ConsistentHashingConfig,
): HostPicker {
  if (balanceFactorPercent === 0) return picker;
  return new BoundedLoadPicker(picker, hosts, balanceFactorPercent);
}
