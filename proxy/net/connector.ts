// Opens upstream connections.
import { connect, type NetConnectOpts, Socket } from 'node:net';
import { pipeAddress, type SocketAddress, socketAddress } from '../base/address.ts';
import type { TcpKeepaliveConfig } from '../model/listener.ts';
import type { SocketOptionConfig } from '../model/socket-option.ts';
import type { Connection, ConnectionHandler } from './connection.ts';
import type { EventLoop } from './event-loop.ts';
import { keepaliveOptions } from './keepalive-options.ts';
import { preparedSocket } from './prepared-socket.ts';
import { sharedReadBuffer } from './read-buffer.ts';
import { SocketConnection } from './socket-connection.ts';
import type { Preparation } from './transport.ts';

/** How to connect. */
export interface ConnectOptions {
  readonly bufferLimitBytes: number;
  readonly keepalive: TcpKeepaliveConfig | null;
  /** Source address; null: the system chooses. */
  readonly bindAddress: { readonly ip: string; readonly port: number } | null;
  /** Options that Node does not set; absent: none. Where they cannot be set, nothing is connected. */
  readonly socketOptions?: readonly SocketOptionConfig[];
  /** What comes before `onConnected`; absent or null: nothing. */
  readonly preparation?: Preparation | null;
}

/** Opens connections; a test's connector joins two ends in memory. */
export interface Connector {
  /**
   * Begins to connect to a numeric address or a pipe. The handler hears `onConnected`, or `onClose`
   * with `connect-failed` and the system's text; both never inside this call.
   */
  connect(target: SocketAddress, options: ConnectOptions, handler: ConnectionHandler): Connection;
}

const NO_OPTIONS: readonly SocketOptionConfig[] = [];
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
      preparation: options.preparation ?? null,
    });
    connection.setHandler(handler);
    const socket = openSocket(target, options, connection);
    socket.once('connect', () => connection.connected(localEnd(socket, target)));
    connection.attach(socket);
    return connection;
  }
}

/** A socket that connects, or one that is about to say why it does not. */
function openSocket(
  target: SocketAddress,
  options: ConnectOptions,
  connection: SocketConnection,
): Socket {
  const { socketOptions = NO_OPTIONS } = options;
  // Without the system's calls keep-alive does with what Node sets.
  const keepalive = keepaliveOptions(options.keepalive);
  if (target.port < 0 || socketOptions.length + keepalive.length === 0) {
    return connect(connectArguments(target, options, connection));
  }
  const ofNode = keepalive.length === 0 ? options : { ...options, keepalive: null };
  const to = connectArguments(target, ofNode, connection);
  const socket = preparedSocket(target.ip, [...keepalive, ...socketOptions], to);
  return typeof socket === 'string' ? new Socket().destroy(new Error(socket)) : socket.connect(to);
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
