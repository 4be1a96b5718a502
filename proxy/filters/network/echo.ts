// Gives back what the client sends: for trying out listeners and networks.
import {
  type Echo,
  EchoSchema,
} from '../../api/gen/envoy/extensions/filters/network/echo/v3/echo_pb.js';
import type { Connection } from '../../net/connection.ts';
import type { DownstreamConnection, NetworkFilterDefinition } from '../network-filter.ts';

/** envoy.filters.network.echo */
export const echoDefinition: NetworkFilterDefinition<Echo> = {
  name: 'envoy.filters.network.echo',
  schema: EchoSchema,
  isTerminal: true,
  support: { [EchoSchema.typeName]: {} },
  compile: () => Object.freeze({}),
  factory: () => ({ create: (connection) => new EchoConnection(connection) }),
};

class EchoConnection implements DownstreamConnection {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  onConnected(): void {
    // Accepted connections are connected from the start.
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#connection.writeBytes(buffer.subarray(0, length));
    if (!this.#connection.isWritable()) this.#connection.pauseReading();
  }

  onEnd(): void {
    this.#connection.close('flush');
  }

  onDrain(): void {
    this.#connection.resumeReading();
  }

  onClose(): void {
    // Nothing is kept.
  }

  drain(): void {
    // As Envoy: it lasts until the time for draining is over.
  }

  closeIfIdle(): void {
    // Nobody knows whether more comes.
  }
}
