// Which secrets a compiled listener or cluster refers to.
import type { ClusterConfig } from '../../model/cluster.ts';
import type { ListenerConfig } from '../../model/listener.ts';
import type { SecretRef } from '../../model/secret.ts';
import type {
  CommonTlsConfig,
  DownstreamTlsConfig,
  UpstreamTlsConfig,
  UpstreamTransportConfig,
} from '../../model/transport-socket.ts';

/** Every reference of a listener's filter chains. */
export function secretsOfListener(config: ListenerConfig): readonly SecretRef[] {
  return contextsOfListener(config).flatMap((tls) => {
    const common = ofCommon(tls);
    return tls.ticketKeys === null ? common : [...common, tls.ticketKeys];
  });
}

/** The TLS contexts of a listener's filter chains. */
export function contextsOfListener(config: ListenerConfig): readonly DownstreamTlsConfig[] {
  const { filterChains, defaultFilterChain } = config;
  const chains = defaultFilterChain === null ? filterChains : [...filterChains, defaultFilterChain];
  return chains.flatMap(({ transport }) => (transport.kind === 'raw' ? [] : [transport.tls]));
}

/** Every reference of a cluster's transports. */
export function secretsOfCluster(config: ClusterConfig): readonly SecretRef[] {
  return contextsOfCluster(config).flatMap(ofCommon);
}

/** The TLS contexts of a cluster's transports. */
export function contextsOfCluster(config: ClusterConfig): readonly UpstreamTlsConfig[] {
  const { transport, transportMatches } = config;
  return [transport, ...transportMatches.map((match) => match.transport)].flatMap(ofUpstream);
}

function ofUpstream(transport: UpstreamTransportConfig): readonly UpstreamTlsConfig[] {
  switch (transport.kind) {
    case 'raw':
      return [];
    case 'tls':
    case 'starttls':
      return transport.tls === null ? [] : [transport.tls];
    default:
      return ofUpstream(transport.inner);
  }
}

function ofCommon({ certificates, validation }: CommonTlsConfig): readonly SecretRef[] {
  const ref = validation?.ref ?? null;
  return ref === null ? certificates : [...certificates, ref];
}
