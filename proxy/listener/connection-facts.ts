// What a connection's filter chain is chosen by, from what listener filters found out about it.
import { PIPE_PORT, type SocketAddress } from '../base/address.ts';
import { unmapped } from '../base/cidr-table.ts';
import { parseIp } from '../base/ip-address.ts';
import { type ConnectionFacts, PIPE_OCTETS } from './filter-chain-matcher.ts';

/** A connection behind the listener filters. */
export interface InspectedConnection {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  /** The peer of the socket. */
  readonly directRemoteAddress: SocketAddress;
  readonly serverName: string;
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
}

/** Its facts for FilterChainMatcher. */
export function factsOf(connection: InspectedConnection): ConnectionFacts {
  const { localAddress, remoteAddress, directRemoteAddress } = connection;
  return {
    destinationPort: localAddress.port,
    destination: octetsOf(localAddress),
    source: octetsOf(remoteAddress),
    sourcePort: remoteAddress.port,
    directSource: octetsOf(directRemoteAddress),
    isLocal: isLocal(connection),
    serverName: connection.serverName,
    transportProtocol: connection.transportProtocol,
    applicationProtocols: connection.applicationProtocols,
  };
}

/** Envoy's SAME_IP_OR_LOOPBACK: the same address on both ends, the usual loopback, or a pipe. */
function isLocal({ localAddress, remoteAddress }: InspectedConnection): boolean {
  if (remoteAddress.port === PIPE_PORT || remoteAddress.ip === localAddress.ip) return true;
  return remoteAddress.ip === '127.0.0.1' || remoteAddress.ip === '::1';
}

function octetsOf({ ip, port }: SocketAddress): readonly number[] {
  return port < 0 ? PIPE_OCTETS : unmapped(parseIp(ip) ?? []);
}
