// `upstream_rq_<code>`, `upstream_rq_<class>`, `upstream_rq_completed` and `upstream_rq_time` under one
// prefix: of a cluster, a virtual cluster or a route. As in Envoy, each appears with its first use.
import type { Counter, Histogram, StatsScope } from './metrics.ts';

const FIRST_STATUS = 100;
const LAST_STATUS = 599;

/** The cells of one status. */
interface StatusCells {
  readonly code: Counter;
  /** null for a status of no class. */
  readonly codeClass: Counter | null;
  readonly completed: Counter;
}

/** See the file's head; the cells are looked up once per status. */
export class ResponseStats {
  readonly #scope: StatsScope;
  readonly #prefix: string;
  readonly #byStatus: (StatusCells | null)[] = [];
  /** Of those beyond 599, and below 100. */
  #unknown: StatusCells | null = null;
  #time: Histogram | null = null;

  /** `prefix` stands in front of every name: '' or dotted, with its final dot. */
  constructor(scope: StatsScope, prefix: string) {
    this.#scope = scope;
    this.#prefix = prefix;
  }

  /** Counts one response, informational ones included. */
  charge(status: number): void {
    const cells = this.#byStatus[status - FIRST_STATUS] ?? this.#cells(status);
    cells.code.inc();
    if (cells.codeClass !== null) cells.codeClass.inc();
    cells.completed.inc();
  }

  /** Records how long the upstream took from the request's end to the response's, in ms. */
  recordTime(ms: number): void {
    this.#time ??= this.#scope.histogram(`${this.#prefix}upstream_rq_time`, 'ms');
    this.#time.record(ms);
  }

  #cells(status: number): StatusCells {
    if (status < FIRST_STATUS || status > LAST_STATUS) {
      this.#unknown ??= this.#makeCells('unknown', null);
      return this.#unknown;
    }
    const index = status - FIRST_STATUS;
    while (this.#byStatus.length <= index) this.#byStatus.push(null);
    const made = this.#makeCells(String(status), `${Math.floor(status / FIRST_STATUS)}xx`);
    this.#byStatus[index] = made;
    return made;
  }

  #makeCells(code: string, codeClass: string | null): StatusCells {
    const counter = (name: string): Counter =>
      this.#scope.counter(`${this.#prefix}upstream_rq_${name}`);
    return {
      code: counter(code),
      codeClass: codeClass === null ? null : counter(codeClass),
      completed: counter('completed'),
    };
  }
}
