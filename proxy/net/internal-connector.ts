// Connects within the worker: to listeners that have a name and no socket.
import {
  type InternalAddress,
  internalAddress,
  isInternalAddress,
  type SocketAddress,
} from '../base/address.ts';
import type { AcceptedConnection } from './acceptor.ts';
import type { Connection, ConnectionHandler } from './connection.ts';
import type { ConnectOptions, Connector } from './connector.ts';
import type { EventLoop, Flushable } from './event-loop.ts';
import { InternalConnection } from './internal-connection.ts';

/** Envoy names every client of an internal listener so. */
const CLIENT_ADDRESS = internalAddress('internal_client_address', '');

/** What connect(2) would say: Envoy's text where no listener has the name. */
const NO_LISTENER = 'Invalid argument';

/** Takes connections of one internal listener. */
export interface InternalAcceptor {
  readonly bufferLimitBytes: number;
  /** False: over a limit; the connection is closed at once. */
  mayAccept(): boolean;
  /** The owner sets the connection's handler and calls `start` when it is ready. */
  serve(accepted: AcceptedConnection): void;
}

/** The internal listeners of a worker by name. */
export type InternalListeners = ReadonlyMap<string, InternalAcceptor>;

/** Hands connections to internal listeners, all others to the system. */
export class InternalConnector implements Connector {
  readonly #loop: EventLoop;
  readonly #listeners: InternalListeners;
  readonly #outside: Connector;
  /** Envoy InternalListener.buffer_size_kb, in octets: of each direction. */
  readonly #bufferSizeBytes: number;

  constructor(
    loop: EventLoop,
    inside: { readonly listeners: InternalListeners; readonly bufferSizeBytes: number },
    outside: Connector,
  ) {
    this.#loop = loop;
    this.#listeners = inside.listeners;
    this.#bufferSizeBytes = inside.bufferSizeBytes;
    this.#outside = outside;
  }

  connect(target: SocketAddress, options: ConnectOptions, handler: ConnectionHandler): Connection {
    if (!isInternalAddress(target)) return this.#outside.connect(target, options, handler);
    const client = new InternalConnection(this.#loop, {
      local: CLIENT_ADDRESS,
      remote: target,
      bufferLimitBytes: this.#limit(options.bufferLimitBytes),
      reads: true,
    });
    client.setHandler(handler);
    this.#loop.flushLater(new PendingConnect(client, () => this.#accept(client, target)));
    return client;
  }

  #accept(client: InternalConnection, target: InternalAddress): void {
    const listener = this.#listeners.get(target.listenerName);
    if (listener === undefined) {
      client.fail(NO_LISTENER);
      return;
    }
    const server = new InternalConnection(this.#loop, {
      local: target,
      remote: CLIENT_ADDRESS,
      bufferLimitBytes: this.#limit(listener.bufferLimitBytes),
      reads: false,
    });
    InternalConnection.join(client, server);
    client.announce();
    if (!listener.mayAccept()) server.close('now');
    else {
      const start = (): void => server.start();
      listener.serve({ connection: server, fileDescriptor: -1, start });
    }
  }

  #limit(bufferLimitBytes: number): number {
    return Math.min(bufferLimitBytes, this.#bufferSizeBytes);
  }
}

/** A connection that opens at the end of the turn, unless it is closed before. */
class PendingConnect implements Flushable {
  readonly #client: InternalConnection;
  readonly #accept: () => void;

  constructor(client: InternalConnection, accept: () => void) {
    this.#client = client;
    this.#accept = accept;
  }

  flush(): void {
    if (this.#client.isConnecting) this.#accept();
  }
}
