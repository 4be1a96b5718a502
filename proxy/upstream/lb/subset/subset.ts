// Hosts with the same metadata, and what picks from them: made when the first request asks for them.
import type { LoadBalancerContext } from '../../cluster-manager.ts';
import type { Host } from '../../host.ts';
import type { LoadBalancer } from '../load-balancer.ts';

/** Makes the balancer of a subset's hosts. */
export type BalancerOfHosts = (hosts: readonly Host[]) => LoadBalancer;

/** See the file's head. */
export class Subset implements LoadBalancer {
  readonly hosts: Host[] = [];
  readonly #make: BalancerOfHosts;
  #balancer: LoadBalancer | null = null;

  constructor(make: BalancerOfHosts) {
    this.#make = make;
  }

  pick(context: LoadBalancerContext): Host | null {
    this.#balancer ??= this.#make(this.hosts);
    return this.#balancer.pick(context);
  }
}

/** A subset of which one host is used, well or not: the first of its first priority. */
export function onlyHost(hosts: readonly Host[]): LoadBalancer {
  let only: Host | null = null;
  for (const host of hosts) {
    if (only === null || host.endpoint.priority < only.endpoint.priority) only = host;
  }
  return { pick: () => only };
}
