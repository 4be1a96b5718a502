// A Connection over a net.Socket (TCP or pipe): its states, its events, and the flush of its output
// at the end of a turn of the event loop. It may turn into TLS without its owner's noticing.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SocketAddress } from '../base/address.ts';
import { Edges, INVARIANTS, invariant } from '../base/invariants.ts';
import { systemErrorText } from '../base/system-error.ts';
import type { TlsInfo } from '../http/tls-info.ts';
import { isPublicOnly } from './accepted-socket.ts';
import type { CloseMode, CloseReason, Connection, ConnectionHandler } from './connection.ts';
import { nextConnectionId } from './connection-id.ts';
import { DelayedClose } from './delayed-close.ts';
import type { EventLoop, Flushable } from './event-loop.ts';
import { type HeldReader, HeldReads } from './held-reads.ts';
import { sharedReadBuffer } from './read-buffer.ts';
import { resetSecureSocket, secureSocket } from './secure-socket.ts';
import { SocketOutput } from './socket-output.ts';
import { secureWriter, socketWriter } from './socket-writer.ts';
import type { Preparation, PreparedConnection, TlsHandshake } from './transport.ts';

/** Time for the peer to close after our last byte (Envoy: delayed_close_timeout). */
const DEFAULT_DELAYED_CLOSE_MS = 1000;

/** The two ends of a socket. */
export interface SocketEnds {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

/** Drawn in LIFECYCLE.md. */
type State = 'connecting' | 'preparing' | 'open' | 'closing' | 'closed';

const EDGES = new Edges<State>('connection', {
  connecting: ['preparing', 'open', 'closing', 'closed'],
  preparing: ['open', 'closing', 'closed'],
  open: ['preparing', 'closing', 'closed'],
  closing: ['closed'],
  closed: [],
});

/** See Connection. Its owner calls `attach` once with the socket that feeds `receive`. */
export class SocketConnection implements Connection, PreparedConnection, Flushable, HeldReader {
  readonly id: number;
  localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  bytesRead = 0;
  bytesWritten = 0;
  tls: TlsInfo | null = null;
  onGone: ((connection: Connection) => void) | null = null;
  delayedCloseMs = DEFAULT_DELAYED_CLOSE_MS;
  onDelayedCloseTimeout: (() => void) | null = null;
  readonly #loop: EventLoop;
  readonly #bufferLimit: number;
  readonly #output: SocketOutput;
  #socket: Socket | null = null;
  #handler: ConnectionHandler | null = null;
  #state: State;
  #flushQueued = false;
  #wantsDrain = false;
  #readPaused = false;
  #endAfterFlush = false;
  #delayAfterFlush = false;
  #peerEnded = false;
  #reason: CloseReason = 'local-close';
  #detail = '';
  #delayedClose: DelayedClose | null = null;
  readonly #preparation: Preparation | null;
  /** Of TLS, from its beginning; null: clear text. */
  #handshake: TlsHandshake | null = null;
  #held: HeldReads | null = null;
  /** The peer's end waits behind what is held. */
  #isEndHeld = false;
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
    this.#state = options.connecting ? 'connecting' : 'open';
    this.#preparation = options.preparation ?? null;
  }

  /** Takes over the socket's events. */
  attach(socket: Socket): void {
    this.#socket = socket;
    if (this.#state === 'open') this.#writeTo(socket);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** The socket that we opened is connected. */
  connected(local: SocketAddress): void {
    this.localAddress = local;
    if (this.#state !== 'connecting') return;
    // Only a connected socket has its final handle.
    if (this.#socket !== null) this.#writeTo(this.#socket);
    this.#loop.beginTurn();
    if (this.#preparation === null) {
      this.#enter('open');
      this.#handler?.onConnected();
    } else {
      this.#enter('preparing');
      this.#preparation.begin(this);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  ready(): void {
    if (this.#state !== 'preparing') return;
    this.#enter('open');
    this.#handler?.onConnected();
    // Asked for while there was nothing to pause.
    if (this.isReading) return;
    this.#socket?.pause();
  }

  refuse(reason: string): void {
    if (this.#state !== 'preparing') return;
    this.#reason = 'transport-failed';
    this.#detail = reason;
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
    if (this.#state === 'open') {
      if (this.#held === null || (this.#held.isEmpty && !this.#readPaused)) {
        (this.#handler as ConnectionHandler).onBytes(buffer, length);
      } else {
        this.#held.add(buffer, length);
      }
    } else if (this.#state === 'preparing') {
      this.#preparation?.onBytes(buffer, length);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  /** Held octets may be handed out. */
  get isReading(): boolean {
    return this.#state === 'open' && !this.#readPaused;
  }

  onHeldBytes(buffer: Buffer, length: number): void {
    this.#handler?.onBytes(buffer, length);
  }

  onHeldOut(): void {
    if (this.#isEndHeld) {
      this.#isEndHeld = false;
      this.#handler?.onEnd();
    } else this.#socket?.resume();
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler;
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
    this.bytesWritten += text.length;
    this.#output.addText(text);
    this.#queueFlush();
    if (INVARIANTS) this.checkInvariants();
  }

  writeBytes(data: Buffer): void {
    if (data.length === 0 || !this.#mayWrite()) return;
    this.bytesWritten += data.length;
    this.#output.addBytes(data);
    this.#queueFlush();
    if (INVARIANTS) this.checkInvariants();
  }

  pauseReading(): void {
    if (this.#readPaused) return;
    this.#readPaused = true;
    this.#socket?.pause();
  }

  resumeReading(): void {
    if (!this.#readPaused) return;
    this.#readPaused = false;
    if (this.#held !== null && (this.#isEndHeld || !this.#held.isEmpty)) this.#held.release();
    else if (this.#state !== 'closed') this.#socket?.resume();
  }

  halfClose(): void {
    if (this.#state !== 'open') return;
    this.#endAfterFlush = true;
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
    this.#delayAfterFlush = mode === 'flush-and-delay' && this.delayedCloseMs > 0;
    this.#endAfterFlush = true;
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
    if (this.#endAfterFlush) this.#sendEnd();
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const output = this.#output;
    const isQueued = this.#flushQueued;
    output.checkInvariants();
    invariant(output.collectedBytes === 0 || isQueued, 'connection: who has output is flushed');
    const waits = this.#handshake !== null && output.pendingBytes > 0;
    invariant(!this.#endAfterFlush || isQueued || waits, 'connection: FIN leaves with a flush');
    invariant(this.bufferedBytes <= this.bytesWritten, 'connection: only what was written waits');
    const isTimed = this.#delayedClose?.isWaiting === true;
    invariant(!isTimed || this.#state === 'closing', 'connection: only a close is delayed');
    if (this.#state !== 'closed') return;
    invariant(output.collectedBytes === 0, 'connection: a closed one has no output');
  }

  #enter(next: State): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
  }

  #queueFlush(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    this.#loop.flushLater(this);
  }

  /** In front of a handshake only the preparation writes: the owner does not yet. */
  #mayWrite(): boolean {
    return this.#state === 'open' || (this.#state === 'preparing' && this.#handshake === null);
  }

  #writeTo(socket: Socket): void {
    this.#output.writeBy(socketWriter(socket, isPublicOnly(), () => this.#onWritten()));
  }

  #sendEnd(): void {
    this.#endAfterFlush = false;
    const socket = this.#socket;
    if (socket === null || this.#state === 'closed') return;
    // The close_notify would overtake what TLS has not handed on yet.
    if (this.#handshake !== null && this.#output.pendingBytes > 0) {
      this.#endAfterFlush = true;
      if (this.#state === 'closing') this.#watchUnsent();
      return;
    }
    socket.end();
    if (this.#state !== 'closing') return;
    if (!this.#delayAfterFlush || this.#peerEnded) {
      // Everything left, or the close follows as soon as it is out (or the peer stops taking it).
      if (this.#output.pendingBytes === 0 && this.#handshake === null) {
        this.#destroy('now');
        return;
      }
      socket.once('finish', () => this.#destroy('now'));
    }
    this.#watchUnsent();
  }

  #watchUnsent(): void {
    if (this.#delayedClose !== null) return;
    const delayMs = this.delayedCloseMs > 0 ? this.delayedCloseMs : DEFAULT_DELAYED_CLOSE_MS;
    const wait = { output: this.#output, delayMs };
    this.#delayedClose = new DelayedClose(this.#loop, wait, () => {
      if (this.#delayAfterFlush) this.onDelayedCloseTimeout?.();
      this.#destroy('now');
    });
  }

  #destroy(mode: CloseMode): void {
    const socket = this.#socket;
    this.#output.discard();
    this.#enter('closing');
    if (socket === null) return;
    if (mode !== 'reset') socket.destroy();
    else if (this.#handshake === null) socket.resetAndDestroy();
    else resetSecureSocket(socket as TLSSocket);
  }

  /** The kernel has taken everything. */
  #onWritten(): void {
    this.#output.unpin();
    if (this.#endAfterFlush) this.#queueFlush();
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
    this.#output.writeBy(secureWriter(socket, () => this.#onWritten()));
    this.ready();
    if (INVARIANTS) this.checkInvariants();
  }

  /** It went away, or failed, before its owner had it. */
  #onUnprepared(error: NodeJS.ErrnoException | null): void {
    this.#detail = this.#handshake?.onFailure(error) ?? '';
    this.#reason = error === null ? 'peer-closed' : 'peer-reset';
    if (this.#detail !== '') this.#reason = 'transport-failed';
    this.#destroy('now');
  }

  #onSocketDrain(): void {
    if (!this.#wantsDrain || this.#state !== 'open') return;
    this.#loop.beginTurn();
    this.#wantsDrain = false;
    this.#handler?.onDrain();
  }

  #onSocketEnd(): void {
    this.#loop.beginTurn();
    this.#peerEnded = true;
    if (this.#state === 'preparing') {
      this.#onUnprepared(null);
      return;
    }
    this.#reason = 'peer-closed';
    if (this.#held?.isEmpty === false) {
      this.#isEndHeld = true;
      return;
    }
    if (this.#state === 'open') this.#handler?.onEnd();
    else this.#destroy('now');
  }

  #onSocketError(error: NodeJS.ErrnoException): void {
    if (this.#state === 'preparing') {
      this.#onUnprepared(error);
      return;
    }
    // node tells of broken records, and leaves the rest to whoever listens.
    if (this.#handshake !== null) this.#socket?.destroy();
    this.#detail = systemErrorText(error);
    this.#reason = this.#state === 'connecting' ? 'connect-failed' : 'peer-reset';
  }

  #onSocketClose(): void {
    if (this.#state === 'closed') return;
    this.#enter('closed');
    this.#loop.beginTurn();
    this.#delayedClose?.cancel();
    this.#held?.discard();
    this.#output.discard();
    this.#output.unpin();
    if (INVARIANTS) this.checkInvariants();
    this.#handler?.onClose(this.#reason, this.#detail);
    this.onGone?.(this);
  }
}

/** What a connection is made with. */
export interface ConnectionOptions {
  /** Output beyond this stops the writer; from per_connection_buffer_limit_bytes. */
  readonly bufferLimitBytes: number;
  readonly connecting: boolean;
  /** Of one that connects; absent: its owner has it at once. */
  readonly preparation?: Preparation | null;
}
