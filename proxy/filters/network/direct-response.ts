// Sends a fixed text to whoever connects, and closes.
import {
  type Config,
  ConfigSchema,
} from '../../api/gen/envoy/extensions/filters/network/direct_response/v3/config_pb.js';
import { compileDataSource } from '../../config/compile/data-source.ts';
import type { Connection } from '../../net/connection.ts';
import type { DownstreamConnection, NetworkFilterDefinition } from '../network-filter.ts';

/** envoy.filters.network.direct_response; its configuration is the text. */
export const directResponseDefinition: NetworkFilterDefinition<Config, string> = {
  name: 'envoy.filters.network.direct_response',
  schema: ConfigSchema,
  isTerminal: true,
  support: { [ConfigSchema.typeName]: { response: 'honoured' } },
  compile: (message, context) => compileDataSource(message.response, context.at('response')),
  factory: (text) => {
    const response = Buffer.from(text);
    return { create: (connection) => new DirectResponseConnection(connection, response) };
  },
};

class DirectResponseConnection implements DownstreamConnection {
  constructor(connection: Connection, response: Buffer) {
    connection.writeBytes(response);
    connection.close('flush-and-delay');
  }

  onConnected(): void {
    // Accepted connections are connected from the start.
  }

  onBytes(): void {
    // Everything is said.
  }

  onEnd(): void {
    // It is closing.
  }

  onDrain(): void {
    // Nothing more is sent.
  }

  onClose(): void {
    // Nothing is kept.
  }

  drain(): void {
    // It is closing.
  }

  closeIfIdle(): void {
    // It is closing.
  }
}
