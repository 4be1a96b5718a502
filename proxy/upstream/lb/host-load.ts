// What a host weighs by its own reports: requests per second by how busy they keep it (Envoy
// client_side_weighted_round_robin).
import type { HeaderList } from '../../http/header-list.ts';
import type { ClientWeightsConfig } from '../../model/load-balancing.ts';
import { type LoadMetrics, readLoadReport } from './load-report.ts';

const MAX_WEIGHT = 2 ** 32 - 1;

/** Of one host, in one worker. */
export class HostLoad {
  readonly #config: ClientWeightsConfig;
  readonly #nowMs: () => number;
  /** By the last report; 0: there was none yet. */
  #reported = 0;
  /** Since when it has reported; null: it does not. */
  #sinceMs: number | null = null;
  #lastMs = 0;
  /** What it weighs for its balancer; null: what its endpoint says. */
  weight: number | null = null;

  constructor(config: ClientWeightsConfig, nowMs: () => number) {
    this.#config = config;
    this.#nowMs = nowMs;
  }

  /** Reads the report in a head or trailers; true: there was one. */
  onFields(headers: HeaderList): boolean {
    const metrics = readLoadReport(headers);
    if (metrics === null) return false;
    const weight = weightBy(metrics, this.#config);
    if (weight !== null) this.#take(weight, this.#nowMs());
    return true;
  }

  /** null: it has not reported for long enough, or not any more. */
  weightAt(nowMs: number): number | null {
    if (this.#sinceMs === null || nowMs - this.#sinceMs < this.#config.blackoutMs) return null;
    if (nowMs - this.#lastMs <= this.#config.expirationMs) return this.#reported;
    this.#sinceMs = null;
    return null;
  }

  #take(weight: number, nowMs: number): void {
    this.#reported = weight;
    this.#sinceMs ??= nowMs;
    this.#lastMs = nowMs;
  }
}

/** A whole number; null: the report says nothing of the load. */
export function weightBy(metrics: LoadMetrics, config: ClientWeightsConfig): number | null {
  const requests = metrics.get('rps_fractional') ?? 0;
  if (!(requests > 0)) return null;
  const errors = (config.errorPenalty * (metrics.get('eps') ?? 0)) / requests;
  const utilization = utilizationOf(metrics, config.metricNames) + errors;
  if (!(utilization > 0)) return null;
  return Math.min(MAX_WEIGHT, Math.floor(requests / utilization));
}

/** The application's own word, else the worst of the metrics that are asked for, else the CPU's. */
function utilizationOf(metrics: LoadMetrics, names: readonly string[]): number {
  const own = metrics.get('application_utilization') ?? 0;
  if (own > 0) return own;
  const worst = names.reduce((most, name) => Math.max(most, worstOf(metrics, name)), 0);
  return worst > 0 ? worst : (metrics.get('cpu_utilization') ?? 0);
}

/** `named_metrics.*` means all of them. */
function worstOf(metrics: LoadMetrics, name: string): number {
  if (!name.endsWith('.*')) return metrics.get(name) ?? 0;
  const prefix = name.slice(0, -1);
  let most = 0;
  for (const [each, value] of metrics) if (each.startsWith(prefix)) most = Math.max(most, value);
  return most;
}
