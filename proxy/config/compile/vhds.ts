// RouteConfiguration.vhds: virtual hosts that a server tells beside those of the table.
import {
  type ApiConfigSource,
  ApiConfigSource_ApiType as ApiType,
} from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import { VirtualHostSchema } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { RouteConfiguration } from '../../api/gen/envoy/config/route/v3/route_pb.js';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileConfigSource } from './config-source.ts';

const HOSTS_URL = `type.googleapis.com/${VirtualHostSchema.typeName}`;
const ONLY_DELTA =
  "vhds: only 'DELTA_GRPC' or 'ADS' (which uses Delta xDS) is supported as a config source.";

/** null: the table has all of them itself, or there are rejections. `context` is the table's. */
export function compileVhds(
  { vhds }: RouteConfiguration,
  context: CompileContext,
): ConfigSourceConfig | null {
  if (vhds === undefined) return null;
  const at = context.at('vhds.config_source');
  if (vhds.configSource === undefined) {
    at.reject('', 'value is required');
    return null;
  }
  const source = compileConfigSource(vhds.configSource, HOSTS_URL, at);
  if (source === null || source.kind === 'ads') return source;
  const isDelta =
    source.kind === 'api' && (source.api as ApiConfigSource).apiType === ApiType.DELTA_GRPC;
  if (isDelta) return source;
  at.reject('', ONLY_DELTA);
  return null;
}

/** For a table that stands in a listener or in a scope: nobody fetches parts of it. */
export function refuseVhds({ vhds }: RouteConfiguration, context: CompileContext): void {
  if (vhds === undefined) return;
  const reason =
    'virtual hosts are added to tables that rds tells: name the table in rds, or write';
  context.reject('vhds', `${reason} them into virtual_hosts`);
}
