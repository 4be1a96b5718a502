// A Connection over a net.Socket (TCP or pipe). Output collects during a turn of the event loop
// and leaves in one write: heads and small bodies as one latin1 text, larger ones from the slab.
import type { Socket } from 'node:net';
import type { SocketAddress } from '../base/address.ts';
import { latin1Slice, latin1Write } from '../base/latin1.ts';
import { systemErrorText } from '../base/system-error.ts';
import { isPublicOnly } from './accepted-socket.ts';
import type { CloseMode, CloseReason, Connection, ConnectionHandler } from './connection.ts';
import { DelayedClose } from './delayed-close.ts';
import type { EventLoop, Flushable } from './event-loop.ts';
import type { SlabBlock } from './output-slab.ts';
import { type SocketWriter, socketWriter } from './socket-writer.ts';

/** Up to here a body is cheaper as text joined to its head than copied into the slab. */
const TEXT_BODY_BYTES = 2048;
/** Output of one connection that is not held back until the end of the turn. */
const EAGER_WRITE_BYTES = 64 * 1024;
/** Time for the peer to close after our last byte (Envoy: delayed_close_timeout). */
const DEFAULT_DELAYED_CLOSE_MS = 1000;

let lastConnectionId = 0;

/** The two ends of a socket. */
export interface SocketEnds {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

type State = 'connecting' | 'open' | 'closing' | 'closed';

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
  #socket: Socket | null = null;
  #writer: SocketWriter | null = null;
  #handler: ConnectionHandler | null = null;
  #state: State;
  #text = '';
  #block: SlabBlock | null = null;
  #blockStart = 0;
  #blockEnd = 0;
  /** Blocks with writes of ours that the kernel has not finished. */
  #pinned: SlabBlock[] = [];
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
    lastConnectionId += 1;
    this.id = lastConnectionId;
    this.#loop = loop;
    this.localAddress = ends.local;
    this.remoteAddress = ends.remote;
    this.#bufferLimit = options.bufferLimitBytes;
    this.#state = options.connecting ? 'connecting' : 'open';
  }

  /** Takes over the socket's events. */
  attach(socket: Socket): void {
    this.#socket = socket;
    this.#writer = this.#state === 'open' ? this.#makeWriter(socket) : null;
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onSocketError(error));
    socket.on('close', () => this.#onSocketClose());
  }

  /** The socket that we opened is connected. */
  connected(local: SocketAddress): void {
    this.localAddress = local;
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    // Only a connected socket has its final handle.
    if (this.#socket !== null) this.#writer = this.#makeWriter(this.#socket);
    this.#loop.beginTurn();
    this.#handler?.onConnected();
  }

  /** Octets arrived in `buffer[0, length)`. */
  receive(length: number, buffer: Buffer): void {
    this.#loop.beginTurn();
    this.bytesRead += length;
    if (this.#state === 'open') (this.#handler as ConnectionHandler).onBytes(buffer, length);
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  get bufferedBytes(): number {
    const pendingBytes = this.#writer === null ? 0 : this.#writer.pendingBytes;
    return this.#text.length + (this.#blockEnd - this.#blockStart) + pendingBytes;
  }

  isWritable(): boolean {
    if (this.bufferedBytes <= this.#bufferLimit) return true;
    this.#wantsDrain = true;
    return false;
  }

  writeText(text: string): void {
    if (this.#state !== 'open') return;
    this.bytesWritten += text.length;
    if (this.#block !== null && this.#copyText(text)) return;
    this.#text += text;
    if (this.#text.length >= EAGER_WRITE_BYTES) this.#writeOut();
    this.#queueFlush();
  }

  writeBytes(data: Buffer): void {
    if (this.#state !== 'open' || data.length === 0) return;
    this.bytesWritten += data.length;
    if (this.#block === null && data.length <= TEXT_BODY_BYTES) {
      this.#text += latin1Slice(data, 0, data.length);
      this.#queueFlush();
      return;
    }
    this.#copyBytes(data);
    if (this.#blockEnd - this.#blockStart >= EAGER_WRITE_BYTES) this.#writeOut();
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
      this.#state = 'closing';
      // What counts as sent leaves if the kernel takes it; the RST says that it is not all.
      if (mode === 'reset' && !wasConnecting) this.#writeOut();
      this.#destroy(mode);
      return;
    }
    if (this.#state === 'closing') return;
    this.#state = 'closing';
    this.#delayAfterFlush = mode === 'flush-and-delay' && this.delayedCloseMs > 0;
    this.#endAfterFlush = true;
    // What the peer still sends is read and dropped, so that its data does not turn into a reset.
    this.resumeReading();
    this.#queueFlush();
  }

  flush(): void {
    this.#flushQueued = false;
    this.#writeOut();
    if (this.#endAfterFlush) this.#sendEnd();
  }

  #queueFlush(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    this.#loop.flushLater(this);
  }

  #copyText(text: string): boolean {
    if (!this.#extend(text.length)) return false;
    latin1Write((this.#block as SlabBlock).bytes, text, this.#blockEnd);
    this.#blockEnd += text.length;
    this.#loop.slab.offset = this.#blockEnd;
    return true;
  }

  /** Text first, then the octets, in one region of the slab. */
  #copyBytes(data: Buffer): void {
    if (this.#block !== null && !this.#extend(data.length)) this.#writeOut();
    if (this.#block === null) {
      const slab = this.#loop.slab;
      if (!slab.reserve(this.#text.length + data.length)) {
        this.#writeOut();
        this.#socketWrite(Buffer.from(data));
        return;
      }
      this.#block = slab.block;
      this.#blockStart = slab.offset;
      this.#blockEnd = slab.offset;
      const text = this.#text;
      this.#text = '';
      if (text !== '') this.#copyText(text);
    }
    data.copy(this.#block.bytes, this.#blockEnd);
    this.#blockEnd += data.length;
    this.#loop.slab.offset = this.#blockEnd;
    this.#queueFlush();
  }

  /** True when our region is the slab's last and `size` more octets fit behind it. */
  #extend(size: number): boolean {
    const slab = this.#loop.slab;
    return (
      this.#text === '' &&
      this.#block === slab.block &&
      this.#blockEnd === slab.offset &&
      slab.offset + size <= slab.block.bytes.length
    );
  }

  #writeOut(): void {
    if (this.#block !== null) {
      const block = this.#block;
      const region = block.bytes.subarray(this.#blockStart, this.#blockEnd);
      this.#block = null;
      this.#blockStart = 0;
      this.#blockEnd = 0;
      if (!this.#socketWrite(region)) {
        this.#loop.slab.pin(block);
        this.#pinned.push(block);
      }
    }
    if (this.#text !== '') {
      const text = this.#text;
      this.#text = '';
      this.#socketWrite(text);
    }
    if (this.#wantsDrain && this.bufferedBytes === 0) this.#onSocketDrain();
  }

  /** True when the kernel took everything at once. */
  #socketWrite(data: Buffer | string): boolean {
    return this.#writer === null || this.#writer.write(data);
  }

  #makeWriter(socket: Socket): SocketWriter {
    return socketWriter(socket, isPublicOnly(), () => this.#onWritten());
  }

  #sendEnd(): void {
    this.#endAfterFlush = false;
    const socket = this.#socket;
    if (socket === null || this.#state === 'closed') return;
    socket.end();
    if (this.#state !== 'closing') return;
    if (!this.#delayAfterFlush || this.#peerEnded) {
      // Everything left, or the close follows as soon as it is out (or the peer stops taking it).
      if (this.#writer === null || this.#writer.pendingBytes === 0) {
        this.#destroy('now');
        return;
      }
      socket.once('finish', () => this.#destroy('now'));
    }
    const delayMs = this.delayedCloseMs > 0 ? this.delayedCloseMs : DEFAULT_DELAYED_CLOSE_MS;
    const wait = { writer: this.#writer, delayMs };
    this.#delayedClose = new DelayedClose(this.#loop, wait, () => {
      if (this.#delayAfterFlush) this.onDelayedCloseTimeout?.();
      this.#destroy('now');
    });
  }

  #destroy(mode: CloseMode): void {
    const socket = this.#socket;
    this.#text = '';
    this.#block = null;
    this.#blockStart = 0;
    this.#blockEnd = 0;
    this.#state = 'closing';
    if (socket === null) return;
    if (mode === 'reset') socket.resetAndDestroy();
    else socket.destroy();
  }

  /** The kernel has taken everything. */
  #onWritten(): void {
    this.#unpin();
    this.#onSocketDrain();
  }

  #unpin(): void {
    if (this.#pinned.length === 0) return;
    for (const block of this.#pinned) this.#loop.slab.unpin(block);
    this.#pinned.length = 0;
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
    this.#state = 'closed';
    this.#loop.beginTurn();
    this.#delayedClose?.cancel();
    // A closed handle has ended all its writes.
    this.#unpin();
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
