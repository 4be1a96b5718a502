// What a candidate's filters and logs are told of its connection.
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { BuiltChain } from './built-chain.ts';
import type { Candidate } from './candidate.ts';

/** `chain` is null where none was chosen. Whoever makes a handshake adds what came of it. */
export function describeConnection(
  candidate: Candidate,
  listener: ListenerConfig,
  chain: BuiltChain | null,
): DownstreamConnectionInfo {
  return {
    id: candidate.connection.id,
    directRemoteAddress: candidate.directRemoteAddress,
    remoteAddress: candidate.remoteAddress,
    localAddress: candidate.localAddress,
    directLocalAddress: candidate.directLocalAddress,
    // As Envoy: what the TLS inspector found, not what TLS itself was told.
    requestedServerName: candidate.serverName,
    filterChainName: chain?.name ?? '',
    filterChainMetadata: chain?.metadata ?? null,
    listener,
    tls: null,
    transportFailureReason: candidate.transportFailure,
    filterState: null,
    dynamicMetadata: candidate.dynamicMetadata,
    upstreamSource: candidate.upstreamSource,
    dependants: null,
  };
}
