// How bytes leave through TLS: straight to node's handle, one write at a time, and what comes while
// one is under way joined behind it. The handle aborts the process when it is given a second one.
import type { Socket } from 'node:net';
import {
  destroyFor,
  type OnDrained,
  queuedBytes,
  type SocketWriter,
  STREAM_BINDING,
  type StreamBinding,
  type StreamHandle,
  StreamWriter,
  type WriteRequest,
} from './socket-writer.ts';

/** What is used of node's TLSWrap. */
interface SecureHandle extends StreamHandle {
  writeBuffer(request: WriteRequest, data: Buffer): number;
  /** With `true` all of the chunks are octets. */
  writev(request: WriteRequest, chunks: readonly Buffer[], areOctets: true): number;
}

/** The best writer of a TLS socket whose handshake is done; what leaves by it leaves by nothing else. */
export function secureWriter(
  socket: Socket,
  publicOnly: boolean,
  onDrained: OnDrained,
): SocketWriter {
  const handle = (socket as unknown as { _handle?: StreamHandle | null })._handle ?? null;
  if (!publicOnly && STREAM_BINDING !== null && socket.writableLength === 0 && isSecure(handle)) {
    return new SecureWriter(socket, handle, onDrained);
  }
  return new StreamWriter(socket, onDrained, true);
}

function isSecure(handle: StreamHandle | null): handle is SecureHandle {
  return typeof handle?.writeBuffer === 'function' && typeof handle.writev === 'function';
}

class SecureWriter implements SocketWriter {
  readonly prefersOctets = true;
  pendingBytes = 0;
  readonly #socket: Socket;
  readonly #handle: SecureHandle;
  readonly #onDrained: OnDrained;
  /** Of the next write, and of the one before: a request serves again once its end has returned. */
  #request: WriteRequest;
  #spare: WriteRequest;
  #isWriting = false;
  /** What waits for the write that is under way. */
  #waiting: Buffer[] = [];

  constructor(socket: Socket, handle: SecureHandle, onDrained: OnDrained) {
    this.#socket = socket;
    this.#handle = handle;
    this.#onDrained = onDrained;
    const onComplete = (status: number): void => this.#completed(status);
    this.#request = newRequest(handle, onComplete);
    this.#spare = newRequest(handle, onComplete);
  }

  /** TLS encrypts or copies before it returns: only what waits for its turn must stay as it is. */
  write(data: Buffer | string): boolean {
    if (!this.#mayWrite()) return true;
    const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    this.pendingBytes += octets.length;
    if (this.#isWriting) {
      this.#waiting.push(octets);
      return false;
    }
    this.#begin(this.#handle.writeBuffer(this.#request, octets));
    return true;
  }

  unsentBytes(): number {
    return queuedBytes(this.#socket) ?? this.pendingBytes;
  }

  /** A closed socket has no handle; writing to the old one would be a crash. */
  #mayWrite(): boolean {
    const { _handle: handle } = this.#socket as unknown as { readonly _handle: unknown };
    return this.#socket.writable && handle === this.#handle;
  }

  #begin(status: number): void {
    this.#isWriting = status === 0;
    if (status !== 0) this.#fail(status);
  }

  #completed(status: number): void {
    const request = this.#request;
    this.#request = this.#spare;
    this.#spare = request;
    this.#isWriting = false;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    const waiting = this.#waiting;
    if (waiting.length === 0) {
      this.pendingBytes = 0;
      this.#onDrained();
      return;
    }
    if (!this.#mayWrite()) return;
    this.#waiting = [];
    this.pendingBytes = sizeOf(waiting);
    const [first] = waiting;
    const { length } = waiting;
    this.#begin(
      length === 1 && first !== undefined
        ? this.#handle.writeBuffer(this.#request, first)
        : this.#handle.writev(this.#request, waiting, true),
    );
  }

  #fail(status: number): void {
    this.#waiting = [];
    this.pendingBytes = 0;
    destroyFor(this.#socket, status);
  }
}

function newRequest(handle: SecureHandle, onComplete: (status: number) => void): WriteRequest {
  const request = new (STREAM_BINDING as StreamBinding).WriteWrap();
  request.handle = handle;
  request.oncomplete = onComplete;
  return request;
}

function sizeOf(chunks: readonly Buffer[]): number {
  let size = 0;
  for (const { length } of chunks) size += length;
  return size;
}
