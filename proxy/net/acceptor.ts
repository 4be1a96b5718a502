// A bound address that accepts connections.
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { pipeAddress, type SocketAddress, socketAddress } from '../base/address.ts';
import { systemErrorText } from '../base/system-error.ts';
import type { TcpKeepaliveConfig } from '../model/listener.ts';
import type { SocketOptionConfig } from '../model/socket-option.ts';
import { descriptorOf, readInto } from './accepted-socket.ts';
import { listenOnPipe } from './bound-handle.ts';
import type { Connection } from './connection.ts';
import type { EventLoop } from './event-loop.ts';
import { keepaliveOptions } from './keepalive-options.ts';
import { sharedReadBuffer } from './read-buffer.ts';
import { SocketConnection } from './socket-connection.ts';
import { IP_TRANSPARENT, IPV6_TRANSPARENT, optionInt, socketOptions } from './socket-options.ts';
import type { ListenHandle } from './socket-source.ts';

/** How to listen. */
export interface AcceptorOptions {
  readonly address: SocketAddress;
  /** null: the system's default. */
  readonly backlog: number | null;
  readonly bufferLimitBytes: number;
  readonly keepalive: TcpKeepaliveConfig | null;
  /** IP_TRANSPARENT: connections to addresses of others are accepted. */
  readonly isTransparent: boolean;
}

/** A connection that nobody reads yet. */
export interface AcceptedConnection {
  readonly connection: Connection;
  /** -1 when Node does not tell. */
  readonly fileDescriptor: number;
  /** Begins to read; the connection has its handler. */
  start(): void;
}

/** Owner of an acceptor. */
export interface AcceptorHandler {
  /** False: over a limit; the connection is closed at once. */
  mayAccept(): boolean;
  /** A connection is there; the owner sets its handler and calls `start` when it is ready. */
  onConnection(accepted: AcceptedConnection): void;
  /** Accepting failed for a while (no descriptors left); it goes on by itself. */
  onAcceptError(text: string): void;
}

/** Binds one address. Under the cluster module the primary holds the socket. */
export class Acceptor {
  readonly #loop: EventLoop;
  readonly #options: AcceptorOptions;
  readonly #keepalive: readonly SocketOptionConfig[];
  readonly #handler: AcceptorHandler;
  readonly #server: Server;
  #isListening = false;

  constructor(loop: EventLoop, options: AcceptorOptions, handler: AcceptorHandler) {
    this.#loop = loop;
    this.#options = options;
    this.#handler = handler;
    // Connections have the options of the socket that accepts them, unless Node sets its own.
    this.#keepalive = options.address.port < 0 ? [] : keepaliveOptions(options.keepalive);
    const byNode = this.#keepalive.length === 0 ? options.keepalive : null;
    this.#server = createServer(
      {
        allowHalfOpen: true,
        pauseOnConnect: true,
        noDelay: true,
        ...(byNode === null ? {} : { keepAlive: true, keepAliveInitialDelay: byNode.idleMs ?? 0 }),
      },
      (socket) => this.#onSocket(socket),
    );
  }

  /**
   * Binds, or takes over a socket that is bound already; resolves with the bound address, or with
   * the reason why it could not.
   */
  listen(
    bound: ListenHandle | null = null,
  ): Promise<{ readonly address: SocketAddress } | { readonly error: string }> {
    return new Promise((resolve) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        if (!this.#isListening) resolve({ error: systemErrorText(error) });
      });
      this.#server.once('listening', () => {
        this.#isListening = true;
        this.#setKeepalive();
        const refusal = this.#options.isTransparent ? this.#makeTransparent() : '';
        if (refusal !== '') {
          this.close();
          resolve({ error: refusal });
          return;
        }
        this.#server.on('error', (error: NodeJS.ErrnoException) => {
          this.#handler.onAcceptError(systemErrorText(error));
        });
        resolve({ address: this.#boundAddress() });
      });
      const { address, backlog } = this.#options;
      if (bound !== null && address.port < 0) listenOnPipe(this.#server, bound, backlog);
      else this.#server.listen(listenArguments(this.#options, bound));
    });
  }

  /** Stops accepting; open connections stay. */
  close(): void {
    if (this.#isListening) this.#server.close();
    this.#isListening = false;
  }

  #setKeepalive(): void {
    const system = socketOptions();
    if (typeof system === 'string') return;
    for (const option of this.#keepalive) {
      system.write(descriptorOf(this.#server), option, Buffer.from(option.octets, 'base64'));
    }
  }

  /**
   * The packet filter asks for the option when it hands a connection over, so that it may be set
   * on a socket that listens already.
   */
  #makeTransparent(): string {
    const options = socketOptions();
    if (typeof options === 'string') return `cannot set IP_TRANSPARENT: ${options}`;
    const option = this.#options.address.ip.includes(':') ? IPV6_TRANSPARENT : IP_TRANSPARENT;
    const error = options.write(descriptorOf(this.#server), option, optionInt(1));
    if (error === '') return '';
    return `cannot set IP_TRANSPARENT: ${error}; it needs the capability NET_ADMIN`;
  }

  #boundAddress(): SocketAddress {
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') return this.#options.address;
    return socketAddress(bound.address, bound.port);
  }

  #onSocket(accepted: Socket): void {
    this.#loop.beginTurn();
    if (!this.#handler.mayAccept()) {
      accepted.destroy();
      return;
    }
    const isPipe = this.#options.address.port < 0;
    const ends = isPipe
      ? { local: this.#options.address, remote: pipeAddress('') }
      : socketEnds(accepted);
    if (ends === null) {
      accepted.destroy();
      return;
    }
    const connection = new SocketConnection(this.#loop, ends, {
      bufferLimitBytes: this.#options.bufferLimitBytes,
      connecting: false,
    });
    const fileDescriptor = descriptorOf(accepted);
    const socket = readInto(accepted, sharedReadBuffer, (length, buffer) =>
      connection.receive(length, buffer),
    );
    connection.attach(socket);
    const start = (): Socket => socket.resume();
    this.#handler.onConnection({ connection, fileDescriptor, start });
  }
}

/** null when the peer is gone already. */
function socketEnds(socket: Socket): { local: SocketAddress; remote: SocketAddress } | null {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  return {
    local: socketAddress(plainIp(localAddress ?? ''), localPort ?? 0),
    remote: socketAddress(plainIp(remoteAddress), remotePort),
  };
}

/** An IPv4 peer of a dual-stack socket is shown as IPv4. */
function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip;
}

function listenArguments(options: AcceptorOptions, bound: ListenHandle | null): ListenOptions {
  const backlog = options.backlog === null ? {} : { backlog: options.backlog };
  // node documents listen(handle, backlog); its options object takes the handle under this name.
  if (bound !== null) return { handle: bound, ...backlog } as unknown as ListenOptions;
  if (options.address.port < 0) return { path: options.address.ip, ...backlog };
  // As Envoy without ipv4_compat: `::` leaves IPv4 to a listener on `0.0.0.0`, on the same port.
  const { ip: host, port } = options.address;
  return { host, port, ...(host.includes(':') ? { ipv6Only: true } : {}), ...backlog };
}
