// Which filter chain of a listener takes a connection, and by which criterion the others do not: the
// listener's own matcher is asked, for all chains and for each criterion alone.
import { type SocketAddress, socketAddress } from '../base/address.ts';
import { factsOf, type InspectedConnection } from '../listener/connection-facts.ts';
import { FilterChainMatcher } from '../listener/filter-chain-matcher.ts';
import {
  type FilterChainConfig,
  type FilterChainMatchConfig,
  type ListenerConfig,
  MATCH_ALL,
} from '../model/listener.ts';
import type { DryRequest } from './dry-request.ts';

/** A chain that was looked at. */
export interface TriedChain {
  readonly chain: FilterChainConfig;
  /** Below the listener: `filter_chains[0]`. */
  readonly path: string;
  /** null: it takes the connection. */
  readonly mismatch: string | null;
}

/** A connection as listener filters would leave it, with the chains of its listener. */
export interface ChainChoice {
  /** null: the connection is closed. */
  readonly chosen: TriedChain | null;
  /** In the order of the configuration, the default one last. */
  readonly tried: readonly TriedChain[];
  readonly connection: InspectedConnection;
}

const TLS_INSPECTOR = 'envoy.filters.listener.tls_inspector';
const HTTP_INSPECTOR = 'envoy.filters.listener.http_inspector';
const CLIENT_PORT = 40_000;

/** Criteria in Envoy's order, with what of the connection they look at. */
const CRITERIA: readonly {
  readonly field: keyof FilterChainMatchConfig;
  readonly name: string;
  readonly seen: (connection: InspectedConnection) => string;
}[] = [
  { field: 'destinationPort', name: 'destination_port', seen: (it) => `${it.localAddress.port}` },
  { field: 'prefixRanges', name: 'prefix_ranges', seen: (it) => it.localAddress.ip },
  { field: 'serverNames', name: 'server_names', seen: (it) => quoted(it.serverName) },
  { field: 'transportProtocol', name: 'transport_protocol', seen: (it) => it.transportProtocol },
  {
    field: 'applicationProtocols',
    name: 'application_protocols',
    seen: (it) => it.applicationProtocols.join(', ') || 'none',
  },
  {
    field: 'directSourcePrefixRanges',
    name: 'direct_source_prefix_ranges',
    seen: (it) => it.directRemoteAddress.ip,
  },
  { field: 'sourceType', name: 'source_type', seen: (it) => `a client at ${it.remoteAddress.ip}` },
  {
    field: 'sourcePrefixRanges',
    name: 'source_prefix_ranges',
    seen: (it) => it.remoteAddress.ip,
  },
  { field: 'sourcePorts', name: 'source_ports', seen: (it) => `${it.remoteAddress.port}` },
];

/** Chooses for the connection that would carry `request` to `localAddress`. */
export function chooseChain(
  listener: ListenerConfig,
  request: DryRequest,
  localAddress: SocketAddress,
): ChainChoice {
  const connection = inspected(listener, request, localAddress);
  const all = chainsOf(listener);
  const taker = new FilterChainMatcher(
    listener.filterChains.map((chain) => ({ match: chain.match, chain })),
    listener.defaultFilterChain,
  ).find(factsOf(connection));
  const tried = all.map(({ chain, path }) => ({
    ...{ chain, path },
    mismatch: chain === taker ? null : mismatchOf(chain, listener, connection),
  }));
  return { chosen: tried.find(({ mismatch }) => mismatch === null) ?? null, tried, connection };
}

function chainsOf(listener: ListenerConfig): readonly Omit<TriedChain, 'mismatch'>[] {
  const chains = listener.filterChains.map((chain, index) => ({
    chain,
    path: `filter_chains[${index}]`,
  }));
  const last = listener.defaultFilterChain;
  return last === null ? chains : [...chains, { chain: last, path: 'default_filter_chain' }];
}

/** The first criterion that fails by itself. */
function mismatchOf(
  chain: FilterChainConfig,
  listener: ListenerConfig,
  connection: InspectedConnection,
): string {
  if (chain === listener.defaultFilterChain) return 'another filter chain takes the connection';
  const facts = factsOf(connection);
  for (const { field, name, seen } of CRITERIA) {
    const match = { ...MATCH_ALL, [field]: chain.match[field] };
    const takes = new FilterChainMatcher([{ match, chain }], null).find(facts) !== null;
    if (!takes) return `${name}: the connection has ${seen(connection)}`;
  }
  return 'another filter chain matches more specifically';
}

/** What the listener filters find: a TLS inspector looks for the server name. */
function inspected(
  listener: ListenerConfig,
  request: DryRequest,
  localAddress: SocketAddress,
): InspectedConnection {
  const has = (name: string): boolean =>
    listener.listenerFilters.some(({ definition }) => definition.name === name);
  const remoteAddress = socketAddress(request.clientIp, CLIENT_PORT);
  const isTls = request.scheme === 'https' && has(TLS_INSPECTOR);
  return {
    ...{ localAddress, remoteAddress, directRemoteAddress: remoteAddress },
    serverName: isTls ? request.host : '',
    transportProtocol: isTls ? 'tls' : 'raw_buffer',
    applicationProtocols: protocolsOf(request, isTls, has(HTTP_INSPECTOR)),
  };
}

function protocolsOf(
  { protocol }: DryRequest,
  isTls: boolean,
  isInspected: boolean,
): readonly string[] {
  if (isTls) return protocol === 'HTTP/2' ? ['h2'] : ['http/1.1'];
  if (!isInspected) return [];
  return protocol === 'HTTP/2' ? ['h2c'] : ['http/1.1'];
}

function quoted(text: string): string {
  return text === '' ? 'none' : `'${text}'`;
}
