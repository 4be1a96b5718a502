// Opens upstream connections.
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { pipeAddress, type SocketAddress, socketAddress } from '../base/address.ts';
import type { TcpKeepaliveConfig } from '../model/listener.ts';
import type { Connection, ConnectionHandler } from './connection.ts';
import type { EventLoop } from './event-loop.ts';
import { sharedReadBuffer } from './read-buffer.ts';
import { SocketConnection } from './socket-connection.ts';

/** How to connect. */
export interface ConnectOptions {
  readonly bufferLimitBytes: number;
  readonly keepalive: TcpKeepaliveConfig | null;
  /** Source address; null: the system chooses. */
  readonly bindAddress: { readonly ip: string; readonly port: number } | null;
}

/** Opens connections; a test's connector joins two ends in memory. */
export interface Connector {
  /**
   * Begins to connect to a numeric address or a pipe. The handler hears `onConnected`, or `onClose`
   * with `connect-failed` and the system's text; both never inside this call.
   */
  connect(target: SocketAddress, options: ConnectOptions, handler: ConnectionHandler): Connection;
}

const UNKNOWN_ADDRESS = socketAddress('0.0.0.0', 0);

/** The system's sockets. */
export class SocketConnector implements Connector {
  readonly #loop: EventLoop;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  connect(target: SocketAddress, options: ConnectOptions, handler: ConnectionHandler): Connection {
    const ends = { local: UNKNOWN_ADDRESS, remote: target };
    const connection = new SocketConnection(this.#loop, ends, {
      bufferLimitBytes: options.bufferLimitBytes,
      connecting: true,
    });
    connection.setHandler(handler);
    const socket = connect(connectArguments(target, options, connection));
    socket.once('connect', () => connection.connected(localEnd(socket, target)));
    connection.attach(socket);
    return connection;
  }
}

function connectArguments(
  target: SocketAddress,
  options: ConnectOptions,
  connection: SocketConnection,
): NetConnectOpts {
  const shared = {
    allowHalfOpen: true,
    onread: {
      buffer: sharedReadBuffer,
      callback: (length: number, buffer: Uint8Array): boolean => {
        connection.receive(length, buffer as Buffer);
        return true;
      },
    },
  };
  if (target.port < 0) return { ...shared, path: target.ip };
  const keepalive = options.keepalive;
  return {
    ...shared,
    host: target.ip,
    port: target.port,
    noDelay: true,
    ...(keepalive === null
      ? {}
      : { keepAlive: true, keepAliveInitialDelay: keepalive.idleMs ?? 0 }),
    ...(options.bindAddress === null
      ? {}
      : { localAddress: options.bindAddress.ip, localPort: options.bindAddress.port }),
  };
}

function localEnd(socket: Socket, target: SocketAddress): SocketAddress {
  if (target.port < 0) return pipeAddress('');
  return socketAddress(socket.localAddress ?? '0.0.0.0', socket.localPort ?? 0);
}
