// config.overload.v3.ResourceMonitor: what an overload manager watches.
import type { ResourceMonitor } from '../../api/gen/envoy/config/overload/v3/overload_pb.js';
import {
  type CgroupMemoryConfig,
  CgroupMemoryConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/cgroup_memory/v3/cgroup_memory_pb.js';
import {
  CpuUtilizationConfig_UtilizationComputeStrategy as CpuOf,
  type CpuUtilizationConfig,
  CpuUtilizationConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/cpu_utilization/v3/cpu_utilization_pb.js';
import {
  type DownstreamConnectionsConfig,
  DownstreamConnectionsConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.js';
import {
  type FixedHeapConfig,
  FixedHeapConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.js';
import {
  type InjectedResourceConfig,
  InjectedResourceConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/injected_resource/v3/injected_resource_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { MonitorConfig } from '../../model/overload.ts';
import { typeIn } from '../schema/open-any.ts';
import { unpack } from './extension-lookup.ts';

/** What the monitors watch. */
export interface Monitored {
  readonly monitors: readonly MonitorConfig[];
  /** null: not limited here. */
  readonly connectionLimit: number | null;
}

type Any = Parameters<typeof unpack>[0];

/** All of them; those that were refused are left out. */
export function compileMonitors(
  messages: readonly ResourceMonitor[],
  context: CompileContext,
): Monitored {
  const monitors: MonitorConfig[] = [];
  let connectionLimit: number | null = null;
  const names = new Set<string>();
  messages.forEach(({ name, configType }, index) => {
    const at = context.at(`resource_monitors[${index}]`);
    if (names.has(name)) at.reject('', `Duplicate resource monitor ${name}`);
    names.add(name);
    if (configType.case !== 'typedConfig') {
      const rule = `Didn't find a registered implementation for '${name}' with type URL: ''`;
      at.reject('', `${rule}: give the resource monitor a typed_config with an @type`);
      return;
    }
    const place = at.at('typed_config');
    if (typeIn(configType.value) === DownstreamConnectionsConfigSchema.typeName) {
      connectionLimit = connectionLimitOf(configType.value, place) ?? connectionLimit;
      return;
    }
    const monitor = compileMonitor(name, configType.value, place);
    if (monitor !== null) monitors.push(monitor);
  });
  return { monitors, connectionLimit };
}

function connectionLimitOf(any: Any, context: CompileContext): number | null {
  const config = unpack(any, context, '') as DownstreamConnectionsConfig | null;
  return config === null ? null : Number(config.maxActiveDownstreamConnections);
}

function compileMonitor(name: string, any: Any, context: CompileContext): MonitorConfig | null {
  switch (typeIn(any)) {
    case FixedHeapConfigSchema.typeName:
      return heapOf(name, unpack(any, context, '') as FixedHeapConfig | null, context);
    case CgroupMemoryConfigSchema.typeName: {
      const config = unpack(any, context, '') as CgroupMemoryConfig | null;
      const max = Number(config?.maxMemoryBytes ?? 0n);
      return config === null ? null : { name, kind: 'cgroup', maxBytes: max === 0 ? null : max };
    }
    case CpuUtilizationConfigSchema.typeName: {
      const config = unpack(any, context, '') as CpuUtilizationConfig | null;
      return config === null
        ? null
        : { name, kind: 'cpu', isContainer: config.mode === CpuOf.CONTAINER };
    }
    case InjectedResourceConfigSchema.typeName: {
      const config = unpack(any, context, '') as InjectedResourceConfig | null;
      return config === null ? null : { name, kind: 'injected', path: config.filename };
    }
    default: {
      const known = 'fixed_heap, cgroup_memory, cpu_utilization, injected_resource';
      const reason = `this resource is not watched: use ${known} or global_downstream_max_connections`;
      context.reject('', reason);
      return null;
    }
  }
}

function heapOf(
  name: string,
  config: FixedHeapConfig | null,
  context: CompileContext,
): MonitorConfig | null {
  if (config === null) return null;
  const maxBytes = Number(config.maxHeapSizeBytes);
  if (maxBytes > 0) return { name, kind: 'heap', maxBytes };
  context.reject('max_heap_size_bytes', 'fixed_heap: max heap size must be greater than 0');
  return null;
}
