// Who hears how requests to a host went: outlier detection. Whoever learns an outcome tells it, once
// for each attempt; a host that nobody watches has no monitor.

/** What the proxy itself saw of an attempt, before or without a response. */
export type LocalOriginEvent =
  | 'connect-succeeded'
  /** Connected, and nothing else will be known of it: plain TCP. */
  | 'session-began'
  | 'connect-failed'
  /** The stream was reset, before its response or inside it. */
  | 'reset'
  /** The response did not come in time. */
  | 'timed-out';

/** Envoy Upstream::Outlier::DetectorHostMonitor. */
export interface HostMonitor {
  /** Whether it wants to hear of `onDegradedResponse` (detect_degraded_hosts). */
  readonly detectsDegraded: boolean;
  /** A response; `status` is HTTP's, of gRPC calls that ended with their head the mapped one. */
  onResponse(status: number): void;
  /** The response says `x-envoy-degraded`. */
  onDegradedResponse(): void;
  onLocalOrigin(event: LocalOriginEvent): void;
}
