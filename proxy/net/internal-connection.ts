// One end of a connection within the worker: what is written here is handed to the other end at the
// end of the turn, as a socket's output would leave. There is no kernel between them: the queue of
// the writer is all that holds octets.
import type { SocketAddress } from '../base/address.ts';
import { Edges, INVARIANTS, invariant } from '../base/invariants.ts';
import { ByteQueue } from './byte-queue.ts';
import type { CloseMode, CloseReason, Connection, ConnectionHandler } from './connection.ts';
import { nextConnectionId } from './connection-id.ts';
import { DelayedClose, type UnsentOutput } from './delayed-close.ts';
import type { EventLoop, Flushable } from './event-loop.ts';

/** Time for the other end to close after our last byte (Envoy: delayed_close_timeout). */
const DEFAULT_DELAYED_CLOSE_MS = 1000;

/** What a socket says in the same place. */
const RESET_TEXT = 'Connection reset by peer';

const NO_TLS = 'TLS error: connections within the process carry no TLS';

/** Drawn in LIFECYCLE.md. */
type State = 'connecting' | 'open' | 'closing' | 'closed';

const EDGES = new Edges<State>('internal connection', {
  connecting: ['open', 'closing', 'closed'],
  open: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
});

/** What an end is made with. */
export interface InternalEnd {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Output beyond this stops the writer. */
  readonly bufferLimitBytes: number;
  /** False: begins to read with `start`. */
  readonly reads: boolean;
}

/** See Connection. Both ends are `connecting` until `open`. */
export class InternalConnection implements Connection, Flushable, UnsentOutput {
  readonly id = nextConnectionId();
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  bytesRead = 0;
  bytesWritten = 0;
  readonly tls = null;
  onGone: ((connection: Connection) => void) | null = null;
  delayedCloseMs = DEFAULT_DELAYED_CLOSE_MS;
  onDelayedCloseTimeout: (() => void) | null = null;
  readonly #loop: EventLoop;
  readonly #bufferLimit: number;
  readonly #output = new ByteQueue();
  /** The other end; null until `join`. */
  #peer: InternalConnection | null = null;
  #handler: ConnectionHandler | null = null;
  #state: State = 'connecting';
  #flushQueued = false;
  #wantsDrain = false;
  #reads: boolean;
  #readPaused = false;
  /** What follows the output. */
  #ending: 'none' | 'end' | 'reset' = 'none';
  #endSent = false;
  #peerEnded = false;
  /** Ours to close: nobody waits until the other end has taken the output. */
  #isAbrupt = false;
  #delayAfterEnd = false;
  #delayedClose: DelayedClose | null = null;
  #reason: CloseReason = 'local-close';
  #detail = '';

  constructor(loop: EventLoop, end: InternalEnd) {
    this.#loop = loop;
    this.localAddress = end.local;
    this.remoteAddress = end.remote;
    this.#bufferLimit = end.bufferLimitBytes;
    this.#reads = end.reads;
  }

  /** Makes two connecting ends one open connection. */
  static join(one: InternalConnection, other: InternalConnection): void {
    one.#peer = other;
    other.#peer = one;
    one.#enter('open');
    other.#enter('open');
  }

  /** Tells the owner of the end that connected. */
  announce(): void {
    if (this.#state === 'open') this.#handler?.onConnected();
  }

  /** There is nobody to connect to. */
  fail(detail: string): void {
    if (this.#state !== 'connecting') return;
    this.#reason = 'connect-failed';
    this.#detail = detail;
    this.#finish();
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  /** Begins to read. */
  start(): void {
    this.#reads = true;
    this.#wakePeer();
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  get bufferedBytes(): number {
    return this.#output.bytes;
  }

  unsentBytes(): number {
    return this.#output.bytes;
  }

  isWritable(): boolean {
    if (this.#output.bytes <= this.#bufferLimit) return true;
    this.#wantsDrain = true;
    return false;
  }

  writeText(text: string): void {
    if (this.#state !== 'open' || this.#ending !== 'none') return;
    this.bytesWritten += text.length;
    this.#output.addText(text);
    this.#queueFlush();
  }

  writeBytes(data: Buffer): void {
    if (this.#state !== 'open' || this.#ending !== 'none' || data.length === 0) return;
    this.bytesWritten += data.length;
    this.#output.addBytes(data);
    this.#queueFlush();
  }

  pauseReading(): void {
    this.#readPaused = true;
  }

  resumeReading(): void {
    if (!this.#readPaused) return;
    this.#readPaused = false;
    this.#wakePeer();
  }

  halfClose(): void {
    if (this.#state !== 'open' || this.#ending !== 'none') return;
    this.#ending = 'end';
    this.#queueFlush();
  }

  /** Nobody can listen in: octets never leave the process. */
  secure(): void {
    if (this.#state !== 'open') return;
    this.#reason = 'transport-failed';
    this.#detail = NO_TLS;
    this.close('now');
  }

  close(mode: CloseMode): void {
    if (this.#state === 'closed' || this.#isAbrupt) return;
    const wasConnecting = this.#state === 'connecting';
    if (this.#state !== 'closing') this.#enter('closing');
    else if (mode !== 'now' && mode !== 'reset') return;
    this.#isAbrupt = wasConnecting || mode === 'now' || mode === 'reset';
    if (mode === 'now') this.#output.discard();
    this.#ending = mode === 'reset' ? 'reset' : 'end';
    this.#delayAfterEnd = mode === 'flush-and-delay' && this.delayedCloseMs > 0;
    // What the other end still sends is taken and dropped, so that it does not wait.
    this.#reads = true;
    this.#readPaused = false;
    this.#wakePeer();
    this.#queueFlush();
  }

  flush(): void {
    this.#flushQueued = false;
    this.#deliver();
    if (this.#wantsDrain && this.#output.bytes === 0 && this.#state === 'open') {
      this.#wantsDrain = false;
      this.#handler?.onDrain();
    }
    if (this.#ending !== 'none') this.#sendEnd();
    this.#closeIfDone();
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const isIdle = this.#output.bytes === 0;
    const waitsForReader = this.#peer === null || !this.#peer.#takesBytes;
    invariant(isIdle || this.#flushQueued || waitsForReader, 'internal: output waits for a reader');
    invariant(isIdle || !this.#endSent, 'internal: the end comes behind the output');
    invariant(this.#output.bytes <= this.bytesWritten, 'internal: only what was written waits');
    invariant(isIdle || this.#state !== 'closed', 'internal: a closed end has no output');
  }

  get #takesBytes(): boolean {
    return this.#reads && !this.#readPaused;
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

  /** The other end reads (again): it gets what waits, at the end of the turn. */
  #onReaderReady(): void {
    if (this.#output.bytes > 0 || (this.#ending !== 'none' && !this.#endSent)) this.#queueFlush();
  }

  #deliver(): void {
    const peer = this.#peer;
    if (peer === null) return;
    while (this.#output.bytes > 0 && peer.#takesBytes) {
      if (peer.#state === 'closed') {
        // As a socket answers octets that nobody reads any more.
        this.#onReset();
        return;
      }
      const { buffer, length } = this.#output.take();
      peer.#receive(buffer, length);
    }
  }

  #receive(buffer: Buffer, length: number): void {
    this.bytesRead += length;
    if (this.#state === 'open') this.#handler?.onBytes(buffer, length);
  }

  #sendEnd(): void {
    const peer = this.#peer;
    if (this.#isAbrupt) this.#output.discard();
    if (this.#endSent || peer === null || this.#output.bytes > 0) return;
    if (this.#ending === 'reset') {
      this.#endSent = true;
      peer.#onReset();
    } else if (peer.#takesBytes) {
      this.#endSent = true;
      peer.#onPeerEnd();
    }
  }

  #onPeerEnd(): void {
    if (this.#state === 'closed') return;
    this.#peerEnded = true;
    this.#reason = 'peer-closed';
    if (this.#state === 'open') this.#handler?.onEnd();
    this.#closeIfDone();
  }

  #onReset(): void {
    if (this.#state === 'closed') return;
    this.#reason = 'peer-reset';
    this.#detail = RESET_TEXT;
    this.#finish();
  }

  #closeIfDone(): void {
    if (this.#state === 'open') {
      if (this.#endSent && this.#peerEnded) this.#finish();
      return;
    }
    if (this.#state !== 'closing') return;
    const isOver = this.#endSent && (!this.#delayAfterEnd || this.#peerEnded);
    if (isOver || this.#isAbrupt) this.#finish();
    else this.#delayedClose ??= this.#waitForPeer();
  }

  #waitForPeer(): DelayedClose {
    const delayMs = this.delayedCloseMs > 0 ? this.delayedCloseMs : DEFAULT_DELAYED_CLOSE_MS;
    return new DelayedClose(this.#loop, { output: this, delayMs }, () => {
      if (this.#delayAfterEnd) this.onDelayedCloseTimeout?.();
      this.#finish();
    });
  }

  /** An end that the other one has not taken yet is delivered when it reads. */
  #finish(): void {
    this.#enter('closed');
    this.#delayedClose?.cancel();
    this.#output.discard();
    if (this.#ending === 'none') this.#ending = 'end';
    // Octets that still come are answered by a reset.
    this.#reads = true;
    this.#readPaused = false;
    if (!this.#endSent) this.#queueFlush();
    this.#wakePeer();
    this.#handler?.onClose(this.#reason, this.#detail);
    this.onGone?.(this);
  }

  /** We read (again): the other end may deliver. */
  #wakePeer(): void {
    if (this.#peer !== null) this.#peer.#onReaderReady();
  }
}
