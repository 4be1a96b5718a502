// The statistics of a cluster that may never have a request: shown with 0, and made when somebody
// counts.

import type { CellShape, DeclaredCells, StatsScope } from '../stats/metrics.ts';
import { shapeOf } from '../stats/shape.ts';
import { declareBreakerGauges } from './circuit-breakers.ts';
import { ClusterStats } from './cluster-stats.ts';
import { LoadBalancerStats } from './lb/load-balancer-stats.ts';

let shape: CellShape | null = null;

/** The same for all clusters. */
function clusterShape(): CellShape {
  shape ??= shapeOf((scope) => {
    new ClusterStats(scope);
    new LoadBalancerStats(scope).make();
    declareBreakerGauges(scope);
  });
  return shape;
}

/** Of one cluster. */
export class LazyClusterStats {
  readonly #scope: StatsScope;
  readonly #declared: DeclaredCells;
  #made: ClusterStats | null = null;

  /** `scope` is `cluster.<observability name>.` */
  constructor(scope: StatsScope) {
    this.#scope = scope;
    this.#declared = scope.declare(clusterShape());
  }

  /** For whoever counts. */
  get(): ClusterStats {
    return this.#made ?? this.#make();
  }

  /** null: nobody has counted yet. */
  peek(): ClusterStats | null {
    return this.#made;
  }

  #make(): ClusterStats {
    this.#declared.make();
    this.#made = new ClusterStats(this.#scope);
    return this.#made;
  }
}
