// Connections in memory whose far end is the test. Strict: what a real transport would never do
// or never forgive fails at once.
import assert from 'node:assert/strict';
import { type SocketAddress, socketAddress } from '../../proxy/base/address.ts';
import type { TlsInfo } from '../../proxy/http/tls-info.ts';
import type {
  CloseMode,
  CloseReason,
  Connection,
  ConnectionHandler,
} from '../../proxy/net/connection.ts';
import type { ConnectOptions, Connector } from '../../proxy/net/connector.ts';
import type { TlsHandshake } from '../../proxy/net/transport.ts';

type State = 'connecting' | 'open' | 'closed';

/** One connection; methods named after what the far end (or the system) does drive it. */
export class FakeConnection implements Connection {
  onGone: ((connection: Connection) => void) | null = null;
  delayedCloseMs = 1000;
  onDelayedCloseTimeout: (() => void) | null = null;
  readonly id: number;
  readonly localAddress = socketAddress('127.0.0.1', 50000);
  readonly remoteAddress: SocketAddress;
  readonly options: ConnectOptions;
  bytesRead = 0;
  bytesWritten = 0;
  bufferedBytes = 0;
  tls: TlsInfo | null = null;
  /** What `secure` was called with last. */
  handshake: TlsHandshake | null = null;
  /** Everything that was written, as latin1 text. */
  written = '';
  closeMode: CloseMode | null = null;
  isPaused = false;
  /** FIN was sent. */
  isHalfClosed = false;
  #state: State = 'connecting';
  #handler: ConnectionHandler;

  constructor(
    id: number,
    target: SocketAddress,
    options: ConnectOptions,
    handler: ConnectionHandler,
  ) {
    this.id = id;
    this.remoteAddress = target;
    this.options = options;
    this.#handler = handler;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  /** The far end accepted. */
  accept(): void {
    assert.equal(this.#state, 'connecting', 'accept() needs a connecting connection');
    this.#state = 'open';
    this.#handler.onConnected();
  }

  /** The system could not connect. */
  refuse(detail = 'Connection refused'): void {
    assert.equal(this.#state, 'connecting', 'refuse() needs a connecting connection');
    this.end('connect-failed', detail);
  }

  /** Bytes from the far end. */
  receive(text: string): void {
    assert.equal(this.#state, 'open', 'receive() needs an open connection');
    const bytes = Buffer.from(text, 'latin1');
    this.bytesRead += bytes.length;
    this.#handler.onBytes(bytes, bytes.length);
    // The buffer was lent for the call only: whoever kept it reads rubbish.
    bytes.fill(0xee);
  }

  /** FIN from the far end. */
  receiveEnd(): void {
    assert.equal(this.#state, 'open', 'receiveEnd() needs an open connection');
    this.#handler.onEnd();
  }

  /** The connection is gone. */
  end(reason: CloseReason, detail = ''): void {
    assert.notEqual(this.#state, 'closed', 'end() needs a connection that is not closed');
    this.#state = 'closed';
    this.#handler.onClose(reason, detail);
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  writeText(text: string): void {
    assert.equal(this.#state, 'open', `write on a connection that is ${this.#state}`);
    this.written += text;
    this.bytesWritten += text.length;
  }

  writeBytes(data: Buffer): void {
    this.writeText(data.toString('latin1'));
  }

  isWritable(): boolean {
    return true;
  }

  pauseReading(): void {
    this.isPaused = true;
  }

  resumeReading(): void {
    this.isPaused = false;
  }

  halfClose(): void {
    assert.equal(this.#state, 'open', `halfClose on a connection that is ${this.#state}`);
    this.isHalfClosed = true;
  }

  secure(handshake: TlsHandshake): void {
    assert.equal(this.#state, 'open', `secure on a connection that is ${this.#state}`);
    this.handshake = handshake;
  }

  /** As a socket: closing twice is harmless, the handler hears of it later (here: never). */
  close(mode: CloseMode): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.closeMode = mode;
  }
}

/** Hands out FakeConnections and remembers them. */
export class FakeConnector implements Connector {
  /** Every connection so far, in order. */
  readonly connections: FakeConnection[] = [];

  connect(target: SocketAddress, options: ConnectOptions, handler: ConnectionHandler): Connection {
    const connection = new FakeConnection(this.connections.length + 1, target, options, handler);
    this.connections.push(connection);
    return connection;
  }

  /** The connection made last. */
  last(): FakeConnection {
    const connection = this.connections.at(-1);
    assert.ok(connection, 'a connection was expected');
    return connection;
  }

  /** Connections that are not closed. */
  live(): FakeConnection[] {
    return this.connections.filter((connection) => !connection.isClosed);
  }
}
