// How bytes leave through a socket. The public way is `socket.write`; the direct way hands text and
// octets to the socket's handle, which saves the stream machinery of Node (0.91 of the whole cost a
// request). Its calls are undocumented: they are made here only, whatever is missing switches back
// to the public way, and the tests run on both.
import type { Socket } from 'node:net';

/** Writes for one socket, in order. */
export interface SocketWriter {
  /** True when the kernel took everything at once; else `data` must stay as it is until drained. */
  write(data: Buffer | string): boolean;
  /** Octets of writes that are not finished: what a back-pressured peer is charged with. */
  readonly pendingBytes: number;
  /** Octets that the kernel has not taken yet; falls while a long write makes progress. */
  unsentBytes(): number;
  /** It writes text by making octets of it first: whoever has memory for them does that better. */
  readonly prefersOctets: boolean;
}

/** Told when everything that was pending has left. */
export type OnDrained = () => void;

/** node's WriteWrap: one write. */
export interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
  handle: StreamHandle | null;
  /** Keeps octets alive while the system still reads them. */
  buffer: Buffer | null;
}

/** What is used of the handles of sockets. */
export interface StreamHandle {
  /** Octets that libuv holds. */
  readonly writeQueueSize?: number;
  writeLatin1String?(request: WriteRequest, text: string): number;
  writeBuffer?(request: WriteRequest, data: Buffer): number;
  writev?(request: WriteRequest, chunks: readonly Buffer[], areOctets: true): number;
}

/** What direct writing needs of Node's `stream_wrap` binding. */
export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** Facts about the last call; the index of «it went on asynchronously» is fixed in Node. */
  readonly streamBaseState: Int32Array;
}

const LAST_WRITE_WAS_ASYNC = 3;

/** null: this Node does not give it away. */
export const STREAM_BINDING: StreamBinding | null = loadBinding();

function loadBinding(): StreamBinding | null {
  const load = (process as unknown as { binding?: (name: string) => unknown }).binding;
  if (load === undefined) return null;
  try {
    const found = load.call(process, 'stream_wrap') as Partial<StreamBinding>;
    const { WriteWrap, streamBaseState } = found;
    if (WriteWrap === undefined || streamBaseState === undefined) return null;
    return { WriteWrap, streamBaseState };
  } catch {
    // This Node does not give the binding away: the public way serves.
    return null;
  }
}

/** The best writer that this socket allows. */
export function socketWriter(
  socket: Socket,
  publicOnly: boolean,
  onDrained: OnDrained,
): SocketWriter {
  const handle = (socket as unknown as { _handle?: StreamHandle | null })._handle ?? null;
  if (!publicOnly && STREAM_BINDING !== null && isDirect(handle)) {
    return new HandleWriter(socket, { handle, binding: STREAM_BINDING }, onDrained);
  }
  return new StreamWriter(socket, onDrained, false);
}

function isDirect(handle: StreamHandle | null): handle is Required<StreamHandle> {
  return (
    handle !== null &&
    typeof handle.writeLatin1String === 'function' &&
    typeof handle.writeBuffer === 'function'
  );
}

/** The documented way; with `isSecure` heads and bodies are joined, which makes one record of them. */
export class StreamWriter implements SocketWriter {
  readonly prefersOctets: boolean;
  readonly #socket: Socket;
  readonly #onWritten: () => void;

  constructor(socket: Socket, onDrained: OnDrained, isSecure: boolean) {
    this.#socket = socket;
    this.prefersOctets = isSecure;
    // Not 'drain': that comes only behind a write that was over the stream's own limit.
    this.#onWritten = () => {
      if (socket.writableLength === 0) onDrained();
    };
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  unsentBytes(): number {
    return queuedBytes(this.#socket) ?? this.#socket.writableLength;
  }

  write(data: Buffer | string): boolean {
    if (!this.#socket.writable) return true;
    if (typeof data === 'string') this.#socket.write(data, 'latin1', this.#onWritten);
    else this.#socket.write(data, this.#onWritten);
    return this.#socket.writableLength === 0;
  }
}

/** The direct way. The socket's own writing is never used beside it, so order is libuv's. */
class HandleWriter implements SocketWriter {
  readonly prefersOctets = false;
  readonly #socket: Socket;
  readonly #handle: Required<StreamHandle>;
  readonly #binding: StreamBinding;
  readonly #onDrained: OnDrained;
  /** A request that ended at once was never kept by the system: it serves again. */
  #request: WriteRequest | null = null;
  #pendingWrites = 0;
  pendingBytes = 0;
  readonly #onComplete = (status: number): void => this.#completed(status);

  constructor(
    socket: Socket,
    calls: { readonly handle: Required<StreamHandle>; readonly binding: StreamBinding },
    onDrained: OnDrained,
  ) {
    this.#socket = socket;
    this.#handle = calls.handle;
    this.#binding = calls.binding;
    this.#onDrained = onDrained;
  }

  write(data: Buffer | string): boolean {
    const socket = this.#socket;
    // A closed socket has no handle; writing to the old one would be a crash.
    if (!socket.writable || (socket as unknown as { _handle: unknown })._handle !== this.#handle) {
      return true;
    }
    const request = this.#request ?? this.#newRequest();
    const status =
      typeof data === 'string'
        ? this.#handle.writeLatin1String(request, data)
        : this.#handle.writeBuffer(request, data);
    if (status !== 0) {
      destroyFor(this.#socket, status);
      return true;
    }
    if (this.#binding.streamBaseState[LAST_WRITE_WAS_ASYNC] === 0) {
      this.#request = request;
      return true;
    }
    this.#request = null;
    if (typeof data !== 'string') request.buffer = data;
    this.#pendingWrites += 1;
    this.pendingBytes += data.length;
    return false;
  }

  unsentBytes(): number {
    return queuedBytes(this.#socket) ?? this.pendingBytes;
  }

  #newRequest(): WriteRequest {
    const request = new this.#binding.WriteWrap();
    request.buffer = null;
    request.handle = this.#handle;
    request.oncomplete = this.#onComplete;
    return request;
  }

  #completed(status: number): void {
    this.#pendingWrites -= 1;
    if (this.#pendingWrites > 0) return;
    this.pendingBytes = 0;
    if (status < 0) destroyFor(this.#socket, status);
    else this.#onDrained();
  }
}

/** `status` is a negative errno: the socket's own events tell the rest. */
export function destroyFor(socket: Socket, status: number): void {
  if (socket.destroyed) return;
  const code = ERRNO_CODES.get(status) ?? 'EPIPE';
  socket.destroy(Object.assign(new Error(`write ${code}`), { code }));
}

/** What libuv holds for a socket; null where Node does not tell. */
export function queuedBytes(socket: Socket): number | null {
  const handle = (socket as unknown as { _handle?: StreamHandle | null })._handle ?? null;
  return handle?.writeQueueSize ?? null;
}

/** Negative errno values that a write gives on Linux and macOS. */
const ERRNO_CODES: ReadonlyMap<number, string> = new Map([
  [-32, 'EPIPE'],
  [-104, 'ECONNRESET'],
  [-54, 'ECONNRESET'],
  [-110, 'ETIMEDOUT'],
  [-60, 'ETIMEDOUT'],
]);
