// The router's own configuration, compiled.

/** extensions.filters.http.router.v3.Router */
export interface RouterConfig {
  /** Own `x-envoy-*` fields are left out. */
  readonly suppressEnvoyHeaders: boolean;
  /** An `x-envoy-expected-rq-timeout-ms` from a trusted client is the timeout. */
  readonly respectExpectedRequestTimeout: boolean;
  /** Per-cluster counters by status code. */
  readonly dynamicStats: boolean;
}
