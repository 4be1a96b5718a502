// What listeners demand of whoever connects to an address: the filter chain that each kind of client
// gets, by the criteria of Envoy's that a client decides by itself.
import { isLoopbackIp } from '../../base/ip-address.ts';
import type { Json } from '../flow-text.ts';
import type { AuthnSource } from './authn-source.ts';
import { at, isSet, listAt, numberAt, textAt, textsAt } from './fields.ts';
import { readSide, type TlsSide } from './tls-side.ts';

/** A listener that an endpoint's connections come to. */
export interface ServerPlace {
  readonly source: AuthnSource;
  readonly listener: Json;
  /** Where clients believe to be connected to. */
  readonly port: number;
}

/** What decides which filter chain a client gets. */
export interface ClientTraits {
  readonly isTls: boolean;
  readonly serverName: string;
  readonly protocols: readonly string[];
}

/** A filter chain that takes a client. */
export interface TakingChain {
  readonly name: string;
  readonly side: TlsSide;
  /** It hands octets on as they are: TLS may end behind it. */
  readonly passesThrough: boolean;
}

const TLS_INSPECTOR = 'envoy.filters.listener.tls_inspector';
const ORIGINAL_DST = 'envoy.filters.listener.original_dst';
const TCP_PROXY = /\.TcpProxy$/;

/** The listener that serves an address: one bound to it, or one that traffic is captured to. */
export function findServer(
  sources: readonly { readonly source: AuthnSource; readonly isOwn: boolean }[],
  address: string,
  port: number,
): ServerPlace | null {
  for (const { source, isOwn } of sources) {
    const inbound = source.listeners.filter(
      (one) => textAt(one, 'traffic_direction') !== 'OUTBOUND',
    );
    const listener =
      inbound.find((one) =>
        addressesOf(one).some((bound) => isBound(bound, { address, port, isOwn })),
      ) ?? (isOwn ? undefined : inbound.find(capturesAll));
    if (listener !== undefined) return { source, listener, port };
  }
  return null;
}

/** The filter chain that takes a client; null: the connection is closed. */
export function chainFor(
  { source, listener, port }: ServerPlace,
  client: ClientTraits,
): TakingChain | null {
  const isSeen = listAt(listener, 'listener_filters').some(
    (filter) => textAt(filter, 'name') === TLS_INSPECTOR,
  );
  // Without an inspector nothing is known of the client.
  const seen = isSeen ? client : { isTls: false, serverName: '', protocols: [] };
  const chains = listAt(listener, 'filter_chains');
  const byPort = narrow(chains, (match) => exactRank(numberAt(match, 'destination_port'), 0, port));
  const byName = narrow(byPort, (match) =>
    nameRank(textsAt(match, 'server_names'), seen.serverName),
  );
  const transport = seen.isTls ? 'tls' : 'raw_buffer';
  const byTransport = narrow(byName, (match) =>
    exactRank(textAt(match, 'transport_protocol'), '', transport),
  );
  const left = narrow(byTransport, (match) => {
    const wanted = textsAt(match, 'application_protocols');
    if (wanted.length === 0) return 1;
    return wanted.some((one) => seen.protocols.includes(one)) ? 2 : 0;
  });
  const chain = left[0] ?? at(listener, 'default_filter_chain');
  if (chain === undefined) return null;
  const last = listAt(chain, 'filters').at(-1);
  return {
    name: textAt(chain, 'name'),
    side: readSide(at(chain, 'transport_socket'), source),
    passesThrough: TCP_PROXY.test(textAt(last, 'typed_config', '@type')),
  };
}

/** A listener's name, or where it is bound. */
export function listenerName(listener: Json): string {
  const name = textAt(listener, 'name');
  const [bound] = addressesOf(listener);
  return name === '' && bound !== undefined ? `${bound.address}:${bound.port}` : name;
}

/** Keeps what fits best; 0 does not fit. */
function narrow(
  chains: readonly Json[],
  rank: (match: Json | undefined) => number,
): readonly Json[] {
  const ranks = chains.map((chain) => rank(at(chain, 'filter_chain_match')));
  const best = Math.max(0, ...ranks);
  return best === 0 ? [] : chains.filter((_, index) => ranks[index] === best);
}

function exactRank<T>(wanted: T, any: T, seen: T): number {
  if (wanted === any) return 1;
  return wanted === seen ? 2 : 0;
}

/** A longer name is more specific. */
function nameRank(names: readonly string[], serverName: string): number {
  if (names.length === 0) return 1;
  const ranks = names.map((name) => {
    if (name === serverName && name !== '') return Number.MAX_SAFE_INTEGER;
    return name.startsWith('*.') && serverName.endsWith(name.slice(1)) ? name.length : 0;
  });
  return Math.max(...ranks);
}

interface Bound {
  readonly address: string;
  readonly port: number;
}

function addressesOf(listener: Json): readonly Bound[] {
  const more = listAt(listener, 'additional_addresses').map((one) => at(one, 'address'));
  return [at(listener, 'address'), ...more].map((one) => ({
    address: textAt(one, 'socket_address', 'address'),
    port: numberAt(one, 'socket_address', 'port_value'),
  }));
}

/** A proxy's own wildcard listener takes what goes to this host, not what goes to others. */
function isBound(bound: Bound, target: Bound & { readonly isOwn: boolean }): boolean {
  if (bound.port !== target.port) return false;
  if (bound.address === target.address) return true;
  const isWildcard = bound.address === '0.0.0.0' || bound.address === '::';
  return isWildcard && (!target.isOwn || isLoopbackIp(target.address));
}

/** A sidecar's: traffic to every port is captured into it. */
function capturesAll(listener: Json): boolean {
  const restores = listAt(listener, 'listener_filters').some(
    (filter) => textAt(filter, 'name') === ORIGINAL_DST,
  );
  const isInbound = textAt(listener, 'traffic_direction') === 'INBOUND';
  return isInbound && (restores || isSet(listener, 'use_original_dst'));
}
