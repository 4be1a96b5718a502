// The balancer that a configuration asks for: policies, and policies around them.
import type { HostSet } from '../host-set.ts';
import type { BalancerOptions, LoadBalancer } from './load-balancer.ts';
import { OverrideHostBalancer } from './override-host-balancer.ts';
import { PriorityBalancer } from './priority-balancer.ts';
import { SubsetBalancer } from './subset/subset-balancer.ts';

/** `previous`: what picked from the hosts before these; null: nobody did. */
export function makeBalancer(
  hostSet: HostSet,
  options: BalancerOptions,
  previous: LoadBalancer | null,
): LoadBalancer {
  const { config } = options;
  if (config.kind === 'override-host') {
    const before = previous instanceof OverrideHostBalancer ? previous.fallback : null;
    const fallback = makeBalancer(hostSet, { ...options, config: config.fallback }, before);
    return new OverrideHostBalancer(hostSet, config, fallback);
  }
  if (config.kind !== 'subset') {
    return new PriorityBalancer(hostSet, { ...options, config }, previous);
  }
  const inner = (hosts: HostSet, ofSubset: BalancerOptions): LoadBalancer =>
    makeBalancer(hosts, ofSubset, null);
  return new SubsetBalancer(hostSet, { ...options, config }, { inner, previous });
}
