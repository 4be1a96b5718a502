// A balancer that can say which hosts it will give next: what it was asked to look ahead for is
// picked at once and kept, in order, for the requests that come. Only for policies whose picks have
// nothing to do with the request or the moment.
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** See the file's head. Bounded: it looks ahead by as many hosts as it is told. */
export class LookaheadBalancer implements LoadBalancer {
  readonly #inner: LoadBalancer;
  readonly #most: number;
  readonly #next: Host[] = [];

  constructor(inner: LoadBalancer, most: number) {
    this.#inner = inner;
    this.#most = most;
  }

  pick(context: LoadBalancerContext): Host | null {
    if (this.#next.length === 0 || isParticular(context)) return this.#inner.pick(context);
    return this.#next.shift() ?? null;
  }

  /** A host that a later `pick` gives; null: none, or as many as it may are known already. */
  peek(context: LoadBalancerContext): Host | null {
    if (this.#next.length >= this.#most || isParticular(context)) return null;
    const host = this.#inner.pick(context);
    if (host !== null) this.#next.push(host);
    return host;
  }
}

/** The request has wishes: what was picked for others is not for it. */
function isParticular(context: LoadBalancerContext): boolean {
  const { hostSelectionAttempts = 0, triedHosts = null, chosenPriority = null } = context;
  return hostSelectionAttempts > 0 || (triedHosts?.length ?? 0) > 0 || chosenPriority !== null;
}
