// How many downstream connections the whole process may have, by a resource monitor of the overload
// manager.
import type { Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import {
  type DownstreamConnectionsConfig,
  DownstreamConnectionsConfigSchema,
} from '../../api/gen/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import { typeNameOf } from '../schema/any.ts';
import { unpack } from './extension-lookup.ts';

/** The limit; null: there is no such monitor. */
export function compileGlobalConnectionLimit(
  message: Bootstrap,
  context: CompileContext,
): number | null {
  let limit: number | null = null;
  message.overloadManager?.resourceMonitors.forEach(({ name, configType }, index) => {
    const path = `overload_manager.resource_monitors[${index}]`;
    if (configType.case !== 'typedConfig') {
      const rule = `Didn't find a registered implementation for '${name}' with type URL: ''`;
      context.reject(path, `${rule}: give the resource monitor a typed_config with an @type`);
      return;
    }
    if (limit !== null) context.reject(path, `Duplicate resource monitor ${name}`);
    limit = monitorLimit(configType.value, context.at(`${path}.typed_config`));
  });
  return limit;
}

function monitorLimit(any: Parameters<typeof unpack>[0], context: CompileContext): number | null {
  if (typeNameOf(any.typeUrl) !== DownstreamConnectionsConfigSchema.typeName) {
    context.reject('', 'only the monitor of global downstream connections is supported yet');
    return null;
  }
  const config = unpack(any, context, '') as DownstreamConnectionsConfig | null;
  return config === null ? null : Number(config.maxActiveDownstreamConnections);
}
