// Counters that are shown for each of many and that few of those ever count in: below a scope they
// are only declared until the first of them counts.
import type { CellShape, DeclaredCells, StatsScope } from './metrics.ts';

/** Of one scope. */
export class RareCounters<N extends string> {
  readonly #scope: StatsScope;
  readonly #declared: DeclaredCells;

  /** `shape` is the same for all scopes that have the same counters, see `rareShape`. */
  constructor(scope: StatsScope, shape: CellShape) {
    this.#scope = scope;
    this.#declared = scope.declare(shape);
  }

  /** Finds its cell by name: not for what counts often. */
  inc(name: N): void {
    this.#declared.make();
    this.#scope.counter(name).inc();
  }
}

/** The shape of these counters. */
export function rareShape(...counters: readonly string[]): CellShape {
  return { counters, gauges: [], histograms: [] };
}
