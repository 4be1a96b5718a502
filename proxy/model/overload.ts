// What an overload manager watches and does.

/** config.overload.v3.OverloadManager, without the limit of connections. */
export interface OverloadConfig {
  readonly refreshIntervalMs: number;
  /** envoy.resource_monitors.fixed_heap: of all workers together; null: not watched. */
  readonly maxHeapBytes: number | null;
  readonly actions: readonly OverloadActionConfig[];
}

/** config.overload.v3.OverloadAction */
export interface OverloadActionConfig {
  readonly name: OverloadActionName;
  /** The one that asks for most decides. */
  readonly triggers: readonly OverloadTriggerConfig[];
}

/** Actions that are done; Envoy's names without their common beginning. */
export type OverloadActionName =
  | 'stop_accepting_requests'
  | 'disable_http_keepalive'
  | 'stop_accepting_connections'
  | 'reject_incoming_connections';

/** From `from` on the action begins, at `to` it is done in full: the same for a threshold. */
export interface OverloadTriggerConfig {
  /** What is watched: the monitor's name. */
  readonly resource: string;
  /** 0 to 1. */
  readonly from: number;
  readonly to: number;
}
