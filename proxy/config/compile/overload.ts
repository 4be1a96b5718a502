// config.overload.v3.OverloadManager: what is watched, and what follows.
import type { Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type {
  OverloadAction,
  ResourceMonitor,
  Trigger,
} from '../../api/gen/envoy/config/overload/v3/overload_pb.js';
import {
  type DownstreamConnectionsConfig,
  DownstreamConnectionsConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.js';
import {
  type FixedHeapConfig,
  FixedHeapConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  OverloadActionConfig,
  OverloadActionName,
  OverloadConfig,
  OverloadTriggerConfig,
} from '../../model/overload.ts';
import { typeNameOf } from '../schema/any.ts';
import { compileEach } from './compile-each.ts';
import { unpack } from './extension-lookup.ts';
import { durationMs } from './field-values.ts';

/** The name by which triggers know the monitor, whatever the configuration calls it. */
export const HEAP_MONITOR = 'envoy.resource_monitors.fixed_heap';

/** Envoy OverloadManager.refresh_interval. */
const DEFAULT_REFRESH_MS = 1000;
const PREFIX = 'envoy.overload_actions.';
const DONE: ReadonlySet<string> = new Set<OverloadActionName>([
  'stop_accepting_requests',
  'disable_http_keepalive',
  'stop_accepting_connections',
  'reject_incoming_connections',
]);
const NOT_DONE: Readonly<Record<string, string>> = {
  reduce_timeouts: 'timeouts stay what they are: use disable_http_keepalive to end idle clients',
  reset_high_memory_stream:
    'streams are not weighed: bound them by per_connection_buffer_limit_bytes',
};

/** What the monitors watch. */
interface Monitored {
  readonly maxHeapBytes: number | null;
  /** null: not limited here. */
  readonly connectionLimit: number | null;
}

/** The overload manager; `overload` is null where there is nothing to do. */
export function compileOverload(
  message: Bootstrap,
  context: CompileContext,
): { readonly globalConnectionLimit: number | null; readonly overload: OverloadConfig | null } {
  const manager = message.overloadManager;
  if (manager === undefined) return { globalConnectionLimit: null, overload: null };
  const at = context.at('overload_manager');
  const { connectionLimit, maxHeapBytes } = compileMonitors(manager.resourceMonitors, at);
  const known = new Set(manager.resourceMonitors.map(({ name }) => name));
  const actions = compileEach({ path: 'actions', items: manager.actions }, at, (action, place) =>
    compileAction(action, known, place),
  );
  checkDoubles(manager.actions, at);
  const refresh = { path: 'refresh_interval', value: manager.refreshInterval };
  const refreshIntervalMs = durationMs(at, refresh, DEFAULT_REFRESH_MS);
  const isIdle = maxHeapBytes === null && actions.length === 0;
  return {
    globalConnectionLimit: connectionLimit,
    overload: isIdle ? null : { refreshIntervalMs, maxHeapBytes, actions },
  };
}

function compileMonitors(monitors: readonly ResourceMonitor[], context: CompileContext): Monitored {
  const found = { maxHeapBytes: null as number | null, connectionLimit: null as number | null };
  const names = new Set<string>();
  monitors.forEach(({ name, configType }, index) => {
    const at = context.at(`resource_monitors[${index}]`);
    if (names.has(name)) at.reject('', `Duplicate resource monitor ${name}`);
    names.add(name);
    if (configType.case === 'typedConfig') {
      Object.assign(found, compileMonitor(configType.value, at.at('typed_config')));
      return;
    }
    const rule = `Didn't find a registered implementation for '${name}' with type URL: ''`;
    at.reject('', `${rule}: give the resource monitor a typed_config with an @type`);
  });
  return found;
}

function compileMonitor(
  any: Parameters<typeof unpack>[0],
  context: CompileContext,
): Partial<Monitored> {
  switch (typeNameOf(any.typeUrl)) {
    case DownstreamConnectionsConfigSchema.typeName: {
      const config = unpack(any, context, '') as DownstreamConnectionsConfig | null;
      if (config === null) return {};
      return { connectionLimit: Number(config.maxActiveDownstreamConnections) };
    }
    case FixedHeapConfigSchema.typeName: {
      const config = unpack(any, context, '') as FixedHeapConfig | null;
      if (config === null) return {};
      const maxHeapBytes = Number(config.maxHeapSizeBytes);
      if (maxHeapBytes > 0) return { maxHeapBytes };
      context.reject('max_heap_size_bytes', 'fixed_heap: max heap size must be greater than 0');
      return {};
    }
    default:
      context.reject(
        '',
        'this resource is not watched: use fixed_heap or global_downstream_max_connections',
      );
      return {};
  }
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
  if (message.typedConfig !== undefined) {
    const rule = `Overload action name "${message.name}" conflicts with its typed config`;
    context.reject('typed_config', rule);
  }
  return { name: name as OverloadActionName, triggers };
}

function compileTriggers(
  { name, triggers }: OverloadAction,
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
