// config.listener.v3.FilterChain: its network filters and the rule that the last one is terminal.
import type {
  Filter,
  FilterChain,
} from '../../api/gen/envoy/config/listener/v3/listener_components_pb.js';
import type { CompileContext, FilterDefinition } from '../../model/extension.ts';
import type { FilterChainConfig } from '../../model/listener.ts';
import { RAW_TRANSPORT } from '../../model/transport-socket.ts';
import { placeDiscovered } from './config-discovery.ts';
import { compileExtension, type FoundExtension, typedConfigOf } from './extension-lookup.ts';
import { durationMs, refuseTrue } from './field-values.ts';
import { compileFilterChainMatch } from './filter-chain-match.ts';
import { filterSlot } from './filter-slots.ts';
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
  const placed = message.filters.map((filter, index) => {
    const isLast = index === message.filters.length - 1;
    return compileFilter(filter, isLast, context.at(`filters[${index}]`));
  });
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

function compileFilter(
  { name, configType }: Filter,
  isLast: boolean,
  context: CompileContext,
): PlacedFilter {
  const kind = 'network-filter';
  if (configType.case === 'configDiscovery') {
    return placeDiscovered(configType.value, { name, kind, isLast, disabled: false }, context);
  }
  const slot = filterSlot(kind, name, context.environment);
  const typedConfig = typedConfigOf(configType);
  const found = compileExtension({ ...slot, typedConfig }, context);
  return placeFilter(name, found as FoundExtension<FilterDefinition> | null, false);
}
