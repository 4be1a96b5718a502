// config.core.v3.TransportSocket: what turns a socket's bytes into the connection's.
import type { TransportSocket } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { CompileContext, TransportSocketDefinition } from '../../model/extension.ts';
import {
  type DownstreamTransportConfig,
  RAW_TRANSPORT,
  type UpstreamTransportConfig,
} from '../../model/transport-socket.ts';
import { typeIn } from '../schema/open-any.ts';
import { compileExtension } from './extension-lookup.ts';

/** `transport_socket` of a filter chain; null and rejections when it cannot be used. */
export function compileDownstreamTransport(
  message: TransportSocket | undefined,
  context: CompileContext,
): DownstreamTransportConfig | null {
  if (message === undefined) return RAW_TRANSPORT;
  return compileSide(message, 'downstream', context) as DownstreamTransportConfig | null;
}

/** `transport_socket` of a cluster, or of a transport around another one. */
export function compileUpstreamTransport(
  message: TransportSocket | undefined,
  context: CompileContext,
): UpstreamTransportConfig | null {
  if (message === undefined) return RAW_TRANSPORT;
  return compileSide(message, 'upstream', context) as UpstreamTransportConfig | null;
}

function compileSide(
  message: TransportSocket,
  side: 'downstream' | 'upstream',
  context: CompileContext,
): unknown {
  const at = context.at('transport_socket');
  const { transportSockets } = context.environment.extensions;
  const isMine = (definition: TransportSocketDefinition): boolean =>
    definition.side === 'both' || definition.side === side;
  const typeName = typeIn(message.configType.value);
  const others = transportSockets.filter((it) => !isMine(it));
  if (others.some(({ schema }) => schema.typeName === typeName)) {
    const place = side === 'upstream' ? 'filter chains' : 'clusters';
    at.reject('typed_config', `'${typeName}' is for ${place}, not for ${side} connections`);
    return null;
  }
  const slot = {
    name: message.name,
    typedConfig: message.configType.value,
    definitions: transportSockets.filter(isMine),
    category: `${side} transport socket`,
    typePrefix: 'envoy.extensions.transport_sockets.',
  };
  return compileExtension(slot, at)?.config ?? null;
}
