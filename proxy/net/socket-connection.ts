// A Connection over a net.Socket (TCP or pipe): its states, its events, and the flush of its output
// at the end of a turn of the event loop.
import type { Socket } from 'node:net';
import type { SocketAddress } from '../base/address.ts';
import { Edges, INVARIANTS, invariant } from '../base/invariants.ts';
import { systemErrorText } from '../base/system-error.ts';
import { isPublicOnly } from './accepted-socket.ts';
import type { CloseMode, CloseReason, Connection, ConnectionHandler } from './connection.ts';
import { nextConnectionId } from './connection-id.ts';
import { DelayedClose } from './delayed-close.ts';
import type { EventLoop, Flushable } from './event-loop.ts';
import { SocketOutput } from './socket-output.ts';
import { socketWriter } from './socket-writer.ts';

/** Time for the peer to close after our last byte (Envoy: delayed_close_timeout). */
const DEFAULT_DELAYED_CLOSE_MS = 1000;

/** The two ends of a socket. */
export interface SocketEnds {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

/** Drawn in LIFECYCLE.md. */
type State = 'connecting' | 'open' | 'closing' | 'closed';

const EDGES = new Edges<State>('connection', {
  connecting: ['open', 'closing', 'closed'],
  open: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
});

/** See Connection. Its owner calls `attach` once with the socket that feeds `receive`. */
export class SocketConnection implements Connection, Flushable {
  readonly id: number;
  localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  bytesRead = 0;
  bytesWritten = 0;
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

  constructor(loop: EventLoop, ends: SocketEnds, options: ConnectionOptions) {
    this.id = nextConnectionId();
    this.#loop = loop;
    this.localAddress = ends.local;
    this.remoteAddress = ends.remote;
    this.#bufferLimit = options.bufferLimitBytes;
    this.#output = new SocketOutput(loop.slab);
    this.#state = options.connecting ? 'connecting' : 'open';
  }

  /** Takes over the socket's events. */
  attach(socket: Socket): void {
    this.#socket = socket;
    if (this.#state === 'open') this.#writeTo(socket);
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onSocketError(error));
    socket.on('close', () => this.#onSocketClose());
  }

  /** The socket that we opened is connected. */
  connected(local: SocketAddress): void {
    this.localAddress = local;
    if (this.#state !== 'connecting') return;
    this.#enter('open');
    // Only a connected socket has its final handle.
    if (this.#socket !== null) this.#writeTo(this.#socket);
    this.#loop.beginTurn();
    this.#handler?.onConnected();
    if (INVARIANTS) this.checkInvariants();
  }

  /** Octets arrived in `buffer[0, length)`. */
  receive(length: number, buffer: Buffer): void {
    this.#loop.beginTurn();
    this.bytesRead += length;
    if (this.#state === 'open') (this.#handler as ConnectionHandler).onBytes(buffer, length);
    if (INVARIANTS) this.checkInvariants();
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
    if (this.#state !== 'open') return;
    this.bytesWritten += text.length;
    this.#output.addText(text);
    this.#queueFlush();
    if (INVARIANTS) this.checkInvariants();
  }

  writeBytes(data: Buffer): void {
    if (this.#state !== 'open' || data.length === 0) return;
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
    if (this.#state !== 'closed') this.#socket?.resume();
  }

  halfClose(): void {
    if (this.#state !== 'open') return;
    this.#endAfterFlush = true;
    this.#queueFlush();
  }

  close(mode: CloseMode): void {
    if (this.#state === 'closed') return;
    const wasConnecting = this.#state === 'connecting';
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
    invariant(!this.#endAfterFlush || isQueued, 'connection: FIN leaves with a flush');
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

  #writeTo(socket: Socket): void {
    this.#output.writeBy(socketWriter(socket, isPublicOnly(), () => this.#onWritten()));
  }

  #sendEnd(): void {
    this.#endAfterFlush = false;
    const socket = this.#socket;
    if (socket === null || this.#state === 'closed') return;
    socket.end();
    if (this.#state !== 'closing') return;
    if (!this.#delayAfterFlush || this.#peerEnded) {
      // Everything left, or the close follows as soon as it is out (or the peer stops taking it).
      if (this.#output.pendingBytes === 0) {
        this.#destroy('now');
        return;
      }
      socket.once('finish', () => this.#destroy('now'));
    }
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
    if (mode === 'reset') socket.resetAndDestroy();
    else socket.destroy();
  }

  /** The kernel has taken everything. */
  #onWritten(): void {
    this.#output.unpin();
    this.#onSocketDrain();
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
    this.#reason = 'peer-closed';
    if (this.#state === 'open') this.#handler?.onEnd();
    else this.#destroy('now');
  }

  #onSocketError(error: NodeJS.ErrnoException): void {
    this.#detail = systemErrorText(error);
    this.#reason = this.#state === 'connecting' ? 'connect-failed' : 'peer-reset';
  }

  #onSocketClose(): void {
    if (this.#state === 'closed') return;
    this.#enter('closed');
    this.#loop.beginTurn();
    this.#delayedClose?.cancel();
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
}
