// config.listener.v3.Listener.

import { TrafficDirection } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  Listener_DrainType as DrainType,
  type Listener,
} from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import { internalAddress, isInternalAddress, type SocketAddress } from '../../base/address.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { FilterChainConfig, ListenerConfig } from '../../model/listener.ts';
import { compileAccessLogs } from './access-log.ts';
import { compileEach } from './compile-each.ts';
import { durationMs } from './field-values.ts';
import { compileFilterChain } from './filter-chain.ts';
import { checkFilterChainMatches, checkOverlaps } from './filter-chain-match.ts';
import { listenerFingerprint } from './fingerprint.ts';
import { deepFreeze } from './freeze.ts';
import { checkInternalListener } from './internal-listeners.ts';
import { compileListenerFilters } from './listener-filters.ts';
import { liveValue } from './live-value.ts';
import { compileMetadata } from './metadata.ts';
import { runtimeInteger } from './runtime-values.ts';
import { compileAddress } from './socket-address.ts';
import { compileKeepalive } from './tcp-keepalive.ts';

/**
 * Envoy listener.v3.Listener.per_connection_buffer_limit_bytes, clusters too: more costs memory
 * per slow peer, less costs throughput.
 */
export const DEFAULT_BUFFER_LIMIT_BYTES = 1_048_576;

/**
 * Envoy listener.v3.Listener.listener_filters_timeout: more lets silent clients hold sockets for
 * longer, less cuts off slow ones, and clients that wait for the server to speak first.
 */
const DEFAULT_LISTENER_FILTERS_TIMEOUT_MS = 15_000;
const NO_FREEBIND =
  'is not supported: Node binds as soon as it makes a socket, before an option can be set; listen on 0.0.0.0 or [::], or set net.ipv4.ip_nonlocal_bind';
const DRAIN_TYPES: Readonly<Record<DrainType, ListenerConfig['drainType']>> = {
  [DrainType.DEFAULT]: 'default',
  [DrainType.MODIFY_ONLY]: 'modify-only',
};
const DIRECTIONS: Readonly<Record<TrafficDirection, ListenerConfig['trafficDirection']>> = {
  [TrafficDirection.UNSPECIFIED]: 'unspecified',
  [TrafficDirection.INBOUND]: 'inbound',
  [TrafficDirection.OUTBOUND]: 'outbound',
};

/** A compiled, frozen listener; null when anything in it was refused. */
export function compileListener(message: Listener, context: CompileContext): ListenerConfig | null {
  if (message.freebind === true) context.reject('freebind', NO_FREEBIND);
  const addresses = compileAddresses(message, context);
  const listenerFilters = compileListenerFilters(message, context);
  const timeout = { path: 'listener_filters_timeout', value: message.listenerFiltersTimeout };
  const listenerFiltersTimeoutMs = durationMs(
    context,
    timeout,
    DEFAULT_LISTENER_FILTERS_TIMEOUT_MS,
  );
  const chains = compileChains(message, context);
  const accessLogs = compileAccessLogs(message.accessLog, context);
  const [first] = addresses;
  if (first === undefined || context.failed) return null;
  const name = message.name === '' ? first.text : message.name;
  return deepFreeze({
    name,
    addresses,
    statPrefix: message.statPrefix === '' ? statPrefixOf(first) : message.statPrefix,
    isInternal: isInternalAddress(first),
    bindToPort: (message.bindToPort ?? true) && (message.deprecatedV1?.bindToPort ?? true),
    tcpBacklog: message.tcpBacklogSize ?? null,
    perConnectionBufferLimitBytes:
      message.perConnectionBufferLimitBytes ?? DEFAULT_BUFFER_LIMIT_BYTES,
    connectionLimit: compileConnectionLimit(message.name, context),
    // Only sockets count for Envoy.
    ignoreGlobalConnectionLimit: message.ignoreGlobalConnLimit || isInternalAddress(first),
    drainType: DRAIN_TYPES[message.drainType],
    trafficDirection: DIRECTIONS[message.trafficDirection],
    listenerFilters,
    listenerFiltersTimeoutMs,
    continueOnListenerFiltersTimeout: message.continueOnListenerFiltersTimeout,
    useOriginalDst: message.useOriginalDst ?? false,
    isTransparent: message.transparent ?? false,
    fingerprint: listenerFingerprint(message),
    ...chains,
    accessLogs,
    tcpKeepalives: compileKeepalives(message),
    metadata: compileMetadata(message.metadata),
  });
}

/** An additional address without its own has that of the listener. */
function compileKeepalives(message: Listener): ListenerConfig['tcpKeepalives'] {
  const own = message.tcpKeepalive;
  const others = message.additionalAddresses.map(({ tcpKeepalive }) => tcpKeepalive ?? own);
  return [own, ...others].map(compileKeepalive);
}

function statPrefixOf(address: SocketAddress): string {
  return isInternalAddress(address) ? `envoy_internal_${address.listenerName}` : address.text;
}

function compileAddresses(message: Listener, context: CompileContext): readonly SocketAddress[] {
  if (message.listenerSpecifier.case === 'internalListener') {
    checkInternalListener(message, context);
    return [internalAddress(message.name, '')];
  }
  if (message.address === undefined) {
    const reason = `error adding listener named '${message.name}': address is necessary`;
    context.reject('address', reason);
    return [];
  }
  const first = compileAddress(message.address, context.at('address'));
  const field = { path: 'additional_addresses', items: message.additionalAddresses };
  const others = compileEach(field, context, ({ address }, at) =>
    compileAddress(address, at.at('address')),
  );
  return first === null ? [] : [first, ...others];
}

interface CompiledChains {
  readonly filterChains: readonly FilterChainConfig[];
  readonly defaultFilterChain: FilterChainConfig | null;
}

function compileChains(message: Listener, context: CompileContext): CompiledChains {
  const field = { path: 'filter_chains', items: message.filterChains };
  const filterChains = compileEach(field, context, compileFilterChain);
  const fallback = message.defaultFilterChain;
  if (field.items.length === 0 && fallback === undefined) {
    context.reject('filter_chains', errorAdding(message, 'no filter chains specified'));
  }
  const prefix = errorAdding(message, '');
  const areDistinct = checkFilterChainMatches(message.filterChains, prefix, context);
  if (areDistinct) checkOverlaps(filterChains, prefix, context);
  return {
    filterChains,
    defaultFilterChain:
      fallback === undefined
        ? null
        : compileFilterChain(fallback, context.at('default_filter_chain')),
  };
}

function errorAdding(message: Listener, reason: string): string {
  const choice = message.address?.address;
  const address =
    choice?.case === 'socketAddress'
      ? `${choice.value.address}:${choice.value.portSpecifier.value ?? ''}`
      : message.name;
  return `error adding listener '${address}': ${reason}`;
}

function compileConnectionLimit(
  name: string,
  { environment }: CompileContext,
): ListenerConfig['connectionLimit'] {
  const { runtime } = environment;
  const key = `envoy.resource_limits.listener.${name}.connection_limit`;
  const limit = liveValue(runtime, () => runtimeInteger(runtime, key, null));
  return runtime.version === undefined && limit.value === null ? null : limit;
}
