// A Connection over a net.Socket: states, events, and output. It may turn into TLS without notice.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SocketAddress } from '../base/address.ts';
import { INVARIANTS, invariant } from '../base/invariants.ts';
import type { TlsInfo } from '../http/tls-info.ts';
import { isPublicOnly } from './accepted-socket.ts';
import { CloseAccount } from './close-account.ts';
import type { CloseMode, Connection, ConnectionHandler } from './connection.ts';
import { nextConnectionId } from './connection-id.ts';
import type { EventLoop, Flushable } from './event-loop.ts';
import { type HeldReader, HeldReads } from './held-reads.ts';
import { sharedReadBuffer } from './read-buffer.ts';
import { resetSecureSocket, secureSocket } from './secure-socket.ts';
import { secureWriter } from './secure-writer.ts';
import { DEFAULT_DELAYED_CLOSE_MS, type EndingConnection, SocketEnding } from './socket-ending.ts';
import { SocketOutput } from './socket-output.ts';
import {
  type ConnectionOptions,
  SOCKET_EDGES,
  type SocketEnds,
  type SocketState,
} from './socket-state.ts';
import { socketWriter } from './socket-writer.ts';
import type { Preparation, PreparedConnection, TlsHandshake } from './transport.ts';

/** See Connection. Its owner calls `attach` once with the socket that feeds `receive`. */
export class SocketConnection
  implements Connection, PreparedConnection, Flushable, HeldReader, EndingConnection
{
  readonly id: number;
  localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  bytesRead = 0;
  bytesWritten = 0;
  tls: TlsInfo | null = null;
  handler: ConnectionHandler | null = null;
  isSecure = false;
  hasPeerEnded = false;
  onGone: ((connection: Connection) => void) | null = null;
  delayedCloseMs = DEFAULT_DELAYED_CLOSE_MS;
  onDelayedCloseTimeout: (() => void) | null = null;
  readonly #loop: EventLoop;
  readonly #bufferLimit: number;
  readonly #output: SocketOutput;
  #socket: Socket | null = null;
  #state: SocketState;
  #flushQueued = false;
  #wantsDrain = false;
  #readPaused = false;
  readonly #account = new CloseAccount();
  readonly #ending: SocketEnding;
  readonly #preparation: Preparation | null;
  /** Of TLS, from its beginning; null: clear text. */
  #handshake: TlsHandshake | null = null;
  #held: HeldReads | null = null;
  readonly #onEnd = (): void => this.#onSocketEnd();
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#onSocketError(error);
  readonly #onClose = (): void => this.#onSocketClose();

  constructor(loop: EventLoop, ends: SocketEnds, options: ConnectionOptions) {
    this.id = nextConnectionId();
    this.#loop = loop;
    this.localAddress = ends.local;
    this.remoteAddress = ends.remote;
    this.#bufferLimit = options.bufferLimitBytes;
    this.#output = new SocketOutput(loop.slab);
    this.#ending = new SocketEnding(loop, this.#output, this);
    this.#state = options.connecting ? 'connecting' : 'open';
    this.#preparation = options.preparation ?? null;
  }

  /** Takes over the socket's events. */
  attach(socket: Socket): void {
    this.#socket = socket;
    if (this.#state === 'open') this.#writeTo(socket);
    socket.on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  /** The socket that we opened is connected. */
  connected(local: SocketAddress): void {
    this.localAddress = local;
    if (this.#state !== 'connecting') return;
    // Only a connected socket has its final handle.
    if (this.#socket !== null) this.#writeTo(this.#socket);
    this.#loop.beginTurn();
    this.#enter('preparing');
    if (this.#preparation === null) this.ready();
    else this.#preparation.begin(this);
    if (INVARIANTS) this.checkInvariants();
  }

  ready(): void {
    if (this.#state !== 'preparing') return;
    this.#enter('open');
    this.handler?.onConnected();
    // Asked for while there was nothing to pause.
    if (!this.isReading) this.#socket?.pause();
  }

  refuse(reason: string): void {
    if (this.#state !== 'preparing') return;
    this.#account.refused(reason);
    this.#destroy('now');
  }

  secure(handshake: TlsHandshake, early: Buffer): void {
    const raw = this.#socket;
    if (raw === null || this.#state === 'closing' || this.#state === 'closed') return;
    if (this.#state === 'open') this.#enter('preparing');
    this.#output.writeOut();
    raw.off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    raw.removeAllListeners('data');
    this.#handshake = handshake;
    this.isSecure = true;
    this.#held = new HeldReads(this.#loop, this);
    const socket = secureSocket(raw, {
      parameters: handshake.parameters,
      early,
      buffer: sharedReadBuffer,
      onRead: (length, buffer) => this.receive(length, buffer),
      publicOnly: isPublicOnly(),
    });
    socket.once('secure', () => this.#onSecure(socket));
    this.attach(socket);
    socket.resume();
  }

  /** Octets arrived in `buffer[0, length)`. */
  receive(length: number, buffer: Buffer): void {
    this.#loop.beginTurn();
    this.bytesRead += length;
    if (this.#state === 'preparing') this.#preparation?.onBytes(buffer, length);
    else if (this.#state !== 'open') return;
    else if (this.#held === null || (this.#held.isEmpty && !this.#readPaused)) {
      (this.handler as ConnectionHandler).onBytes(buffer, length);
    } else this.#held.add(buffer, length);
    if (INVARIANTS) this.checkInvariants();
  }

  finishClose(isLate: boolean): void {
    if (isLate) this.onDelayedCloseTimeout?.();
    this.#destroy('now');
  }

  /** Held octets may be handed out. */
  get isReading(): boolean {
    return this.#state === 'open' && !this.#readPaused;
  }

  onHeldOut(): void {
    this.#socket?.resume();
  }

  setHandler(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  get bufferedBytes(): number {
    return this.#output.collectedBytes + this.#output.pendingBytes;
  }

  isWritable(): boolean {
    if (this.bufferedBytes <= this.#bufferLimit) return true;
    this.#wantsDrain = true;
    return false;
  }

  writeText(text: string): void {
    if (!this.#mayWrite()) return;
    this.#output.addText(text);
    this.#wrote(text.length);
  }

  writeBytes(data: Buffer): void {
    if (data.length === 0 || !this.#mayWrite()) return;
    this.#output.addBytes(data);
    this.#wrote(data.length);
  }

  pauseReading(): void {
    if (this.#readPaused) return;
    this.#readPaused = true;
    this.#socket?.pause();
  }

  resumeReading(): void {
    if (!this.#readPaused) return;
    this.#readPaused = false;
    if (this.#held?.isEmpty === false) this.#held.release();
    else if (this.#state !== 'closed') this.#socket?.resume();
  }

  halfClose(): void {
    if (this.#state !== 'open') return;
    this.#ending.isWanted = true;
    this.#queueFlush();
  }

  close(mode: CloseMode): void {
    if (this.#state === 'closed') return;
    const wasConnecting = this.#state === 'connecting' || this.#state === 'preparing';
    if (wasConnecting || mode === 'now' || mode === 'reset') {
      this.#enter('closing');
      // What counts as sent leaves if the kernel takes it; the RST says that it is not all.
      if (mode === 'reset' && !wasConnecting) this.#output.writeOut();
      this.#destroy(mode);
      return;
    }
    if (this.#state === 'closing') return;
    this.#enter('closing');
    this.#ending.close(mode === 'flush-and-delay' && this.delayedCloseMs > 0);
    this.#held?.discard();
    // What the peer still sends is read and dropped, so that its data does not turn into a reset.
    this.resumeReading();
    this.#queueFlush();
    if (INVARIANTS) this.checkInvariants();
  }

  flush(): void {
    this.#flushQueued = false;
    this.#output.writeOut();
    if (this.#wantsDrain && this.bufferedBytes === 0) this.#onSocketDrain();
    const isEnding = this.#ending.isWanted && this.#state !== 'closed';
    if (isEnding) this.#ending.send(this.#socket as Socket, this.#state === 'closing');
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const output = this.#output;
    const isQueued = this.#flushQueued;
    output.checkInvariants();
    invariant(output.collectedBytes === 0 || isQueued, 'connection: who has output is flushed');
    const waits = this.isSecure && output.pendingBytes > 0;
    invariant(!this.#ending.isWanted || isQueued || waits, 'connection: FIN leaves with a flush');
    invariant(this.bufferedBytes <= this.bytesWritten, 'connection: only what was written waits');
    invariant(
      !this.#ending.isTimed || this.#state === 'closing',
      'connection: only a close is delayed',
    );
    if (this.#state !== 'closed') return;
    invariant(output.collectedBytes === 0, 'connection: a closed one has no output');
  }

  #enter(next: SocketState): void {
    if (INVARIANTS) SOCKET_EDGES.check(this.#state, next);
    this.#state = next;
  }

  #wrote(length: number): void {
    this.bytesWritten += length;
    this.#queueFlush();
    if (INVARIANTS) this.checkInvariants();
  }

  #queueFlush(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    this.#loop.flushLater(this);
  }

  /** In front of a handshake only the preparation writes: the owner does not yet. */
  #mayWrite(): boolean {
    return this.#state === 'open' || (this.#state === 'preparing' && !this.isSecure);
  }

  #writeTo(socket: Socket): void {
    this.#output.writeBy(socketWriter(socket, isPublicOnly(), () => this.#onWritten()));
  }

  #destroy(mode: CloseMode): void {
    const socket = this.#socket;
    this.#output.discard();
    this.#enter('closing');
    if (socket === null) return;
    if (mode !== 'reset') socket.destroy();
    else if (!this.isSecure) socket.resetAndDestroy();
    else resetSecureSocket(socket as TLSSocket);
  }

  /** The kernel has taken everything. */
  #onWritten(): void {
    this.#output.unpin();
    if (this.#ending.isWanted) this.#queueFlush();
    this.#onSocketDrain();
  }

  #onSecure(socket: TLSSocket): void {
    this.#loop.beginTurn();
    const found = (this.#handshake as TlsHandshake).onSecure(socket);
    if (typeof found === 'string') {
      this.refuse(found);
      return;
    }
    if (this.#state !== 'preparing') return;
    this.tls = found;
    this.#output.writeBy(secureWriter(socket, isPublicOnly(), () => this.#onWritten()));
    this.ready();
    if (INVARIANTS) this.checkInvariants();
  }

  /** It went away, or failed, before its owner had it. */
  #onUnprepared(error: NodeJS.ErrnoException | null): void {
    this.#account.unprepared(error, this.#handshake);
    this.#destroy('now');
  }

  #onSocketDrain(): void {
    if (!this.#wantsDrain || this.#state !== 'open') return;
    this.#loop.beginTurn();
    this.#wantsDrain = false;
    this.handler?.onDrain();
  }

  #onSocketEnd(): void {
    this.#loop.beginTurn();
    this.hasPeerEnded = true;
    if (this.#state === 'preparing') {
      this.#onUnprepared(null);
      return;
    }
    this.#account.peerEnded();
    if (this.#held?.isEmpty === false) this.#held.addEnd();
    else if (this.#state === 'open') this.handler?.onEnd();
    else this.#destroy('now');
  }

  #onSocketError(error: NodeJS.ErrnoException): void {
    if (this.#state === 'preparing') {
      this.#onUnprepared(error);
      return;
    }
    // node tells of broken records, and leaves the rest to whoever listens.
    if (this.isSecure) this.#socket?.destroy();
    this.#account.failed(error, this.#state === 'connecting');
  }

  #onSocketClose(): void {
    if (this.#state === 'closed') return;
    this.#enter('closed');
    this.#loop.beginTurn();
    this.#ending.cancel();
    this.#held?.discard();
    this.#output.discard();
    this.#output.unpin();
    if (INVARIANTS) this.checkInvariants();
    this.handler?.onClose(this.#account.reason, this.#account.detail);
    this.onGone?.(this);
  }
}
