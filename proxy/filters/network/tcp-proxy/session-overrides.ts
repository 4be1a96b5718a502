// What filters in front of a TCP proxy decide about one connection, by Envoy's filter state keys.

/** Key of the cluster that a session goes to. */
export const CLUSTER_STATE = 'envoy.tcp_proxy.cluster';
/** Key of a session's idle timeout in ms. */
export const IDLE_TIMEOUT_STATE = 'envoy.tcp_proxy.per_connection_idle_timeout_ms';

type FilterState = ReadonlyMap<string, unknown> | null;

/** The cluster; null: as configured. */
export function clusterOverride(state: FilterState): string | null {
  const value = state?.get(CLUSTER_STATE);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The idle timeout, 0 for none; null: as configured. */
export function idleTimeoutOverride(state: FilterState): number | null {
  const value = state?.get(IDLE_TIMEOUT_STATE);
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
