// config.listener.v3.FilterChain: its network filters and the rule that the last one is terminal.
import type {
  Filter,
  FilterChain,
} from '../../api/gen/envoy/config/listener/v3/listener_components_pb.js';
import type { CompileContext, FilterDefinition } from '../../model/extension.ts';
import type { FilterChainConfig } from '../../model/listener.ts';
import { RAW_TRANSPORT } from '../../model/transport-socket.ts';
import { compileExtension, typedConfigOf } from './extension-lookup.ts';
import { durationMs, refuseTrue } from './field-values.ts';
import { compileFilterChainMatch } from './filter-chain-match.ts';
import { chainFingerprint } from './fingerprint.ts';
import { compileMetadata } from './metadata.ts';
import { checkTerminalLast, type PlacedFilter, placeFilter } from './terminal-filter.ts';
import { compileDownstreamTransport } from './transport-socket.ts';

/** A compiled filter chain; what was refused of it is left out, with rejections. */
export function compileFilterChain(
  message: FilterChain,
  context: CompileContext,
): FilterChainConfig {
  refuseTrue(context, 'use_proxy_proto', message.useProxyProto);
  const placed = message.filters.map((filter, index) =>
    compileFilter(filter, context.at(`filters[${index}]`)),
  );
  checkTerminalLast(placed, { chain: 'network', path: 'filters' }, context);
  const transport = compileDownstreamTransport(message.transportSocket, context);
  const timeout = {
    path: 'transport_socket_connect_timeout',
    value: message.transportSocketConnectTimeout,
  };
  return {
    name: message.name,
    fingerprint: chainFingerprint(message),
    match: compileFilterChainMatch(message.filterChainMatch, context.at('filter_chain_match')),
    metadata: compileMetadata(message.metadata),
    // Without one there are rejections, and the listener is not used.
    transport: transport ?? RAW_TRANSPORT,
    transportConnectTimeoutMs: durationMs(context, timeout, 0),
    filters: placed.flatMap(({ instance }) => (instance === null ? [] : [instance])),
  };
}

function compileFilter(filter: Filter, context: CompileContext): PlacedFilter {
  const slot = {
    name: filter.name,
    typedConfig: typedConfigOf(filter.configType),
    definitions: context.environment.extensions.networkFilters,
    category: 'network filter',
    typePrefix: 'envoy.extensions.filters.network.',
  };
  return placeFilter(filter.name, compileExtension<FilterDefinition>(slot, context), false);
}
