// config.core.v3.TransportSocket: what turns a socket's bytes into the connection's.

import type { TransportSocket } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  type InternalUpstreamTransport,
  InternalUpstreamTransportSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.js';
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

/**
 * envoy.transport_sockets.internal_upstream: what it adds to raw bytes is metadata for the internal
 * listener, which is refused; so it only holds a raw_buffer.
 */
export const INTERNAL_UPSTREAM: ExtensionDefinition<InternalUpstreamTransport> = {
  name: 'envoy.transport_sockets.internal_upstream',
  schema: InternalUpstreamTransportSchema,
  support: {
    [InternalUpstreamTransportSchema.typeName]: {
      passthrough_metadata: { refused: 'metadata does not reach internal listeners yet' },
      transport_socket: 'honoured',
    },
  },
  compile: ({ transportSocket }, context) => {
    checkTransportSocket(transportSocket, context, 'upstream');
    return Object.freeze({});
  },
};

/** Refuses every transport socket but raw ones: connections carry bytes as they are. */
export function checkTransportSocket(
  message: TransportSocket | undefined,
  context: CompileContext,
  side: 'downstream' | 'upstream',
): void {
  if (message === undefined) return;
  const slot = {
    name: message.name,
    typedConfig: message.configType.value,
    definitions: context.environment.extensions.transportSockets.filter(
      ({ name }) => side === 'upstream' || name !== INTERNAL_UPSTREAM.name,
    ),
    category: 'transport socket',
    typePrefix: 'envoy.extensions.transport_sockets.',
  };
  compileExtension(slot, context.at('transport_socket'));
}
