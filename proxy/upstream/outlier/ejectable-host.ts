// One host under outlier detection: ejected or not, degraded or not, and how often.
import { HEALTH_FLAG } from '../host-health.ts';
import type { HostCounts, Origin } from './host-counts.ts';
import { Penalty } from './penalty.ts';

/** As long as it is a member of its cluster. */
export class EjectableHost {
  /** `ip:port` */
  readonly address: string;
  readonly counts: HostCounts;
  readonly ejection = new Penalty();
  /** It said itself that it is degraded. */
  readonly degradation = new Penalty();
  /** How often it was ejected since it was created. */
  ejections = 0;
  /** Last success rates in percent, -1: too few requests to tell. */
  readonly rates: Record<Origin, number> = { external: -1, local: -1 };

  constructor(address: string, counts: HostCounts) {
    this.address = address;
    this.counts = counts;
  }

  get isEjected(): boolean {
    return this.ejection.isActive;
  }

  /** Its reasons of HEALTH_FLAG. */
  flags(): number {
    return (
      (this.ejection.isActive ? HEALTH_FLAG.failedOutlierCheck : 0) |
      (this.degradation.isActive ? HEALTH_FLAG.degradedOutlierDetection : 0)
    );
  }
}
