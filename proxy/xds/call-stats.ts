// What Envoy counts of the calls to a server that is named by its address: `grpc.<stat_prefix>.*`.
import type { Counter, StatsScope } from '../stats/metrics.ts';

/** The last of google.rpc.Code: UNAUTHENTICATED. */
const MAX_STATUS = 16;

/** One per stat_prefix. */
export class CallStats {
  readonly #total: Counter;
  /** By status. */
  readonly #closed: readonly Counter[];

  /** `root`: the root scope. */
  constructor(root: StatsScope, statPrefix: string) {
    const scope = root.scope('grpc').scope(statPrefix);
    this.#total = scope.counter('streams_total');
    const codes = Array.from({ length: MAX_STATUS + 1 }, (_, code) => code);
    this.#closed = codes.map((code) => scope.counter(`streams_closed_${code}`));
  }

  onBegin(): void {
    this.#total.inc();
  }

  onEnd(code: number): void {
    this.#closed[code]?.inc();
  }
}
