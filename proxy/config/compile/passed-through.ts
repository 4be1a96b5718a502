// Extensions that are accepted without effect where no table of definitions knows them: network
// filters of connections to upstreams, and tracing.

import type { Any } from '@bufbuild/protobuf/wkt';
import type { Filter } from '../../api/gen/envoy/config/cluster/v3/filter_pb.js';
import {
  type HttpConnectionManager_Tracing,
  HttpConnectionManager_TracingSchema,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';
import { PASSED_THROUGH, passedThroughIn } from '../schema/passed-through.ts';

const UPSTREAM_FILTERS = 'envoy.filters.upstream_network';
const TRACERS = 'envoy.tracers';
const ADVICE =
  'connections to upstreams have no filters; put them into a listener and an internal address in between';

/** Cluster.filters: none works on connections to upstreams. */
export function passUpstreamFilters(filters: readonly Filter[], context: CompileContext): void {
  filters.forEach(({ name, typedConfig }, index) => {
    const at = context.at(`filters[${index}]`);
    pass({ name, any: typedConfig, category: UPSTREAM_FILTERS, advice: ADVICE }, at);
  });
}

/** HttpConnectionManager.tracing: whatever is asked for, nothing is traced. */
export function passTracing(
  tracing: HttpConnectionManager_Tracing | undefined,
  context: CompileContext,
): void {
  if (tracing === undefined) return;
  const { provider } = tracing;
  if (provider !== undefined) {
    const any = provider.configType.value;
    const advice = 'leave the provider out: nothing is traced';
    pass({ name: provider.name, any, category: TRACERS, advice }, context.at('provider'));
    return;
  }
  notePassedThrough(HttpConnectionManager_TracingSchema.typeName, TRACERS, context);
}

/** Tells whoever asks, else the author, that a type has no effect where it stands. */
export function notePassedThrough(
  typeName: string,
  category: string,
  context: CompileContext,
): void {
  const name = PASSED_THROUGH[typeName]?.name ?? 'tracing';
  const { onPassedThrough } = context.environment;
  if (onPassedThrough !== undefined) onPassedThrough({ name, category, typeName });
  else context.warn('', `'${name}' is accepted and has no effect`);
}

interface Slot {
  readonly name: string;
  readonly any: Any | undefined;
  readonly category: string;
  readonly advice: string;
}

function pass({ name, any, category, advice }: Slot, context: CompileContext): void {
  const type = typeIn(any);
  if (passedThroughIn(category).some(({ typeName }) => typeName === type)) {
    notePassedThrough(type, category, context);
    return;
  }
  const rule = `Didn't find a registered implementation for '${name}' with type URL: '${type}'`;
  context.reject('typed_config', `${rule}: ${advice}`);
}
