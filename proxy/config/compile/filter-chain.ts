// config.listener.v3.FilterChain: its network filters and the rule that the last one is terminal.
import type {
  Filter,
  FilterChain,
} from '../../api/gen/envoy/config/listener/v3/listener_components_pb.js';
import type { CompileContext, FilterDefinition } from '../../model/extension.ts';
import type { FilterChainConfig } from '../../model/listener.ts';
import { compileExtension } from './extension-lookup.ts';
import { durationMs, refuseTrue } from './field-values.ts';
import { checkTerminalLast, type PlacedFilter, placeFilter } from './terminal-filter.ts';
import { compileTransportSocket } from './transport-socket.ts';

/** A compiled filter chain; null and rejections when any part of it was refused. */
export function compileFilterChain(
  message: FilterChain,
  context: CompileContext,
): FilterChainConfig | null {
  checkMatch(message, context);
  refuseTrue(context, 'use_proxy_proto', message.useProxyProto);
  const placed = message.filters.map((filter, index) =>
    compileFilter(filter, context.at(`filters[${index}]`)),
  );
  checkTerminalLast(placed, { chain: 'network', path: 'filters' }, context);
  const transportSocket = compileTransportSocket(message.transportSocket, context);
  const timeout = {
    path: 'transport_socket_connect_timeout',
    value: message.transportSocketConnectTimeout,
  };
  const transportSocketConnectTimeoutMs = durationMs(context, timeout, 0);
  if (transportSocket === null) return null;
  return {
    name: message.name,
    transportSocket,
    filters: placed.flatMap(({ instance }) => (instance === null ? [] : [instance])),
    transportSocketConnectTimeoutMs,
  };
}

/** A listener has one chain that takes every connection, until chains are chosen by match. */
function checkMatch(message: FilterChain, context: CompileContext): void {
  const match = message.filterChainMatch;
  if (match === undefined) return;
  const criteria: readonly (readonly [string, boolean])[] = [
    ['destination_port', match.destinationPort !== undefined],
    ['prefix_ranges', match.prefixRanges.length > 0],
    ['address_suffix', match.addressSuffix !== ''],
    ['suffix_len', match.suffixLen !== undefined],
    ['direct_source_prefix_ranges', match.directSourcePrefixRanges.length > 0],
    ['source_type', match.sourceType !== 0],
    ['source_prefix_ranges', match.sourcePrefixRanges.length > 0],
    ['source_ports', match.sourcePorts.length > 0],
    ['server_names', match.serverNames.length > 0],
    ['transport_protocol', match.transportProtocol !== ''],
    ['application_protocols', match.applicationProtocols.length > 0],
  ];
  for (const [name, isSet] of criteria) {
    if (!isSet) continue;
    context.reject(`filter_chain_match.${name}`, 'filter chains cannot be chosen by match yet');
  }
}

function compileFilter(filter: Filter, context: CompileContext): PlacedFilter {
  if (filter.configType.case === 'configDiscovery') {
    context.reject('config_discovery', 'is not supported yet: use typed_config');
    return placeFilter(filter.name, null, false);
  }
  const slot = {
    name: filter.name,
    typedConfig: filter.configType.value,
    definitions: context.environment.extensions.networkFilters,
    category: 'network filter',
    typePrefix: 'envoy.extensions.filters.network.',
  };
  return placeFilter(filter.name, compileExtension<FilterDefinition>(slot, context), false);
}
