// config.overload.v3.OverloadManager: what is watched, and what follows.
import type { Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import {
  type LoadShedPoint,
  type OverloadAction,
  type ScaleTimersOverloadActionConfig,
  ScaleTimersOverloadActionConfigSchema,
  ScaleTimersOverloadActionConfig_TimerType as TimerType,
  type Trigger,
} from '../../api/gen/envoy/config/overload/v3/overload_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  OverloadActionConfig,
  OverloadActionName,
  OverloadConfig,
  OverloadTriggerConfig,
  ScaledTimer,
  ScaledTimerConfig,
  ShedPointConfig,
  ShedPointName,
} from '../../model/overload.ts';
import { typeIn } from '../schema/open-any.ts';
import { compileEach } from './compile-each.ts';
import { unpack } from './extension-lookup.ts';
import { durationMs } from './field-values.ts';
import { compileMonitors } from './resource-monitors.ts';

/** Envoy OverloadManager.refresh_interval. */
const DEFAULT_REFRESH_MS = 1000;
const PERCENT = 100;
const PREFIX = 'envoy.overload_actions.';
const POINTS_PREFIX = 'envoy.load_shed_points.';
const DONE: ReadonlySet<string> = new Set<OverloadActionName>([
  'stop_accepting_requests',
  'disable_http_keepalive',
  'stop_accepting_connections',
  'reject_incoming_connections',
  'reduce_timeouts',
]);
const NOT_DONE: Readonly<Record<string, string>> = {
  reset_high_memory_stream:
    'streams are not weighed: bound them by per_connection_buffer_limit_bytes',
  close_idle_http_connections:
    'use reduce_timeouts with HTTP_DOWNSTREAM_CONNECTION_IDLE and a short min_timeout',
};
const HONOURED_POINTS: ReadonlySet<string> = new Set<ShedPointName>([
  'tcp_listener_accept',
  'http_connection_manager_decode_headers',
]);
const OTHER_POINTS: ReadonlySet<string> = new Set([
  ...['http1_server_abort_dispatch', 'http2_server_go_away_on_dispatch'],
  ...['http2_server_go_away_and_close_on_dispatch', 'http3_server_go_away_on_dispatch'],
  ...['http3_server_go_away_and_close_on_dispatch', 'hcm_ondata_creating_codec'],
  ...['http_downstream_filter_check', 'connection_pool_new_connection'],
  ...['tcp_proxy_upstream_connect', 'tcp_proxy_on_data'],
]);
const TIMERS: Readonly<Partial<Record<TimerType, ScaledTimer>>> = {
  [TimerType.HTTP_DOWNSTREAM_CONNECTION_IDLE]: 'connection-idle',
  [TimerType.HTTP_DOWNSTREAM_STREAM_IDLE]: 'stream-idle',
};

/** The overload manager; `overload` is null where there is nothing to do. */
export function compileOverload(
  message: Bootstrap,
  context: CompileContext,
): { readonly globalConnectionLimit: number | null; readonly overload: OverloadConfig | null } {
  const manager = message.overloadManager;
  if (manager === undefined) return { globalConnectionLimit: null, overload: null };
  const at = context.at('overload_manager');
  const { connectionLimit, monitors } = compileMonitors(manager.resourceMonitors, at);
  const known = new Set(manager.resourceMonitors.map(({ name }) => name));
  const actions = compileEach({ path: 'actions', items: manager.actions }, at, (action, place) =>
    compileAction(action, known, place),
  );
  checkDoubles(manager.actions, at);
  const points = { path: 'loadshed_points', items: manager.loadshedPoints };
  const shedPoints = compileEach(points, at, (point, place) => compilePoint(point, known, place));
  const refresh = { path: 'refresh_interval', value: manager.refreshInterval };
  const refreshIntervalMs = durationMs(at, refresh, DEFAULT_REFRESH_MS);
  const timers = compileTimers(manager.actions, at);
  const isIdle = monitors.length === 0 && actions.length === 0 && shedPoints.length === 0;
  return {
    globalConnectionLimit: connectionLimit,
    overload: isIdle ? null : { refreshIntervalMs, monitors, actions, shedPoints, timers },
  };
}

function compilePoint(
  message: LoadShedPoint,
  known: ReadonlySet<string>,
  context: CompileContext,
): ShedPointConfig | null {
  const name = message.name.startsWith(POINTS_PREFIX)
    ? message.name.slice(POINTS_PREFIX.length)
    : '';
  const triggers = compileTriggers(message, known, context);
  if (HONOURED_POINTS.has(name)) return { name: name as ShedPointName, triggers };
  const advice =
    'use tcp_listener_accept, http_connection_manager_decode_headers or an overload action';
  if (OTHER_POINTS.has(name)) {
    context.reject('name', `${message.name} is not supported: ${advice}`);
  } else context.reject('name', `Unknown load shed point ${message.name}: ${advice}`);
  return null;
}

/** What reduce_timeouts is configured with. */
function compileTimers(
  actions: readonly OverloadAction[],
  context: CompileContext,
): readonly ScaledTimerConfig[] {
  return actions.flatMap(({ name, typedConfig }, index) => {
    if (name !== `${PREFIX}reduce_timeouts`) return [];
    const at = context.at(`actions[${index}]`);
    if (typedConfig === undefined) {
      const rule = `Overload action "${name}" requires a typed_config`;
      at.reject('typed_config', `${rule} of type ScaleTimersOverloadActionConfig`);
      return [];
    }
    if (typeIn(typedConfig) !== ScaleTimersOverloadActionConfigSchema.typeName) {
      at.reject('typed_config', 'has to be a ScaleTimersOverloadActionConfig');
      return [];
    }
    const config = unpack(typedConfig, at, 'typed_config');
    if (config === null) return [];
    const items = (config as ScaleTimersOverloadActionConfig).timerScaleFactors;
    return compileEach({ path: 'typed_config.timer_scale_factors', items }, at, compileTimer);
  });
}

function compileTimer(
  { timer, overloadAdjust }: ScaleTimersOverloadActionConfig['timerScaleFactors'][number],
  context: CompileContext,
): ScaledTimerConfig | null {
  const scaled = TIMERS[timer];
  if (scaled === undefined) {
    const advice = 'use HTTP_DOWNSTREAM_CONNECTION_IDLE or HTTP_DOWNSTREAM_STREAM_IDLE';
    context.reject('timer', `${TimerType[timer]} is not scaled: ${advice}`);
    return null;
  }
  if (overloadAdjust.case === 'minTimeout') {
    const field = { path: 'min_timeout', value: overloadAdjust.value };
    return { timer: scaled, minMs: durationMs(context, field, 0), minShare: 0 };
  }
  const percent = overloadAdjust.case === 'minScale' ? overloadAdjust.value.value : 0;
  return { timer: scaled, minMs: null, minShare: percent / PERCENT };
}

function checkDoubles(actions: readonly OverloadAction[], context: CompileContext): void {
  actions.forEach(({ name }, index) => {
    if (actions.findIndex((other) => other.name === name) === index) return;
    context.reject(`actions[${index}]`, `Duplicate overload action ${name}`);
  });
}

function compileAction(
  message: OverloadAction,
  known: ReadonlySet<string>,
  context: CompileContext,
): OverloadActionConfig | null {
  const name = message.name.startsWith(PREFIX) ? message.name.slice(PREFIX.length) : '';
  const triggers = compileTriggers(message, known, context);
  if (name === 'shrink_heap') {
    context.warn('name', 'has no effect: the JavaScript engine shrinks its heap by itself');
    return null;
  }
  const reason = Object.hasOwn(NOT_DONE, name) ? NOT_DONE[name] : undefined;
  if (reason !== undefined) {
    context.reject('name', `${message.name} is not supported: ${reason}`);
    return null;
  }
  if (!DONE.has(name)) {
    context.reject('name', `Unknown Overload Manager Action ${message.name}`);
    return null;
  }
  if (message.typedConfig !== undefined && name !== 'reduce_timeouts') {
    const rule = `Overload action name "${message.name}" conflicts with its typed config`;
    context.reject('typed_config', rule);
  }
  return { name: name as OverloadActionName, triggers };
}

function compileTriggers(
  { name, triggers }: Pick<OverloadAction, 'name' | 'triggers'>,
  known: ReadonlySet<string>,
  context: CompileContext,
): readonly OverloadTriggerConfig[] {
  triggers.forEach((trigger, index) => {
    const at = context.at(`triggers[${index}]`);
    if (!known.has(trigger.name)) {
      at.reject('name', `Unknown trigger resource ${trigger.name} for overload action ${name}`);
    }
    if (triggers.findIndex((other) => other.name === trigger.name) !== index) {
      at.reject('name', `Duplicate trigger resource for overload action ${name}`);
    }
  });
  return compileEach({ path: 'triggers', items: triggers }, context, compileTrigger);
}

function compileTrigger(
  { name: resource, triggerOneof }: Trigger,
  context: CompileContext,
): OverloadTriggerConfig | null {
  if (triggerOneof.case === 'threshold') {
    const { value } = triggerOneof.value;
    return { resource, from: value, to: value };
  }
  if (triggerOneof.case !== 'scaled') {
    context.reject('', 'trigger_oneof is required: use threshold or scaled');
    return null;
  }
  const { scalingThreshold: from, saturationThreshold: to } = triggerOneof.value;
  if (from < to) return { resource, from, to };
  context.reject('scaled', 'scaling_threshold must be less than saturation_threshold');
  return null;
}
