// What an overload manager watches and does.

/** config.overload.v3.OverloadManager, without the limit of connections. */
export interface OverloadConfig {
  readonly refreshIntervalMs: number;
  readonly monitors: readonly MonitorConfig[];
  readonly actions: readonly OverloadActionConfig[];
  readonly shedPoints: readonly ShedPointConfig[];
  /** What reduce_timeouts makes shorter. */
  readonly timers: readonly ScaledTimerConfig[];
}

/** A resource monitor; `name` is what triggers and statistics call it. */
export type MonitorConfig =
  /** envoy.resource_monitors.fixed_heap: of all workers together. */
  | { readonly name: string; readonly kind: 'heap'; readonly maxBytes: number }
  /** envoy.resource_monitors.cgroup_memory; null: of what the container may have. */
  | { readonly name: string; readonly kind: 'cgroup'; readonly maxBytes: number | null }
  /** envoy.resource_monitors.cpu_utilization: of the host's or the container's processors. */
  | { readonly name: string; readonly kind: 'cpu'; readonly isContainer: boolean }
  /** envoy.resource_monitors.injected_resource: a number in a file. */
  | { readonly name: string; readonly kind: 'injected'; readonly path: string };

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
  | 'reject_incoming_connections'
  | 'reduce_timeouts';

/** config.overload.v3.LoadShedPoint */
export interface ShedPointConfig {
  readonly name: ShedPointName;
  readonly triggers: readonly OverloadTriggerConfig[];
}

/** Points that are honoured; Envoy's names without their common beginning. */
export type ShedPointName = 'tcp_listener_accept' | 'http_connection_manager_decode_headers';

/** From `from` on the action begins, at `to` it is done in full: the same for a threshold. */
export interface OverloadTriggerConfig {
  /** What is watched: the monitor's name. */
  readonly resource: string;
  /** 0 to 1. */
  readonly from: number;
  readonly to: number;
}

/** Timeouts that may be made shorter. */
export type ScaledTimer = 'connection-idle' | 'stream-idle';

/** ScaleTimersOverloadActionConfig.ScaleTimer: what is left of a timeout in the worst case. */
export interface ScaledTimerConfig {
  readonly timer: ScaledTimer;
  /** null: `minShare` says it. */
  readonly minMs: number | null;
  /** 0 to 1, of the configured timeout. */
  readonly minShare: number;
}
