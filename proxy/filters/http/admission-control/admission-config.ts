// What envoy.filters.http.admission_control was configured with.
import type { Live } from '../../../model/runtime.ts';

/** extensions.filters.http.admission_control.v3.AdmissionControl, complete. */
export interface AdmissionConfig {
  readonly enabled: Live<boolean>;
  /** Whole seconds in ms; 0: nothing is remembered. */
  readonly samplingWindowMs: number;
  readonly rates: Live<AdmissionRates>;
  readonly isHttpSuccess: (status: number) => boolean;
  /** By status; those that are not among them are failures. */
  readonly grpcSuccesses: ReadonlySet<number>;
}

/** What decides how many requests are turned away, as the runtime has it now. */
export interface AdmissionRates {
  /** At least 1. */
  readonly aggression: number;
  /** 0 to 1: the share of successes below which requests are turned away. */
  readonly successThreshold: number;
  /** Requests a second; below it nobody is turned away. */
  readonly rpsThreshold: number;
  /** 0 to 1. */
  readonly maxRejectionProbability: number;
}
