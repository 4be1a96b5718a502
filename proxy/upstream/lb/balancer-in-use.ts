// The balancer of a cluster for its hosts as of now. Of ten thousand clusters few have a request
// before their hosts change again: a balancer that costs little is made for the first one.
import type { LoadBalancerConfig } from '../../model/load-balancing.ts';
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** Who has hosts to balance over. */
export interface BalancerMaker {
  /** A balancer for what there is now; `previous`: what picked before; null: nobody did. */
  makeBalancer(previous: LoadBalancer | null): LoadBalancer;
}

/** See the file's head. */
export class BalancerInUse implements LoadBalancer {
  readonly #maker: BalancerMaker;
  /** null: it is made for the next request. */
  #made: LoadBalancer | null = null;
  /** What `#made` goes on from: the last one that picked. */
  #previous: LoadBalancer | null = null;

  constructor(maker: BalancerMaker) {
    this.#maker = maker;
  }

  pick(context: LoadBalancerContext): Host | null {
    return this.current().pick(context);
  }

  current(): LoadBalancer {
    return this.#made ?? this.#make();
  }

  /** What it is made of has changed. `isAtOnce`: nobody is to wait for it. */
  renew(isAtOnce: boolean): void {
    this.#previous = this.#made ?? this.#previous;
    this.#made = null;
    if (isAtOnce) this.#make();
  }

  #make(): LoadBalancer {
    const made = this.#maker.makeBalancer(this.#previous);
    this.#previous = null;
    this.#made = made;
    return made;
  }
}

/**
 * Making it takes no time, and nobody sees that it was made. Rings, tables and subsets take their
 * time, and are counted, as is what zones come to.
 */
export function isMadeInNoTime({ kind }: LoadBalancerConfig, looksAtZones: boolean): boolean {
  return !looksAtZones && (kind === 'round-robin' || kind === 'least-request' || kind === 'random');
}
