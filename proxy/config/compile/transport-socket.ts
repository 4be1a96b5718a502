// config.core.v3.TransportSocket: what turns a socket's bytes into the connection's.

import type { TransportSocket } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { RawBufferSchema } from '../../api/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
import type { CompileContext, ExtensionDefinition } from '../../model/extension.ts';
import type { TransportSocketConfig } from '../../model/listener.ts';
import { compileExtension } from './extension-lookup.ts';

/** A connection's bytes as they are: what a chain or cluster without transport_socket uses. */
export const RAW_TRANSPORT_SOCKET: TransportSocketConfig = Object.freeze({ kind: 'raw' });

/** envoy.transport_sockets.raw_buffer */
export const RAW_BUFFER: ExtensionDefinition = {
  name: 'envoy.transport_sockets.raw_buffer',
  schema: RawBufferSchema,
  support: { [RawBufferSchema.typeName]: {} },
  compile: () => RAW_TRANSPORT_SOCKET,
};

/** The compiled transport socket, raw when none is named; null and a rejection for a refused one. */
export function compileTransportSocket(
  message: TransportSocket | undefined,
  context: CompileContext,
): TransportSocketConfig | null {
  if (message === undefined) return RAW_TRANSPORT_SOCKET;
  const slot = {
    name: message.name,
    typedConfig: message.configType.value,
    definitions: context.environment.extensions.transportSockets,
    category: 'transport socket',
    typePrefix: 'envoy.extensions.transport_sockets.',
  };
  const found = compileExtension(slot, context.at('transport_socket'));
  return found === null ? null : (found.config as TransportSocketConfig);
}
