// Load reports (ORCA) of a host's responses, summed for whom load is reported to: the metrics of
// cluster.v3.Cluster.lrs_report_endpoint_metrics.
import type { HeaderList } from '../http/header-list.ts';
import { LOAD_METRIC_NAMES, readLoadReport } from './lb/load-report.ts';

/** A metric of lrs_report_endpoint_metrics. */
export interface MetricLoad {
  readonly name: string;
  readonly count: number;
  readonly total: number;
}

/** A host may invent names; further ones are not told apart. */
const MAX_METRICS = 100;

/** Of one host, in one worker. */
export class ReportedMetrics {
  readonly #scalars: readonly string[];
  readonly #names: ReadonlySet<string>;
  /** `named_metrics.` of `named_metrics.*` */
  readonly #prefixes: readonly string[];
  #sums = new Map<string, { count: number; total: number }>();

  constructor(names: readonly string[]) {
    this.#scalars = names.filter((name) => LOAD_METRIC_NAMES.has(name));
    this.#names = new Set(names.filter((name) => !LOAD_METRIC_NAMES.has(name)));
    this.#prefixes = names.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -1));
  }

  /** Adds the report in a head or trailers; true: there was one. */
  onFields(headers: HeaderList): boolean {
    const metrics = readLoadReport(headers);
    if (metrics === null) return false;
    for (const name of this.#scalars) this.#add(name, metrics.get(name) ?? 0);
    for (const [name, value] of metrics) if (this.#isWanted(name)) this.#add(name, value);
    return true;
  }

  /** Everything since the last time. */
  take(): readonly MetricLoad[] {
    if (this.#sums.size === 0) return NO_METRICS;
    const sums = this.#sums;
    this.#sums = new Map();
    return [...sums].map(([name, { count, total }]) => ({ name, count, total }));
  }

  #isWanted(name: string): boolean {
    return this.#names.has(name) || this.#prefixes.some((prefix) => name.startsWith(prefix));
  }

  #add(name: string, value: number): void {
    const sum = this.#sums.get(name);
    if (sum !== undefined) {
      sum.count += 1;
      sum.total += value;
    } else if (this.#sums.size < MAX_METRICS) {
      this.#sums.set(name, { count: 1, total: value });
    }
  }
}

const NO_METRICS: readonly MetricLoad[] = Object.freeze([]);
