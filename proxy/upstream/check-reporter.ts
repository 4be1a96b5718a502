// What a worker tells the primary's health checks about one cluster: that it is used, and which
// hosts said in ordinary responses that they fail their checks.
import { HEALTH_FLAG } from './host-health.ts';

/** Who takes it to the primary. */
export interface HealthReports {
  /** The cluster had its first upstream connection in this worker. */
  onClusterTraffic(cluster: string): void;
  /** A response of the host (`ip:port`) said x-envoy-immediate-health-check-fail. */
  onImmediateFailure(cluster: string, address: string): void;
}

/** The host that said so. */
export interface FailingHost {
  readonly address: { readonly text: string };
  readonly healthFlags: number;
}

/** One per cluster with health checks, shared by its hosts. */
export class CheckReporter {
  readonly #cluster: string;
  readonly #reports: HealthReports;
  #hasTraffic = false;

  constructor(cluster: string, reports: HealthReports) {
    this.#cluster = cluster;
    this.#reports = reports;
  }

  /** A connection to one of its hosts begins. */
  onConnection(): void {
    if (this.#hasTraffic) return;
    this.#hasTraffic = true;
    this.#reports.onClusterTraffic(this.#cluster);
  }

  /** A response said so; one that is known to fail is not told again. */
  onImmediateFailure({ address, healthFlags }: FailingHost): void {
    if ((healthFlags & HEALTH_FLAG.failedActiveCheck) !== 0) return;
    this.#reports.onImmediateFailure(this.#cluster, address.text);
  }
}
