// Which secrets a compiled listener or cluster refers to.
import type { ClusterConfig } from '../../model/cluster.ts';
import type { ListenerConfig } from '../../model/listener.ts';
import type { SecretRef } from '../../model/secret.ts';
import type {
  CommonTlsConfig,
  DownstreamTransportConfig,
  UpstreamTransportConfig,
} from '../../model/transport-socket.ts';

/** Every reference of a listener's filter chains. */
export function secretsOfListener(config: ListenerConfig): readonly SecretRef[] {
  const { filterChains, defaultFilterChain } = config;
  const chains = defaultFilterChain === null ? filterChains : [...filterChains, defaultFilterChain];
  return chains.flatMap(({ transport }) => ofDownstream(transport));
}

/** Every reference of a cluster's transports. */
export function secretsOfCluster({ transport, transportMatches }: ClusterConfig): SecretRef[] {
  return [transport, ...transportMatches.map((match) => match.transport)].flatMap(ofUpstream);
}

function ofDownstream(transport: DownstreamTransportConfig): readonly SecretRef[] {
  if (transport.kind === 'raw') return [];
  const { tls } = transport;
  const common = ofCommon(tls);
  return tls.ticketKeys === null ? common : [...common, tls.ticketKeys];
}

function ofUpstream(transport: UpstreamTransportConfig): readonly SecretRef[] {
  switch (transport.kind) {
    case 'raw':
      return [];
    case 'tls':
    case 'starttls':
      return transport.tls === null ? [] : ofCommon(transport.tls);
    default:
      return ofUpstream(transport.inner);
  }
}

function ofCommon({ certificates, validation }: CommonTlsConfig): readonly SecretRef[] {
  const ref = validation?.ref ?? null;
  return ref === null ? certificates : [...certificates, ref];
}
