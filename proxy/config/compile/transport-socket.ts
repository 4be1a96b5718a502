// config.core.v3.TransportSocket: what turns a socket's bytes into the connection's.

import type { TransportSocket } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { RawBufferSchema } from '../../api/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
import type { CompileContext, ExtensionDefinition } from '../../model/extension.ts';
import { compileExtension } from './extension-lookup.ts';

/** envoy.transport_sockets.raw_buffer: what a chain or cluster without transport_socket uses. */
export const RAW_BUFFER: ExtensionDefinition = {
  name: 'envoy.transport_sockets.raw_buffer',
  schema: RawBufferSchema,
  support: { [RawBufferSchema.typeName]: {} },
  compile: () => Object.freeze({}),
};

/** Refuses every transport socket but raw ones: connections carry bytes as they are. */
export function checkTransportSocket(
  message: TransportSocket | undefined,
  context: CompileContext,
): void {
  if (message === undefined) return;
  const slot = {
    name: message.name,
    typedConfig: message.configType.value,
    definitions: context.environment.extensions.transportSockets,
    category: 'transport socket',
    typePrefix: 'envoy.extensions.transport_sockets.',
  };
  compileExtension(slot, context.at('transport_socket'));
}
