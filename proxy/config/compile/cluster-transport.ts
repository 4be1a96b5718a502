// What carries the connections of a cluster: transport_socket, and transport_socket_matches for
// endpoints of certain metadata.
import type { JsonObject } from '@bufbuild/protobuf';
import type {
  Cluster,
  Cluster_TransportSocketMatch as TransportSocketMatch,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import {
  RAW_TRANSPORT,
  type TransportMatchConfig,
  type UpstreamTransportConfig,
} from '../../model/transport-socket.ts';
import { compileUpstreamTransport } from './transport-socket.ts';

/** Where something was refused, what stands for it is of no use. */
export function compileClusterTransport(
  message: Cluster,
  context: CompileContext,
): Pick<ClusterConfig, 'transport' | 'transportMatches'> {
  const transport = compileUpstreamTransport(message.transportSocket, context);
  const names = new Set<string>();
  const transportMatches = message.transportSocketMatches.flatMap((match, index) => {
    const at = context.at(`transport_socket_matches[${index}]`);
    if (names.has(match.name)) at.reject('name', `another match is named '${match.name}' too`);
    names.add(match.name);
    return compileMatch(match, at);
  });
  return { transport: transport ?? RAW_TRANSPORT, transportMatches };
}

function compileMatch(
  { name, match, transportSocket }: TransportSocketMatch,
  context: CompileContext,
): readonly TransportMatchConfig[] {
  const transport = compileUpstreamTransport(transportSocket, context);
  const values: JsonObject = match ?? {};
  return transport === null ? [] : [{ name, match: values, transport }];
}

/** Refuses auto_config where nobody could choose; Envoy's text. */
export function checkAlpn(
  name: string,
  { transport, transportMatches }: Pick<ClusterConfig, 'transport' | 'transportMatches'>,
  context: CompileContext,
): void {
  const rule = `ALPN configured for cluster ${name} which has a non-ALPN transport socket`;
  const remedy = 'auto_config needs TLS, others explicit_http_config';
  if (!hasAlpn(transport)) context.reject('transport_socket', `${rule}: ${remedy}`);
  for (const [index, match] of transportMatches.entries()) {
    if (hasAlpn(match.transport)) continue;
    context.reject(`transport_socket_matches[${index}]`, `${rule} matcher: ${remedy}`);
  }
}

/** As Envoy, the upgrade of a `starttls` is none that could choose a protocol. */
function hasAlpn(transport: UpstreamTransportConfig): boolean {
  if (transport.kind === 'tls') return true;
  if (transport.kind !== 'proxy-protocol' && transport.kind !== 'http-11-proxy') return false;
  return hasAlpn(transport.inner);
}
